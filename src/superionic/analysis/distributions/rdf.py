"""Radial distribution function in a cell of any shape."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from superionic.analysis.frames import first_analysed_frame, mean_cell, reduced_cell
from superionic.errors import InputError
from superionic.trajectories.trajectory import Trajectory

Floats = NDArray[np.float64]


def radial_distribution(
    trajectory: Trajectory,
    species_a: str,
    species_b: str,
    *,
    r_max_A: float | None = None,
    bin_A: float = 0.05,
    n_frames: int = 200,
) -> tuple[Floats, Floats]:
    """g(r) between two species, averaged over evenly spaced frames.

    Parameters
    ----------
    trajectory
        The run.
    species_a, species_b
        Element symbols.
    r_max_A
        Largest distance in Å; by default, and at most, half the smallest height of Niggli's cell.
    bin_A
        Width of a bin in Å.
    n_frames
        Evenly spread frames of the analysed run to average over.

    Returns
    -------
    Bin centres in Å and g, shape (n_bins,) each.

    Raises
    ------
    InputError
        If a species is missing, or `r_max_A` does not fit into the cell.
    """
    species = np.asarray(trajectory.species)
    for name in (species_a, species_b):
        if name not in trajectory.species:
            raise InputError(f"species {name!r} is not in the run: use one of {sorted(set(trajectory.species))}")
    first = first_analysed_frame(trajectory)
    frames = np.unique(np.linspace(first, trajectory.n_frames - 1, n_frames).astype(int))
    to_reduced = np.rint(reduced_cell(mean_cell(trajectory)) @ np.linalg.inv(mean_cell(trajectory)))
    cells = to_reduced @ np.broadcast_to(trajectory.cell_A, (trajectory.n_frames, 3, 3))[frames]
    fits = 0.5 / np.linalg.norm(np.linalg.inv(cells), axis=1).max()
    r_max = fits if r_max_A is None else r_max_A
    if r_max > fits * (1 + 1e-9):
        raise InputError(
            f"r_max_A = {r_max} is more than half the smallest height of the reduced cell: give at most {fits:.2f}"
        )
    n_bins = int(r_max / bin_A + 1e-6)
    a, b = np.flatnonzero(species == species_a), np.flatnonzero(species == species_b)
    counts = np.zeros(n_bins)
    _count(
        np.asarray(trajectory.positions_A[frames], dtype=np.float64),
        np.ascontiguousarray(cells),
        np.linalg.inv(cells),
        a,
        b,
        bin_A,
        counts,
    )
    edges = np.arange(n_bins + 1) * bin_A
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    pairs = len(a) * len(b) - (len(a) if species_a == species_b else 0)
    density = pairs / np.abs(np.linalg.det(cells)).mean()
    return 0.5 * (edges[1:] + edges[:-1]), counts / (len(frames) * shells * density)


@numba.njit(cache=True)
def _count(positions, cells, inverses, a, b, bin_A, counts):  # type: ignore[no-untyped-def]
    for t in range(len(positions)):
        cell, inverse = cells[t], inverses[t]
        for i in a:
            for j in b:
                if i == j:
                    continue
                d = positions[t, j] - positions[t, i]
                x, y, z = 0.0, 0.0, 0.0
                for k in range(3):
                    f = d[0] * inverse[0, k] + d[1] * inverse[1, k] + d[2] * inverse[2, k]
                    f -= np.rint(f)  # exact within half the smallest height of the cell
                    x += f * cell[k, 0]
                    y += f * cell[k, 1]
                    z += f * cell[k, 2]
                n = int(np.sqrt(x * x + y * y + z * z) / bin_A)
                if n < len(counts):
                    counts[n] += 1
