"""How the ions of a run move relative to its framework, read once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from superionic.analysis.frames import first_analysed_frame, frames_in_mean_cell, mean_cell
from superionic.analysis.ion_groups import BYTES, Positions, room_for
from superionic.errors import InputError
from superionic.trajectories.trajectory import Trajectory

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

_BESIDE = 0.4
"""Share of the memory of the mobile ions that other ions and work on them may take besides."""

_SAMPLE_FRAMES = 2000


@dataclass(frozen=True)
class FrameworkSample:
    """All ions that are not mobile in evenly spread frames, 2000 or somewhat more in all.

    Attributes
    ----------
    all_species, all_positions_A
        Element symbol of each ion, and their positions relative to the framework's centre in Å, shape
        (n_frames, n_ions, 3).
    still
        Whether an ion is of the framework; others, such as rotating anions, are neither that nor mobile.
    interval_ps
        Time from one of these frames to the next.
    """

    all_species: NDArray[np.str_]
    all_positions_A: Floats
    still: NDArray[np.bool_]
    interval_ps: float

    @property
    def species(self) -> NDArray[np.str_]:
        """Element symbol of each ion of the framework."""
        return self.all_species[self.still]

    @property
    def positions_A(self) -> Floats:
        """Positions of the framework in Å, shape (n_frames, n_framework_ions, 3)."""
        return self.all_positions_A if self.still.all() else self.all_positions_A[:, self.still]


@dataclass(frozen=True)
class Motion:
    """A run relative to its framework since the first analysed frame: what everything else is computed from.

    Attributes
    ----------
    trajectory
        The run as it was stored.
    first_frame
        The frame of it that is frame 0 here.
    cell_A
        Cell vectors as rows in Å, averaged over the analysed frames, shape (3, 3).
    interval_ps
        Time between frames in ps.
    moved_A
        Mean displacement of the framework in Å, shape (n_frames, 3); zero without one.
    mobile_A
        Positions of the mobile ions relative to the framework in Å, shape (n_frames, n_ions, 3).
    framework
        The framework in some of the frames.
    memory_bytes
        What positions and work on them may take.
    """

    trajectory: Trajectory
    first_frame: int
    cell_A: Floats
    interval_ps: float
    moved_A: Floats
    mobile_A: Positions
    framework: FrameworkSample
    memory_bytes: float

    @property
    def n_frames(self) -> int:
        """Analysed frames."""
        return len(self.mobile_A)

    @property
    def n_mobile(self) -> int:
        """Mobile ions."""
        return self.mobile_A.shape[1]

    @property
    def length_ps(self) -> float:
        """Time from the first analysed frame to the last in ps."""
        return (self.n_frames - 1) * self.interval_ps

    @property
    def volume_A3(self) -> float:
        """Volume of the mean cell in Å^3."""
        return float(abs(np.linalg.det(self.cell_A)))

    def of(self, atoms: Indices) -> Positions:
        """Positions of other ions relative to the framework in Å, shape (n_frames, n_atoms, 3)."""
        beside = _BESIDE * BYTES * float(np.prod(self.mobile_A.shape))
        positions = room_for(len(self.moved_A), len(atoms), min(self.memory_bytes, beside))
        for start, part in frames_in_mean_cell(self.trajectory, self.first_frame, self.trajectory.n_frames, atoms):
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
    names = np.asarray(trajectory.species)
    n_frames, others = trajectory.n_frames - first, np.flatnonzero(~np.isin(names, list(trajectory.mobile_charges_e)))
    moved, sums = np.empty((n_frames, 3)), np.empty((n_frames, len(species), 3))
    stride = max(1, n_frames // _SAMPLE_FRAMES)
    sample = np.empty((-(-n_frames // stride), len(others), 3))
    positions = room_for(n_frames, len(atoms), memory_bytes)
    sweep = _Sweep(trajectory)
    for start, part, part_sums, part_moved in sweep:
        frames = slice(start, start + len(part))
        moved[frames], sums[frames] = part_moved, part_sums
        positions[frames] = part[:, atoms] - part_moved[:, None]
        sampled = np.arange(-(-start // stride), -(-frames.stop // stride))
        here = sampled * stride - start
        sample[sampled] = part[here][:, others] - part_moved[here, None]
    sweep.require_continuous()
    counts = np.array([trajectory.species.count(name) for name in species])
    sums -= sums[0].copy()
    sums -= counts[:, None] * moved[:, None]
    interval_ps = trajectory.frame_interval_ps
    still = np.isin(others, trajectory.framework)
    sampled_framework = FrameworkSample(names[others], sample, still, interval_ps * stride)
    motion = Motion(
        trajectory, first, mean_cell(trajectory), interval_ps, moved, positions, sampled_framework, memory_bytes
    )
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
        self._framework = np.array([trajectory.holds_still(name) for name in names])
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
