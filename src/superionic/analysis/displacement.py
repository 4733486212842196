"""Displacements of the mobile ions relative to the framework, and their mean square over all time origins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from superionic.errors import InputError
from superionic.trajectories.trajectory import Trajectory

Floats = NDArray[np.float64]

_CHUNK_FRAMES = 1024
_CHUNK_VALUES = 300_000
_AXIS_PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))


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


def thinned(trajectory: Trajectory, n_frames: int, share: float = 1.0) -> Trajectory:
    """Evenly spread frames of the analysed part, or of its first share: for what needs averages but no dynamics.

    Parameters
    ----------
    trajectory
        The run.
    n_frames
        How many frames are enough.
    share
        Part of the analysed frames to take them from; at least `n_frames` frames are looked at.
    """
    first = first_analysed_frame(trajectory)
    length = max(n_frames, int(share * (trajectory.n_frames - first)))
    stride = max(1, min(length, trajectory.n_frames - first) // n_frames)
    frames = slice(first, first + length, stride)
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


def analysed_positions(trajectory: Trajectory, atoms: NDArray[np.intp], *, continuous: bool = True) -> Floats:
    """Positions of some atoms after equilibration, relative to the framework.

    In a cell that changes, positions are taken as fractions of it and given in the mean cell, so that its breathing
    does not count as diffusion. The mean displacement of all framework ions since the first analysed frame is
    subtracted; without a framework nothing is.

    Parameters
    ----------
    trajectory
        The run.
    atoms
        Indices of the atoms wanted.
    continuous
        Whether frames follow each other closely enough to tell from jumps that positions were wrapped.

    Returns
    -------
    Unwrapped Cartesian positions in Å, float64, shape (n_frames, n_atoms, 3).

    Raises
    ------
    InputError
        If positions are not finite, or were wrapped into the cell.
    """
    first = first_analysed_frame(trajectory)
    result = np.empty((trajectory.n_frames - first, len(atoms), 3))
    framework = trajectory.framework
    origin = np.zeros(3)
    continuity = _Continuity(np.asarray(np.linalg.inv(mean_cell(trajectory)), dtype=np.float64), first)
    for start, chunk in _chunks_in_mean_cell(trajectory, first):
        continuity.add(chunk)
        part = result[start : start + len(chunk)]
        part[:] = chunk[:, atoms]
        if framework.size:
            centre = chunk[:, framework].mean(axis=1)
            origin = centre[0] if start == 0 else origin
            part -= (centre - origin)[:, None]
    if continuous:
        continuity.require()
    return result


def species_sums(trajectory: Trajectory) -> tuple[list[str], Floats]:
    """Summed positions of each species relative to the framework, for collective motion.

    Returns
    -------
    The species, sorted, and their sums in Å, shape (n_frames, n_species, 3).
    """
    first = first_analysed_frame(trajectory)
    species = sorted(set(trajectory.species))
    member = np.array([[name == own for own in trajectory.species] for name in species], dtype=float)
    framework = trajectory.framework
    sums = np.empty((trajectory.n_frames - first, len(species), 3))
    origin: Floats | None = None
    for start, chunk in _chunks_in_mean_cell(trajectory, first):
        if framework.size:
            centre = chunk[:, framework].mean(axis=1, keepdims=True)
            chunk = chunk - centre  # noqa: PLW2901
        origin = chunk[:1] if origin is None else origin
        sums[start : start + len(chunk)] = member @ (chunk - origin)
    return species, sums


def _chunks_in_mean_cell(trajectory: Trajectory, first: int) -> Iterator[tuple[int, Floats]]:
    cell = mean_cell(trajectory)
    for start in range(first, trajectory.n_frames, _CHUNK_FRAMES):
        frames = slice(start, start + _CHUNK_FRAMES)
        chunk = np.asarray(trajectory.positions_A[frames], dtype=np.float64)
        if trajectory.cell_A.ndim == 3:
            chunk = chunk @ np.linalg.inv(trajectory.cell_A[frames]) @ cell
        yield start - first, chunk


class _Continuity:
    """Watches positions go by; refuses what is not finite, and what never leaves the cell but jumps across it."""

    def __init__(self, inverse_cell: Floats, first_frame: int) -> None:
        self.inverse_cell = inverse_cell
        self.frame = first_frame
        self.last: Floats | None = None
        self.largest_jump = 0.0
        self.lowest, self.highest = np.full(3, np.inf), np.full(3, -np.inf)

    def add(self, chunk: Floats) -> None:
        first = self.last is None
        if self.last is None:
            self.last = np.empty(chunk.shape[1:])
        jump, bad = _watch(chunk, self.inverse_cell, first, self.last, self.lowest, self.highest)
        if bad >= 0:
            raise InputError(f"positions are not finite in frame {self.frame + bad}: cut the trajectory before it")
        self.largest_jump = max(self.largest_jump, jump)
        self.frame += len(chunk)

    def require(self) -> None:
        if self.largest_jump > 0.5 and np.all(self.highest - self.lowest < 1.0 + 1e-6):
            raise InputError(
                f"positions jump by {self.largest_jump:.2f} of a cell vector between frames but never leave the cell: "
                "they are wrapped; give unwrapped positions"
            )


@numba.njit(cache=True)
def _watch(chunk, inverse, first, last, lowest, highest):  # type: ignore[no-untyped-def]
    """Largest step as a fraction of a cell vector, and the first frame that is not finite (-1: none)."""
    jump = 0.0
    for t in range(chunk.shape[0]):
        for i in range(chunk.shape[1]):
            x, y, z = chunk[t, i, 0], chunk[t, i, 1], chunk[t, i, 2]
            if not np.isfinite(x + y + z):
                return jump, t
            for k in range(3):
                f = x * inverse[0, k] + y * inverse[1, k] + z * inverse[2, k]
                if not (first and t == 0):
                    jump = max(jump, abs(f - last[i, k]))
                last[i, k] = f
                lowest[k] = min(lowest[k], f)
                highest[k] = max(highest[k], f)
    return jump, -1


def mean_squared_displacement(positions_A: Floats, max_lag: int | None = None) -> Floats:
    """Mean displacement tensor over all ions and all time origins.

    Parameters
    ----------
    positions_A
        Unwrapped Cartesian positions in Å, shape (n_frames, n_ions, 3).
    max_lag
        Longest lag in frames; n_frames - 1 by default.

    Returns
    -------
    <dr_a dr_b> in Å^2 at lags 0 .. max_lag, shape (max_lag + 1, 3, 3); its trace is the mean squared displacement.

    Raises
    ------
    InputError
        If `max_lag` is longer than the run.

    Notes
    -----
    The Fourier form of Calandrini et al., Collection SFN 12, 201 (2011), with all sums in float64: in float32 short
    lags of long runs drown in the cancellation.
    """
    n_frames, n_ions, _ = positions_A.shape
    max_lag = n_frames - 1 if max_lag is None else max_lag
    if not 0 < max_lag < n_frames:
        raise InputError(
            f"max_lag = {max_lag} frames is not within a run of {n_frames} frames: choose 1 to {n_frames - 1}"
        )
    padded = next_fast_len(n_frames + max_lag, real=True)
    products = np.zeros((6, n_frames))
    power = np.zeros((6, padded // 2 + 1))
    chunk_ions = max(1, _CHUNK_VALUES // (3 * padded))
    for start in range(0, n_ions, chunk_ions):
        series = np.ascontiguousarray(positions_A[:, start : start + chunk_ions].transpose(2, 1, 0), dtype=np.float64)
        series -= series.mean(axis=2, keepdims=True)
        transform = rfft(series, padded, axis=2)
        for pair, (a, b) in enumerate(_AXIS_PAIRS):
            products[pair] += np.einsum("it,it->t", series[a], series[b])
            power[pair] += np.einsum("if,if->f", transform[a].real, transform[b].real)
            power[pair] += np.einsum("if,if->f", transform[a].imag, transform[b].imag)
    pairs_of_frames = (n_frames - np.arange(max_lag + 1.0)) * n_ions
    del series, transform
    tensor = np.empty((max_lag + 1, 3, 3))
    for pair, (a, b) in enumerate(_AXIS_PAIRS):  # one at a time: a long run has as many lags as frames
        total = np.concatenate([[0.0], np.cumsum(products[pair])])
        squares = total[-1] - total[: max_lag + 1]
        squares += total[::-1][: max_lag + 1]
        squares -= 2 * irfft(power[pair], padded)[: max_lag + 1]
        squares /= pairs_of_frames
        tensor[:, a, b] = tensor[:, b, a] = squares
    tensor[0] = 0.0
    return tensor
