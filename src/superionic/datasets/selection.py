"""Which frames of stored runs are labelled: independent ones, spread over structures, temperatures and volumes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from superionic.datasets.frames import BareFrame, Floats
from superionic.datasets.origins import block_of
from superionic.documents.dataset import FrameOrigin
from superionic.documents.selection import SampledRun, SelectionSettings
from superionic.errors import InputError
from superionic.trajectories.trajectory import Trajectory


@dataclass(frozen=True, eq=False)
class Candidates:
    """Independent frames of one run.

    Attributes
    ----------
    run
        The run, with none of its frames chosen yet.
    frames
        In their order in time.
    """

    run: SampledRun
    frames: list[BareFrame]


@dataclass(frozen=True, eq=False)
class Chosen:
    """Frames that were chosen.

    Attributes
    ----------
    frames
        Run after run, in their order in time.
    n_near_duplicates
        Candidates that were too near to one of them.
    """

    frames: list[BareFrame]
    n_near_duplicates: int


def run_candidates(
    trajectory: Trajectory,
    segment_frames: Sequence[int],
    first: int,
    spacing: int,
    autocorrelation_time_ps: float | None,
) -> Candidates:
    """Every `spacing`-th frame of a run from `first` on, in ten blocks.

    Parameters
    ----------
    trajectory
        The run.
    segment_frames
        Frames of each of its segments.
    first, spacing
        In frames.
    autocorrelation_time_ps
        What they follow from; None if they were given.
    """
    from ase.data import atomic_numbers

    numbers = np.array([atomic_numbers[symbol] for symbol in trajectory.species], dtype=np.int64)
    picked = np.arange(first, trajectory.n_frames, spacing)
    borders = np.cumsum(segment_frames)
    protocol, identity = trajectory.protocol, trajectory.identity
    if protocol is None or identity is None:
        raise InputError(f"run {trajectory.run_id} does not say what it is: select frames of stored runs")
    positions = trajectory.positions_A[picked]
    cells = trajectory.cell_A if trajectory.cell_A.ndim == 3 else None
    frames = []
    for place, index in enumerate(picked.tolist()):
        origin = FrameOrigin(
            run=trajectory.run_id,
            segment=int(np.searchsorted(borders, index, side="right")),
            index=index,
            step=index * protocol.stride,
            block=block_of(place, len(picked)),
            structure=identity.label,
            temperature_K=trajectory.temperature_K,
            sampling="molecular dynamics",
            sampled_with=f"{identity.potential.family} {identity.potential.model}",
        )
        cell = trajectory.cell_A if cells is None else cells[index]
        frames.append(BareFrame(numbers, wrapped(positions[place], cell), cell, origin))
    run = SampledRun(
        run_id=trajectory.run_id,
        structure=identity.label,
        temperature_K=trajectory.temperature_K,
        autocorrelation_time_ps=autocorrelation_time_ps,
        spacing_ps=spacing * trajectory.frame_interval_ps,
        n_candidates=len(frames),
        n_chosen=0,
    )
    return Candidates(run, frames)


def wrapped(positions_A: Floats, cell_A: Floats) -> Floats:
    """Positions within the cell."""
    fractions = positions_A @ np.linalg.inv(cell_A)
    return np.asarray((fractions - np.floor(fractions)) @ cell_A)


def choose(
    candidates: Sequence[Candidates],
    settings: SelectionSettings,
    features: Floats | None = None,
    uncertainties: Floats | None = None,
) -> Chosen:
    """Take from every stratum (structure, temperature, volume) in turn until there are enough.

    Within a stratum, the most uncertain frame is next; without uncertainties, the one farthest from those chosen, by
    features; without these, the one that halves the longest gap in time.

    Parameters
    ----------
    candidates
        Of every run.
    settings
        How many, and how near to each other.
    features
        One row a candidate, in the order of the runs: descriptors of whole frames.
    uncertainties
        One value a candidate: larger is less certain.

    Raises
    ------
    InputError
        If there are fewer candidates than frames asked for.
    """
    frames = [frame for run in candidates for frame in run.frames]
    wanted = settings.n_frames or len(frames)
    if wanted > len(frames):
        raise InputError(
            f"dataset.n_frames = {wanted}: the runs have {len(frames)} independent frames: ask for fewer, run longer, "
            "or give spacing_ps"
        )
    queues = [_in_order(members, features, uncertainties) for members in _strata(frames, settings.volume_bin).values()]
    least = 0.0 if settings.min_distance is None else settings.min_distance * _usual_distance(candidates, features)
    chosen: list[int] = []
    near = 0
    while len(chosen) < wanted and any(queues):
        for queue in queues:
            while queue and len(chosen) < wanted:
                number = queue.pop(0)
                if _is_near(number, chosen, features, least):
                    near += 1
                    continue
                chosen.append(number)
                break
    if len(chosen) < wanted and settings.n_frames is not None:
        raise InputError(
            f"dataset.n_frames = {wanted}: {len(chosen)} frames are min_distance = {settings.min_distance} apart, "
            f"{near} are too near to one of them: ask for fewer, or give a smaller min_distance"
        )
    return Chosen([frames[number] for number in sorted(chosen)], near)


def counted(candidates: Sequence[Candidates], chosen: Chosen) -> list[SampledRun]:
    """The runs, each with how many of its frames were chosen."""
    counts = Counter(frame.origin.run for frame in chosen.frames)
    return [entry.run.model_copy(update={"n_chosen": counts[entry.run.run_id]}) for entry in candidates]


def _strata(frames: Sequence[BareFrame], volume_bin: float) -> dict[tuple[str, float, int], list[int]]:
    """Candidates by structure, temperature and bin of volume an atom."""
    strata: dict[tuple[str, float, int], list[int]] = defaultdict(list)
    smallest: dict[str, float] = {}
    for frame in frames:
        volume = frame.volume_A3 / frame.n_atoms
        smallest[frame.origin.structure] = min(smallest.get(frame.origin.structure, np.inf), volume)
    for number, frame in enumerate(frames):
        relative = frame.volume_A3 / frame.n_atoms / smallest[frame.origin.structure]
        place = int(np.floor(np.log(relative) / np.log1p(volume_bin) + 0.5))
        strata[frame.origin.structure, frame.origin.temperature_K or 0.0, place].append(number)
    return dict(sorted(strata.items()))


def _in_order(members: list[int], features: Floats | None, uncertainties: Floats | None) -> list[int]:
    if uncertainties is not None:
        return sorted(members, key=lambda number: -float(uncertainties[number]))
    if features is None:
        return [members[place] for place in _bisected(len(members))]
    rows = features[members]
    order = [int(np.argmin(np.linalg.norm(rows - rows.mean(axis=0), axis=1)))]
    distance = np.linalg.norm(rows - rows[order[0]], axis=1)
    while len(order) < len(members):
        distance[order[-1]] = -1.0
        order.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.linalg.norm(rows - rows[order[-1]], axis=1))
    return [members[place] for place in order]


def _bisected(n: int) -> list[int]:
    """0, ..., n - 1 so that every beginning of the list is spread evenly: by the bits of the numbers, reversed."""
    width = max(1, (n - 1).bit_length())
    return sorted(range(n), key=lambda number: int(format(number, f"0{width}b")[::-1], 2))


def _usual_distance(candidates: Sequence[Candidates], features: Floats | None) -> float:
    """Median distance of candidates that follow each other in a run."""
    if features is None:
        raise InputError("dataset.min_distance needs features of the frames")
    found, start = [], 0
    for run in candidates:
        rows = features[start : start + len(run.frames)]
        found.append(np.linalg.norm(np.diff(rows, axis=0), axis=1))
        start += len(run.frames)
    distances = np.concatenate(found)
    if not len(distances):
        raise InputError("dataset.min_distance needs runs with two independent frames at least")
    return float(np.median(distances))


def _is_near(number: int, chosen: list[int], features: Floats | None, least: float) -> bool:
    if features is None or least == 0.0 or not chosen:
        return False
    return bool(np.linalg.norm(features[chosen] - features[number], axis=1).min() < least)


def renamed(frame: BareFrame, **changes: object) -> BareFrame:
    """The same frame with another origin."""
    return replace(frame, origin=frame.origin.model_copy(update=changes))
