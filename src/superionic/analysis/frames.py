"""Which frames of a run are analysed, in what cell, and how they are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice

from superionic.errors import InputError
from superionic.trajectories.codec import CHUNK_FRAMES
from superionic.trajectories.stored import StoredPositions
from superionic.trajectories.trajectory import Trajectory

Floats = NDArray[np.float64]

_VALUES_AT_ONCE = 500_000
_PARAMETER_DIGITS = 6


def first_analysed_frame(trajectory: Trajectory) -> int:
    """Index of the first frame after equilibration.

    Raises
    ------
    InputError
        If the equilibration leaves fewer than two frames.
    """
    first = int(np.ceil(trajectory.equilibration_ps / trajectory.frame_interval_ps - 1e-9))
    if first > trajectory.n_frames - 2:
        raise InputError(
            f"equilibration_ps = {trajectory.equilibration_ps} leaves {max(trajectory.n_frames - first, 0)} of "
            f"{trajectory.n_frames} frames: give a shorter equilibration or a longer run"
        )
    return first


def mean_cell(trajectory: Trajectory) -> Floats:
    """Cell vectors as rows in Å, averaged over the analysed frames, shape (3, 3)."""
    if trajectory.cell_A.ndim == 2:
        return trajectory.cell_A
    return np.asarray(trajectory.cell_A[first_analysed_frame(trajectory) :].mean(axis=0))


def reduced_cell(cell_A: Floats) -> Floats:
    """Niggli's cell of the same lattice, in the same orientation: whatever cell the run has, this is the same one.

    Where the lattice has symmetry there are several; which one it is follows from lengths and angles alone, so that it
    turns with the cell.
    """
    upright = Lattice.from_parameters(*np.round(Lattice(cell_A).parameters, _PARAMETER_DIGITS))
    in_cell = upright.get_niggli_reduced_lattice().matrix @ np.linalg.inv(upright.matrix)
    return np.asarray(np.rint(in_cell) @ cell_A)


def thinned(trajectory: Trajectory, n_frames: int, part: tuple[float, float] = (0.0, 1.0)) -> Trajectory:
    """Evenly spread frames of the analysed run, or of a part of it, in memory: for averages without dynamics.

    Parameters
    ----------
    trajectory
        The run.
    n_frames
        How many frames are enough.
    part
        Where to take them from, as shares of the analysed run; widened if it has fewer frames.
    """
    first = first_analysed_frame(trajectory)
    length = trajectory.n_frames - first
    start, stop = round(part[0] * length), round(part[1] * length)
    stop = min(max(stop, start + n_frames), length)
    start = max(min(start, stop - n_frames), 0)
    stride = max(1, (stop - start) // n_frames)
    frames = slice(first + start, first + stop, stride)
    return replace(
        trajectory,
        positions_A=trajectory.positions_A[frames],
        cell_A=trajectory.cell_A[frames] if trajectory.cell_A.ndim == 3 else trajectory.cell_A,
        frame_interval_ps=trajectory.frame_interval_ps * stride,
        equilibration_ps=0.0,
        temperatures_K=None,
        potential_energies_eV=None,
        conserved_energies_eV=None,
    )


def frames_in_mean_cell(
    trajectory: Trajectory, first: int, last: int, atoms: NDArray[np.intp] | None = None
) -> Iterator[tuple[int, Floats]]:
    """Positions of frames `first` to `last`, so many at a time that they take little memory.

    In a cell that changes, positions are taken as fractions of it and given in the mean cell, so that its breathing
    does not count as diffusion.

    Parameters
    ----------
    trajectory
        The run.
    first, last
        Index of the first frame, and of the one after the last.
    atoms
        Indices of the atoms wanted, all by default.

    Returns
    -------
    Number of the first frame since `first`, and positions in Å, float64, shape (n, n_atoms, 3).
    """
    cell = mean_cell(trajectory)
    for start, stop in pairwise(_cuts(trajectory, first, last)):
        frames = slice(start, stop)
        part = trajectory.positions_A[frames] if atoms is None else trajectory.positions_A[frames, atoms]
        part = np.asarray(part, dtype=np.float64)
        if trajectory.cell_A.ndim == 3:
            part = part @ np.linalg.inv(trajectory.cell_A[frames]) @ cell
        yield start - first, part


def _cuts(trajectory: Trajectory, first: int, last: int) -> list[int]:
    """Where to cut frames `first` to `last`: at chunks of a stored run, each of which decodes only as a whole."""
    positions = trajectory.positions_A
    borders = positions.chunk_starts if isinstance(positions, StoredPositions) else np.empty(0, np.intp)
    at_once = max(CHUNK_FRAMES, _VALUES_AT_ONCE // (3 * trajectory.n_atoms))
    cuts = [first]
    while cuts[-1] < last:
        border = np.searchsorted(borders, cuts[-1] + at_once, side="right") - 1
        within = border >= 0 and borders[border] > cuts[-1]
        cuts.append(min(int(borders[border]) if within else cuts[-1] + at_once, last))
    return cuts
