"""How a host's crystal lies in the cell of a run: the integer matrix between the two cells, and the origin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice

from superionic.analysis.frames import mean_cell, thinned
from superionic.analysis.motion import analysed_positions
from superionic.analysis.periodic import nearest_distances
from superionic.errors import InputError
from superionic.structures.host import Host
from superionic.structures.supercell import lattice_points
from superionic.trajectories.trajectory import Trajectory

Floats = NDArray[np.float64]

LENGTH_TOLERANCE = 0.08
ANGLE_TOLERANCE_DEG = 5.0
MATCH_A = 1.2
_SAMPLE_FRAMES, _SAMPLE_SHARE = 200, 0.1
_CATION_WEIGHT_A = 0.6
_CERTAIN_A = 0.4
_SAME_POSITION_A = 0.5

Placement = tuple[NDArray[np.int64], Floats]
"""Supercell matrix, and origin in fractions of the host's cell."""


def laid_out(frac_coords: Floats, placement: Placement) -> Floats:
    """Positions of the host in all of its cells in the run, in fractions of the run's cell.

    Parameters
    ----------
    frac_coords
        Fractional coordinates in the host's cell, shape (n, 3).
    placement
        How the host lies in the run.

    Returns
    -------
    Shape (n * n_cells, 3), all images of one position together.
    """
    matrix, shift = placement
    images = frac_coords[:, None] + shift + lattice_points(matrix)
    return np.asarray(images.reshape(-1, 3) @ np.linalg.inv(matrix))


def place_host(host: Host, trajectory: Trajectory) -> Placement:
    """Supercell matrix and origin (in host fractions) that lay the host over the run's framework."""
    cell = mean_cell(trajectory)
    atoms = np.arange(trajectory.n_atoms)
    sample = thinned(trajectory, _SAMPLE_FRAMES, (0.0, _SAMPLE_SHARE))
    to_cell = np.linalg.inv(mean_cell(sample)) @ cell  # a cell that changes has another mean in these frames
    everything = analysed_positions(sample, atoms, continuous=False) @ to_cell
    average = everything.mean(axis=0)
    species = np.asarray(trajectory.species)
    anions = np.isin(species, host.anion_species)
    if not anions.any():
        raise InputError(
            f"the run holds none of the anions {list(host.anion_species)} of host {host.name}: use its own host"
        )
    best: tuple[float, NDArray[np.int64], Floats] | None = None
    for matrix in _supercell_matrices(host.structure.lattice.matrix, cell):
        for shift in _origins(host, matrix, cell, average[anions], species[anions]):
            mismatch = _mismatch(host, matrix, shift, cell, average, everything[0], trajectory)
            if best is None or mismatch < best[0] - 1e-6:
                best = mismatch, matrix, shift
        if best is not None and best[0] < _CERTAIN_A:
            break
    if best is None or best[0] > MATCH_A:
        found = "its cell is no supercell of the host's" if best is None else f"the anions lie {best[0]:.2f} Å off"
        raise InputError(f"the run's framework is not that of host {host.name}: {found}; give the host of this run")
    return best[1], _centred(host, best[1], best[2], cell, average[anions], species[anions])


def _supercell_matrices(host_cell: Floats, cell: Floats) -> list[NDArray[np.int64]]:
    """Integer matrices M with M @ host_cell of the run cell's lengths and angles; the same orientation comes first."""
    same = np.rint(cell @ np.linalg.inv(host_cell)).astype(np.int64)
    matrices = []
    if abs(np.linalg.det(same)) > 0.5 and np.allclose(same @ host_cell, cell, rtol=0, atol=0.08 * np.abs(cell).max()):
        matrices.append(same)
    mappings = Lattice(host_cell).find_all_mappings(
        Lattice(cell), ltol=LENGTH_TOLERANCE, atol=ANGLE_TOLERANCE_DEG, skip_rotation_matrix=True
    )
    seen = {matrix.tobytes() for matrix in matrices}
    for _, _, scale in mappings:
        matrix = np.rint(scale).astype(np.int64)
        if np.linalg.det(matrix) * np.linalg.det(cell) * np.linalg.det(host_cell) > 0 and matrix.tobytes() not in seen:
            seen.add(matrix.tobytes())
            matrices.append(matrix)
    return matrices


