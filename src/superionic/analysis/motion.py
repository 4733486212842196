"""Positions of ions relative to the framework: of all of them if memory allows, else of some at a time.

What adds up over ions (and everything that needs whole histories does) reads them through `groups_of`, so that a run
of any length is analysed within a given memory, with the same numbers.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from superionic.analysis.frames import first_analysed_frame, frames_in_mean_cell, mean_cell
from superionic.errors import InputError
from superionic.trajectories.trajectory import Trajectory

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

_WHOLE, _GROUP = 1.5, 2.5
"""Memory that work on positions takes over their own; a group is still there while the next one is read."""

_BESIDE = 0.4
"""Share of the memory of the mobile ions that other ions and work on them may take besides."""

_SAMPLE_FRAMES = 2000
_BYTES = 8


class IonGroups:
    """Positions of ions in a temporary file, a group of ions after the other; made and sliced like an array.

    A stored run holds all ions of a frame together, so that to take a group from it is to decode all of it. It is
    decoded once, into this; the file is gone when nothing refers to it any more.

    Parameters
    ----------
    n_frames, n_ions
        How many.
    ions_at_once
        How many make a group.
    """

    def __init__(self, n_frames: int, n_ions: int, ions_at_once: int) -> None:
        self.shape = (n_frames, n_ions, 3)
        self._file = tempfile.TemporaryFile(prefix="superionic-ions-")  # noqa: SIM115 - lives as long as this does
        self._file_frames, self._first, self._at_once = n_frames, 0, ions_at_once

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, frames: slice) -> IonGroups:
        start, stop, _ = frames.indices(len(self))
        part = object.__new__(IonGroups)
        part.__dict__.update(self.__dict__, shape=(max(stop - start, 0), *self.shape[1:]), _first=self._first + start)
        return part

    def __setitem__(self, frames: slice, positions_A: Floats) -> None:
        start = frames.indices(len(self))[0]
        try:
            for ions in self._groups():
                self._seek(ions, start)
                self._file.write(np.ascontiguousarray(positions_A[:, ions]).data)
            self._file.flush()
        except OSError as error:
            needed_GB = 3e-9 * _BYTES * self._file_frames * self.shape[1]
            raise InputError(
                f"the run does not fit into the memory allowed, nor {needed_GB:.3g} GB into {tempfile.gettempdir()} "
                f"({error.strerror}): allow more memory_GB, or set TMPDIR to a folder with more room"
            ) from error

    def groups(self) -> Iterator[tuple[slice, Floats]]:
        """Which ions, and their positions in Å, shape (n_frames, n, 3)."""
        for ions in self._groups():
            positions = np.empty((len(self), ions.stop - ions.start, 3))
            self._seek(ions, 0)
            self._file.readinto(positions.reshape(-1).view(np.uint8).data)
            yield ions, positions

    def _groups(self) -> Iterator[slice]:
        for start in range(0, self.shape[1], self._at_once):
            yield slice(start, min(start + self._at_once, self.shape[1]))

    def _seek(self, ions: slice, frame: int) -> None:
        before = self._file_frames * ions.start + (self._first + frame) * (ions.stop - ions.start)
        self._file.seek(3 * _BYTES * before)


Positions = Floats | IonGroups


def groups_of(positions: Positions) -> Iterator[tuple[slice, Floats]]:
    """Which ions, and their positions, a group after the other; an array is one group."""
    if isinstance(positions, IonGroups):
        yield from positions.groups()
    else:
        yield slice(0, positions.shape[1]), positions


def _room(n_frames: int, n_ions: int, memory_bytes: float) -> Positions:
    """Where positions are to go: an array, or a file if work on that would take more than `memory_bytes`."""
    one_ion = 3 * _BYTES * n_frames
    if _WHOLE * one_ion * n_ions <= memory_bytes:
        return np.empty((n_frames, n_ions, 3))
    return IonGroups(n_frames, n_ions, max(1, int(memory_bytes / (_GROUP * one_ion))))


@dataclass(frozen=True)
class Motion:
    """A run relative to its framework since the first analysed frame.

    Attributes
    ----------
    trajectory
        The run.
    moved_A
        Mean displacement of the framework in Å, shape (n_frames, 3); zero without one.
    mobile_A
        Positions of the mobile ions relative to the framework in Å, shape (n_frames, n_ions, 3).
    framework_A, framework_stride
        Those of the framework in every so many frames, 2000 or somewhat more in all.
    memory_bytes
        What positions and work on them may take.
    """

    trajectory: Trajectory
    moved_A: Floats
    mobile_A: Positions
    framework_A: Floats
    framework_stride: int
    memory_bytes: float

    def of(self, atoms: Indices) -> Positions:
        """Positions of other ions relative to the framework in Å, shape (n_frames, n_atoms, 3)."""
        beside = _BESIDE * _BYTES * float(np.prod(self.mobile_A.shape))
        positions = _room(len(self.moved_A), len(atoms), min(self.memory_bytes, beside))
        first = first_analysed_frame(self.trajectory)
        for start, part in frames_in_mean_cell(self.trajectory, first, self.trajectory.n_frames, atoms):
            frames = slice(start, start + len(part))
            positions[frames] = part - self.moved_A[frames, None]
        return positions


@dataclass(frozen=True)
class SpeciesSums:
    """Species as wholes.

    Attributes
    ----------
    species, counts
        Element symbols, sorted, and their numbers of ions.
    sums_A
        Summed displacement of each relative to the framework in Å, shape (n_frames, n_species, 3).
    """

    species: list[str]
    counts: NDArray[np.int64]
    sums_A: Floats


def read_motion(trajectory: Trajectory, memory_bytes: float = np.inf) -> tuple[Motion, SpeciesSums]:
    """Read all frames of a run once, in order; the sums are apart, so that they can be let go.

    Parameters
    ----------
    trajectory
        The run.
    memory_bytes
        What positions and work on them may take; if it is not enough they go to a temporary file, and are read from
        there a group of ions at a time.

    Raises
    ------
    InputError
        If there is no mobile ion, or positions are not finite or were wrapped into the cell.
    """
    first = first_analysed_frame(trajectory)
    atoms = trajectory.mobile
    if not atoms.size:
        raise InputError(
            f"mobile_species = {trajectory.mobile_species!r} is none of the species {sorted(set(trajectory.species))}"
        )
    species = sorted(set(trajectory.species))
    n_frames, framework = trajectory.n_frames - first, trajectory.framework
    moved, sums = np.empty((n_frames, 3)), np.empty((n_frames, len(species), 3))
    stride = max(1, n_frames // _SAMPLE_FRAMES)
    sample = np.empty((-(-n_frames // stride), len(framework), 3))
    positions = _room(n_frames, len(atoms), memory_bytes)
    sweep = _Sweep(trajectory)
    for start, part, part_sums, part_moved in sweep:
        frames = slice(start, start + len(part))
        moved[frames], sums[frames] = part_moved, part_sums
        positions[frames] = part[:, atoms] - part_moved[:, None]
        sampled = np.arange(-(-start // stride), -(-frames.stop // stride))
        here = sampled * stride - start
        sample[sampled] = part[here][:, framework] - part_moved[here, None]
    sweep.require_continuous()
    counts = np.array([trajectory.species.count(name) for name in species])
    sums -= sums[0].copy()
    sums -= counts[:, None] * moved[:, None]
    motion = Motion(trajectory, moved, positions, sample, stride, memory_bytes)
    return motion, SpeciesSums(species, counts, sums)


def analysed_positions(trajectory: Trajectory, atoms: Indices, *, continuous: bool = True) -> Floats:
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
    positions = np.empty((trajectory.n_frames - first_analysed_frame(trajectory), len(atoms), 3))
    sweep = _Sweep(trajectory)
    for start, part, _, moved in sweep:
        np.subtract(part[:, atoms], moved[:, None], out=positions[start : start + len(part)])
    if continuous:
        sweep.require_continuous()
    return positions


class _Sweep:
    """Reads the analysed frames in order, sums them up by species, and refuses what is not finite.

    Iterating gives the number of the first frame, positions, their sums by species, and how far the framework has
    moved. Positions that never leave the cell but jump across it are found on the way.
    """

    def __init__(self, trajectory: Trajectory) -> None:
        names = sorted(set(trajectory.species))
        self.trajectory = trajectory
        self._species = np.array([names.index(name) for name in trajectory.species], dtype=np.int64)
        self._framework = np.array([name != trajectory.mobile_species for name in names])
        self._inverse = np.ascontiguousarray(np.linalg.inv(mean_cell(trajectory)), dtype=np.float64)
        self._last = np.full((trajectory.n_atoms, 3), np.nan)
        self._lowest, self._highest = np.full(3, np.inf), np.full(3, -np.inf)
        self._largest_jump = 0.0

    def __iter__(self) -> Iterator[tuple[int, Floats, Floats, Floats]]:
        first = first_analysed_frame(self.trajectory)
        origin: Floats | None = None
        for start, part in frames_in_mean_cell(self.trajectory, first, self.trajectory.n_frames):
            sums = np.zeros((len(part), len(self._framework), 3))
            jump, bad = _watch(part, self._species, self._inverse, self._last, self._lowest, self._highest, sums)
            if bad >= 0:
                frame = first + start + bad
                raise InputError(f"positions are not finite in frame {frame}: cut the trajectory before it")
            self._largest_jump = max(self._largest_jump, jump)
            centre = sums[:, self._framework].sum(axis=1) / max(self.trajectory.framework.size, 1)
            origin = centre[0] if origin is None else origin
            yield start, part, sums, centre - origin

    def require_continuous(self) -> None:
        if self._largest_jump > 0.5 and np.all(self._highest - self._lowest < 1.0 + 1e-6):
            raise InputError(
                f"positions jump by {self._largest_jump:.2f} of a cell vector between frames but never leave the cell: "
                "they are wrapped; give unwrapped positions"
            )


@numba.njit(cache=True)
def _watch(positions, species, inverse, last, lowest, highest, sums):  # type: ignore[no-untyped-def]
    """Largest step as a fraction of a cell vector, and the first frame that is not finite (-1: none)."""
    jump = 0.0
    for t in range(positions.shape[0]):
        for i in range(positions.shape[1]):
            x, y, z = positions[t, i, 0], positions[t, i, 1], positions[t, i, 2]
            if not np.isfinite(x + y + z):
                return jump, t
            sums[t, species[i], 0] += x
            sums[t, species[i], 1] += y
            sums[t, species[i], 2] += z
            for k in range(3):
                f = x * inverse[0, k] + y * inverse[1, k] + z * inverse[2, k]
                step = abs(f - last[i, k])
                if step > jump:  # noqa: PLR1730 - never against the NaN before the first frame
                    jump = step
                last[i, k] = f
                lowest[k] = min(lowest[k], f)
                highest[k] = max(highest[k], f)
    return jump, -1
