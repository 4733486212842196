"""Positions of ions relative to the framework: of all of them if memory allows, else of some at a time.

What adds up over ions (and everything that needs whole histories does) reads them through `groups_of`, so that a run
of any length is analysed within a given memory, with the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

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
"""Share of the memory of the mobile ions that work on other ions may take besides."""


@dataclass(frozen=True)
class IonGroups:
    """Positions of some ions that are not all in memory; `shape`, length and slices of frames are as of an array.

    Attributes
    ----------
    trajectory
        The run.
    atoms
        Indices of the ions.
    first
        Index of the first frame.
    moved_A
        How far the framework has moved since the first analysed frame, shape (n_frames, 3).
    memory_bytes
        What work on one group may take.
    """

    trajectory: Trajectory
    atoms: Indices
    first: int
    moved_A: Floats
    memory_bytes: float

    @property
    def shape(self) -> tuple[int, int, int]:
        """Frames, ions and axes."""
        return len(self.moved_A), len(self.atoms), 3

    def __len__(self) -> int:
        return len(self.moved_A)

    def __getitem__(self, frames: slice) -> IonGroups:
        start = frames.indices(len(self))[0]
        return replace(self, first=self.first + start, moved_A=self.moved_A[frames])

    @property
    def fit(self) -> bool:
        """Whether memory could hold all ions at once."""
        return _WHOLE * self.moved_A.nbytes * len(self.atoms) <= self.memory_bytes

    def groups(self) -> Iterator[tuple[slice, Floats]]:
        """Which ions, and their positions in Å, shape (n_frames, n, 3)."""
        at_once = len(self.atoms) if self.fit else max(1, int(self.memory_bytes / (_GROUP * self.moved_A.nbytes)))
        for start in range(0, len(self.atoms), at_once):
            ions = slice(start, min(start + at_once, len(self.atoms)))
            yield ions, self._read(self.atoms[ions])

    def _read(self, atoms: Indices) -> Floats:
        positions = np.empty((len(self), len(atoms), 3))
        last = self.first + len(self)
        for start, part in frames_in_mean_cell(self.trajectory, self.first, last, atoms):
            stop = start + len(part)
            np.subtract(part, self.moved_A[start:stop, None], out=positions[start:stop])
        return positions


Positions = Floats | IonGroups


def groups_of(positions: Positions) -> Iterator[tuple[slice, Floats]]:
    """Which ions, and their positions, a group after the other; an array is one group."""
    if isinstance(positions, IonGroups):
        yield from positions.groups()
    else:
        yield slice(0, positions.shape[1]), positions


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
    memory_bytes
        What positions and work on them may take.
    """

    trajectory: Trajectory
    moved_A: Floats
    mobile_A: Positions
    memory_bytes: float

    def of(self, atoms: Indices) -> IonGroups:
        """Positions of other ions relative to the framework in Å, shape (n_frames, n_atoms, 3), few at a time."""
        memory = min(self.memory_bytes, _BESIDE * 8 * float(np.prod(self.mobile_A.shape)))
        return IonGroups(self.trajectory, atoms, first_analysed_frame(self.trajectory), self.moved_A, memory)


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
        What positions and work on them may take; what does not fit is read again, a group of ions at a time.

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
    moved, sums = np.empty((trajectory.n_frames - first, 3)), np.empty((trajectory.n_frames - first, len(species), 3))
    mobile = IonGroups(trajectory, atoms, first, moved, memory_bytes)
    positions = np.empty(mobile.shape) if mobile.fit else None
    sweep = _Sweep(trajectory)
    for start, part, part_sums, part_moved in sweep:
        frames = slice(start, start + len(part))
        moved[frames], sums[frames] = part_moved, part_sums
        if positions is not None:
            np.subtract(part[:, atoms], part_moved[:, None], out=positions[frames])
    sweep.require_continuous()
    counts = np.array([trajectory.species.count(name) for name in species])
    sums -= sums[0].copy()
    sums -= counts[:, None] * moved[:, None]
    motion = Motion(trajectory, moved, mobile if positions is None else positions, memory_bytes)
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
