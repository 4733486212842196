"""Which frames of a run are analysed, in what cell, and how they are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice

from superionic.errors import InputError
from superionic.trajectories.trajectory import Trajectory

Floats = NDArray[np.float64]

_VALUES_AT_ONCE = 300_000


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
    """Niggli's cell of the same lattice, in the same orientation: whatever cell the run has, this is the same one."""
    return np.asarray(Lattice(cell_A).get_niggli_reduced_lattice().matrix)


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
    at_once = max(64, _VALUES_AT_ONCE // (3 * trajectory.n_atoms))
    for start in range(first, last, at_once):
        frames = slice(start, min(start + at_once, last))
        part = trajectory.positions_A[frames] if atoms is None else trajectory.positions_A[frames, atoms]
        part = np.asarray(part, dtype=np.float64)
        if trajectory.cell_A.ndim == 3:
            part = part @ np.linalg.inv(trajectory.cell_A[frames]) @ cell
        yield start - first, part
