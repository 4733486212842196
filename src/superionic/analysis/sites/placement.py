"""How a host's crystal lies in the cell of a run: the integer matrix between the two cells, and the origin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice

from superionic.analysis.frames import mean_cell, thinned
from superionic.analysis.motion import analysed_positions
from superionic.analysis.periodic import nearest_distances
from superionic.errors import InputError
from superionic.structures.crystal import bare_element
from superionic.structures.host import Host
from superionic.structures.supercell import lattice_points
from superionic.trajectories.trajectory import Trajectory

Floats = NDArray[np.float64]

LENGTH_TOLERANCE = 0.08
ANGLE_TOLERANCE_DEG = 5.0
MATCH_A = 1.2
ANION_TOLERANCE = 0.05
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
    """Supercell matrix and origin (in host fractions) that lay the host over the run's framework.

    Raises
    ------
    InputError
        If the run's cell or framework is not that of the host.
    """
    _require_same_elements(host, trajectory)
    seen = _seen(trajectory, _reference(host, trajectory))
    best: tuple[float, Placement] | None = None
    for matrix in _supercell_matrices(host.structure.lattice.matrix, seen.cell_A):
        for placement in _placements(host, matrix, seen):
            mismatch = _mismatch(host, placement, seen)
            if best is None or mismatch < best[0] - 1e-6:
                best = mismatch, placement
        if best is not None and best[0] < _CERTAIN_A:
            break
    if best is None or best[0] > MATCH_A:
        found = "its cell is no supercell of the host's" if best is None else f"the anions lie {best[0]:.2f} Å off"
        raise InputError(f"the run's framework is not that of host {host.name}: {found}; give the host of this run")
    _require_as_many_anions(host, best[1], trajectory)
    return _centred(host, best[1], seen)


def _require_same_elements(host: Host, trajectory: Trajectory) -> None:
    """Refuse a run with elements that its host does not know, or without one of its anions."""
    known = {bare_element(ion) for ion in (*host.oxidation_states, *(i for s in host.sites for i in s.allowed_species))}
    strange = sorted(set(trajectory.species) - known)
    missing = sorted({bare_element(ion) for ion in host.anion_species} - set(trajectory.species))
    if strange or missing:
        what = f"holds {strange[0]}, which the host lacks" if strange else f"lacks the anion {missing[0]}"
        raise InputError(f"the run is not one of host {host.name}: it {what}; give the host of this run")


def _require_as_many_anions(host: Host, placement: Placement, trajectory: Trajectory) -> None:
    """Refuse a run that holds another number of anions than as many cells of its host."""
    n_cells = abs(round(float(np.linalg.det(placement[0]))))
    anions = {bare_element(ion) for ion in host.anion_species}
    there = n_cells * sum(
        occupancy for site in host.structure for ion, occupancy in site.species.items() if ion.symbol in anions
    )
    here = sum(name in anions for name in trajectory.species)
    if abs(here - there) > max(1.0, ANION_TOLERANCE * there):
        raise InputError(
            f"the run is not one of host {host.name}: it holds {here} anions ({', '.join(sorted(anions))}), and "
            f"{n_cells} cells of the host {there:.4g}; give the host of this run"
        )


@dataclass(frozen=True)
class _Seen:
    """Where the ions of a run are.

    Attributes
    ----------
    cell_A
        Mean cell of the run.
    average_A, first_A
        Positions of all ions early in the run, on average and in the first frame.
    species, labels
        Element symbol of each ion, and the site that it started on where that is known.
    movable
        Whether an ion may be off its site: those that are mobile, or of no framework.
    reference
        Element symbols of the ions by which the host is laid over the run.
    """

    cell_A: Floats
    average_A: Floats
    first_A: Floats
    species: NDArray[np.str_]
    labels: list[str] | None
    movable: NDArray[np.bool_]
    reference: tuple[str, ...]


def _reference(host: Host, trajectory: Trajectory) -> tuple[str, ...]:
    """Species by which a host is laid over a run: the framework named, else its anions, else all that holds still."""
    known = {ion for site in host.sites for ion in site.allowed_species}
    wanted = host.reference_species if trajectory.framework_species is None else trajectory.framework_species
    found = tuple(ion for ion in wanted if ion in known and ion in trajectory.species)
    if not found:
        anions = host.anion_species and trajectory.framework_species is None
        raise InputError(
            f"the run holds none of the {'anions' if anions else 'ions'} {list(wanted)} of host {host.name}: use its "
            "own host"
        )
    return found


def _seen(trajectory: Trajectory, reference: tuple[str, ...]) -> _Seen:
    cell = mean_cell(trajectory)
    sample = thinned(trajectory, _SAMPLE_FRAMES, (0.0, _SAMPLE_SHARE))
    to_cell = np.linalg.inv(mean_cell(sample)) @ cell  # a cell that changes has another mean in these frames
    positions = analysed_positions(sample, np.arange(trajectory.n_atoms), continuous=False) @ to_cell
    species, labels = np.asarray(trajectory.species), trajectory.site_labels
    movable = ~np.isin(species, [name for name in set(trajectory.species) if trajectory.holds_still(name)])
    return _Seen(cell, positions.mean(axis=0), positions[0], species, labels, movable, reference)


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


def _placements(host: Host, matrix: NDArray[np.int64], seen: _Seen) -> Iterator[Placement]:
    """No shift first, then every shift that brings a host anion onto the run's first."""
    yield matrix, np.zeros(3)
    anion = int(np.flatnonzero(np.isin(seen.species, seen.reference))[0])
    first = (seen.average_A[anion] @ np.linalg.inv(seen.cell_A)) @ matrix
    for site in host.sites:
        if seen.species[anion] in site.allowed_species:
            for target in site.frac_coords:
                yield matrix, first - target


