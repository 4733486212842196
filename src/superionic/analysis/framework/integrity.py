"""Did the framework survive the run? Intact, some of its ions hopped, or melted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from superionic.analysis.motion import Motion
from superionic.analysis.periodic import nearest_distances
from superionic.documents import FrameworkState

Floats = NDArray[np.float64]

HOP_A = 1.5
"""A framework ion whose mean place has moved farther than this has left its site (sites are > 2 Å apart)."""
OFF_LATTICE_A = 1.0
"""A mean place farther than this from every place that its species had at the start is off the lattice."""
MELTED_SHARE = 0.25
WINDOW_PS = 2.0
"""Shortest time over which a mean place is taken: the slowest vibrations of a framework have periods of 1 ps."""
_WINDOW_FRAMES, _WINDOW_SHARE = 5, 0.1
_WINDOWS = 3  # that a run must hold: the first, the last, and as much between them


@dataclass(frozen=True)
class FrameworkIntegrity:
    """What became of the framework.

    Attributes
    ----------
    state
        What it is at the end.
    hopped
        Ions of each species that ended on another site.
    off_lattice_share
        Share of the most numerous framework species that ended on no site of the start.
    length_ps, needed_ps
        Length of the run, and of the shortest that can be judged.
    msd_A2
        Mean squared displacement of all framework ions at half the run, None without a framework.
    """

    state: FrameworkState
    hopped: dict[str, int]
    off_lattice_share: float
    length_ps: float
    needed_ps: float
    msd_A2: float | None


def averaging_window_ps(motion: Motion) -> float:
    """Time over which places are averaged: a tenth of the run, but long enough to average out vibration."""
    interval = motion.interval_ps
    return max(_WINDOW_SHARE * motion.n_frames * interval, WINDOW_PS, _WINDOW_FRAMES * interval)


def framework_integrity(motion: Motion) -> FrameworkIntegrity:
    """Compare where each framework ion was on average at the start and at the end.

    Averages take out vibration and, for rotating groups, keep the places that are exchanged; the species with the
    most framework ions carries the lattice.

    Parameters
    ----------
    motion
        The run.
    """
    length_ps, window_ps = motion.n_frames * motion.interval_ps, averaging_window_ps(motion)
    positions, species = motion.framework.positions_A, motion.framework.species
    if species.size == 0:
        return FrameworkIntegrity(FrameworkState.NONE, {}, 0.0, length_ps, 0.0, None)
    half = len(positions) // 2
    msd = float(np.mean(np.sum((positions[half:] - positions[: len(positions) - half]) ** 2, axis=2)))
    if length_ps < _WINDOWS * window_ps - 1e-9:
        return FrameworkIntegrity(FrameworkState.TOO_SHORT, {}, 0.0, length_ps, _WINDOWS * window_ps, msd)
    window = max(1, round(window_ps / length_ps * len(positions)))
    before, after = positions[:window].mean(axis=0), positions[-window:].mean(axis=0)
    moved = np.linalg.norm(after - before, axis=1)
    hopped = {str(name): int(np.sum(moved[species == name] > HOP_A)) for name in sorted(set(species.tolist()))}
    main = species == main_framework_species(motion)
    share = float(np.mean(nearest_distances(after[main], before[main], motion.cell_A) > OFF_LATTICE_A))
    state = FrameworkState.HOPPING if any(hopped.values()) else FrameworkState.INTACT
    if share > MELTED_SHARE:
        state = FrameworkState.MELTED
    return FrameworkIntegrity(state, hopped, share, length_ps, _WINDOWS * window_ps, msd)


def main_framework_species(motion: Motion) -> str | None:
    """The most numerous species that is not mobile; None if there is none."""
    counts = Counter(motion.framework.species.tolist())
    return counts.most_common(1)[0][0] if counts else None
