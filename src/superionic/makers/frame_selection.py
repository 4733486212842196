"""Frames of stored runs chosen to be labelled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

import numpy as np
from jobflow import Job, JobStore, Maker, job

from superionic.analysis.decorrelation import independent_frames
from superionic.analysis.frames import first_analysed_frame
from superionic.datasets.codec import pack_bare_frames, to_payload
from superionic.datasets.frames import BareFrame
from superionic.datasets.selection import Candidates, Chosen, choose, counted, run_candidates
from superionic.datasets.variations import varied
from superionic.documents import MDRunDocument, PotentialSettings, Provenance, SourceReference, TrajectorySegment
from superionic.documents.selection import FrameSelectionDocument, SelectionSettings
from superionic.errors import InputError
from superionic.stores.reach import reached_jobs
from superionic.stores.runs import iter_segments
from superionic.trajectories import stitch


@dataclass
class FrameSelectionMaker(Maker):
    """Choose independent frames of stored runs, spread over structures, temperatures and volumes.

    Attributes
    ----------
    settings
        Which frames.
    potential
        Relaxes chosen frames where settings ask for relaxations; None if they do not.
    ensemble
        Potentials whose disagreement decides which frames come first; none spreads them evenly instead.
    name
        Name of the job.
    """

    settings: SelectionSettings = field(default_factory=SelectionSettings)
    potential: PotentialSettings | None = None
    ensemble: list[PotentialSettings] = field(default_factory=list)
    name: str = "select frames"

    def make(self, runs: Sequence[MDRunDocument] | Sequence[str]) -> Job:
        """Job that stores a FrameSelectionDocument.

        Parameters
        ----------
        runs
            Runs, references to them, or their ids; lists and dicts of them too.
        """
        chosen = select_frames(runs, self.settings, self.potential, self.ensemble)
        chosen.name = self.name
        chosen.config.expose_store = True  # a manager that runs jobs on the store itself lets them read it
        return chosen


@job(data=["payload"])
def select_frames(
    runs: Sequence[MDRunDocument] | Sequence[str],
    settings: SelectionSettings,
    potential: PotentialSettings | None,
    ensemble: list[PotentialSettings],
) -> FrameSelectionDocument:
    """Choose frames of the runs, which the store has to hold.

    Parameters
    ----------
    runs, settings, potential, ensemble
        As of `FrameSelectionMaker`.
    """
    run_ids = list(_run_ids(runs))
    if not run_ids:
        raise InputError("there is no run to take frames from")
    with reached_jobs(run_ids) as jobs:
        candidates = [_candidates(jobs, run_id, settings) for run_id in run_ids]
    chosen = _chosen(candidates, settings, ensemble)
    frames = [*chosen.frames, *_varied(chosen, settings, potential)]
    packed = pack_bare_frames(frames)
    return FrameSelectionDocument(
        settings=settings,
        runs=counted(candidates, chosen),
        n_frames=len(frames),
        n_near_duplicates=chosen.n_near_duplicates,
        by_uncertainty=bool(ensemble),
        n_bytes=len(packed),
        payload=to_payload(packed),
        provenance=Provenance(
            sources=[SourceReference(uuid=run_id, index=1) for run_id in run_ids], seed=settings.seed
        ),
    )


def _run_ids(runs: object) -> Iterator[str]:
    """Ids of runs in lists and dicts, as the stages of a study give them."""
    if isinstance(runs, str):
        yield runs
    elif isinstance(runs, MDRunDocument):
        yield runs.run_id
    elif isinstance(runs, dict) and runs.get("kind") == "md_run":
        yield runs["run_id"]
    elif isinstance(runs, dict):
        for entry in runs.values():
            yield from _run_ids(entry)
    elif isinstance(runs, list | tuple):
        for entry in runs:
            yield from _run_ids(entry)
    else:
        raise InputError(f"{type(runs).__name__} is no run: give runs, or their ids")


def _candidates(jobs: JobStore, run_id: str, settings: SelectionSettings) -> Candidates:
    segment_frames: list[int] = []

    def counting() -> Iterator[TrajectorySegment]:
        for segment in iter_segments(jobs, run_id):
            segment_frames.append(segment.n_frames)
            yield segment

    trajectory = stitch(counting())
    if settings.spacing_ps is not None:
        first = first_analysed_frame(trajectory)
        spacing = max(1, round(settings.spacing_ps / trajectory.frame_interval_ps))
        return run_candidates(trajectory, segment_frames, first, spacing, None)
    found = independent_frames(trajectory)
    return run_candidates(trajectory, segment_frames, found.first, found.spacing, found.autocorrelation_time_ps)


def _chosen(
    candidates: Sequence[Candidates], settings: SelectionSettings, ensemble: Sequence[PotentialSettings]
) -> Chosen:
    frames = [frame for run in candidates for frame in run.frames]
    features = uncertainties = None
    if settings.min_distance is not None:
        from superionic.datasets.descriptors import chgnet_features

        features = chgnet_features(frames)
    if ensemble:
        from superionic.datasets.descriptors import force_disagreement
        from superionic.potentials.load import load

        with ExitStack() as stack:
            members = [stack.enter_context(closing(load(member))) for member in ensemble]
            uncertainties = np.asarray(force_disagreement(frames, members))
    return choose(candidates, settings, features, uncertainties)


def _varied(chosen: Chosen, settings: SelectionSettings, potential: PotentialSettings | None) -> list[BareFrame]:
    if potential is None or not settings.n_relaxed:
        return varied(chosen.frames, settings, None)
    from superionic.potentials.load import load

    with closing(load(potential)) as relaxes:
        return varied(chosen.frames, settings, relaxes)