def _centred(host: Host, placement: Placement, seen: _Seen) -> Placement:
    """The origin moved so that the anions lie about the host's without bias, whichever of them was tried first."""
    matrix, shift = placement
    anions = sorted(seen.reference)
    for _ in range(3):
        off = []
        for anion in anions:
            frac = np.concatenate([s.frac_coords for s in host.sites if anion in s.allowed_species])
            positions = seen.average_A[seen.species == anion] @ np.linalg.inv(seen.cell_A)
            delta = positions[:, None] - laid_out(frac, (matrix, shift))
            delta -= np.rint(delta)
            nearest = np.argmin(np.linalg.norm(delta @ seen.cell_A, axis=2), axis=1)
            off.append(delta[np.arange(len(delta)), nearest])
        shift = shift + np.concatenate(off).mean(axis=0) @ matrix
    return matrix, shift


def _mismatch(host: Host, placement: Placement, seen: _Seen) -> float:
    """Rms distance of the anions from the host's, plus a penalty for cations whose site does not fit."""
    squares, n_anions = 0.0, 0
    for anion in seen.reference:
        places = [site.frac_coords for site in host.sites if anion in site.allowed_species]
        here = seen.species == anion
        if places and here.any():
            there = laid_out(np.concatenate(places), placement) @ seen.cell_A
            squares += float(np.sum(nearest_distances(seen.average_A[here], there, seen.cell_A) ** 2))
            n_anions += int(here.sum())
    rms = float(np.sqrt(squares / n_anions))
    if rms > MATCH_A:
        return rms
    judged = ~np.isin(seen.species, seen.reference)
    if seen.labels is None or not host.anion_species:  # without other anions, a mobile ion is the anion
        judged &= ~seen.movable
    cations = np.flatnonzero(judged)
    if not cations.size:
        return rms
    sites = [site for site in host.sites if not set(site.allowed_species) & set(seen.reference)]
    images = [laid_out(site.frac_coords, placement) @ seen.cell_A for site in sites]
    distances = np.stack([nearest_distances(seen.first_A[cations], image, seen.cell_A) for image in images])
    nearest = [sites[n] for n in distances.argmin(axis=0)]
    if seen.labels is not None:
        fits = [float(site.label == seen.labels[atom]) for site, atom in zip(nearest, cations, strict=True)]
    else:
        elements = seen.species[cations]
        fits = [_likelihood(host, site.frac_coords[0], ion) for site, ion in zip(nearest, elements, strict=True)]
    return rms + _CATION_WEIGHT_A * (1 - float(np.mean(fits)))


def _likelihood(host: Host, frac: Floats, element: str) -> float:
    """Occupancy of an element at a position of the crystal over its highest; 1 if the crystal lacks it."""
    shares = [site.species.element_composition.as_dict().get(element, 0.0) for site in host.structure]
    if not any(shares):
        return 1.0
    delta = host.structure.frac_coords - frac
    near = np.linalg.norm((delta - np.rint(delta)) @ host.structure.lattice.matrix, axis=1) < _SAME_POSITION_A
    return float(max((share for share, here in zip(shares, near, strict=True) if here), default=0.0) / max(shares))