def _origins(
    host: Host, matrix: NDArray[np.int64], cell: Floats, anions_A: Floats, species: NDArray[np.str_]
) -> list[Floats]:
    """No shift first, then every shift that brings a host anion onto the run's first; in host fractions."""
    first = (anions_A[0] @ np.linalg.inv(cell)) @ matrix
    targets = np.concatenate([s.frac_coords for s in host.sites if species[0] in s.allowed_species])
    return [np.zeros(3), *[first - target for target in targets]]


def _centred(
    host: Host, matrix: NDArray[np.int64], shift: Floats, cell: Floats, anions_A: Floats, species: NDArray[np.str_]
) -> Floats:
    """The origin moved so that the anions lie about the host's without bias, whichever of them was tried first."""
    for _ in range(3):
        off = []
        for anion in set(species.tolist()):
            frac = np.concatenate([s.frac_coords for s in host.sites if anion in s.allowed_species])
            delta = (anions_A[species == anion] @ np.linalg.inv(cell))[:, None] - laid_out(frac, (matrix, shift))
            delta -= np.rint(delta)
            nearest = np.argmin(np.linalg.norm(delta @ cell, axis=2), axis=1)
            off.append(delta[np.arange(len(delta)), nearest])
        shift = shift + np.concatenate(off).mean(axis=0) @ matrix
    return shift


def _mismatch(
    host: Host,
    matrix: NDArray[np.int64],
    shift: Floats,
    cell: Floats,
    average_A: Floats,
    first_A: Floats,
    trajectory: Trajectory,
) -> float:
    """Rms distance of the anions from the host's, plus a penalty for cations whose site does not fit."""
    species = np.asarray(trajectory.species)

    def place(frac: Floats) -> Floats:
        return laid_out(frac, (matrix, shift)) @ cell

    squares, n_anions = 0.0, 0
    for anion in host.anion_species:
        places = [s.frac_coords for s in host.sites if anion in s.allowed_species]
        if places and np.any(species == anion):
            squares += float(
                np.sum(nearest_distances(average_A[species == anion], place(np.concatenate(places)), cell) ** 2)
            )
            n_anions += int(np.sum(species == anion))
    rms = float(np.sqrt(squares / n_anions))
    if rms > MATCH_A:
        return rms
    judged = ~np.isin(species, host.anion_species)
    if trajectory.site_labels is None:
        judged &= species != trajectory.mobile_species
    cations = np.flatnonzero(judged)
    if not cations.size:
        return rms
    sites = [s for s in host.sites if not set(s.allowed_species) & set(host.anion_species)]
    distances = np.stack([nearest_distances(first_A[cations], place(s.frac_coords), cell) for s in sites])
    nearest = distances.argmin(axis=0)
    if trajectory.site_labels is not None:
        fits = [float(sites[n].label == trajectory.site_labels[atom]) for n, atom in zip(nearest, cations, strict=True)]
    else:
        fits = [
            _likelihood(host, sites[n].frac_coords[0], species[atom]) for n, atom in zip(nearest, cations, strict=True)
        ]
    return rms + _CATION_WEIGHT_A * (1 - float(np.mean(fits)))


def _likelihood(host: Host, frac: Floats, element: str) -> float:
    """Occupancy of an element at a position of the crystal over its highest; 1 if the crystal lacks it."""
    shares = [site.species.element_composition.as_dict().get(element, 0.0) for site in host.structure]
    if not any(shares):
        return 1.0
    delta = host.structure.frac_coords - frac
    near = np.linalg.norm((delta - np.rint(delta)) @ host.structure.lattice.matrix, axis=1) < _SAME_POSITION_A
    return float(max((share for share, here in zip(shares, near, strict=True) if here), default=0.0) / max(shares))
