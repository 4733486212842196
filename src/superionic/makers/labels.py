"""Frames labelled by a reference, and the labels made a dataset.

Batches are jobs of their own, so that a cluster labels them side by side. Within a batch every label is written down as
soon as it is there (superionic.datasets.journal): a job that was killed, or is run again, does none a second time.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from jobflow import CURRENT_JOB, Flow, Job, Maker, Response, job

from superionic.datasets.codec import from_payload, pack_bare_frames, to_payload, unpack_bare_frames
from superionic.datasets.frames import BareFrame
from superionic.datasets.joining import checked_dataset, split_dataset
from superionic.datasets.journal import Record, journal_of
from superionic.datasets.labelling import label_frames
from superionic.datasets.references import reference_of
from superionic.datasets.sources.base import Given
from superionic.datasets.sources.records import record_candidate
from superionic.documents import (
    ChgnetSettings,
    Cost,
    DatasetDocument,
    ExcludedFrame,
    FrameOrigin,
    PotentialSettings,
    Provenance,
    SourceReference,
    SplitSettings,
)
from superionic.documents.dataset_checks import DatasetChecks
from superionic.documents.selection import FrameSelectionDocument, LabelBatchDocument
from superionic.dynamics.stopping import watching_sigterm
from superionic.settings import cache_folder


@dataclass
class LabelMaker(Maker):
    """Label chosen frames and make a dataset of them.

    Attributes
    ----------
    reference
        Who labels.
    dataset
        Name of the dataset.
    frames_per_job
        Frames that one job labels, in one process of the code.
    checks
        What is asked of a frame before it is let in.
    split
        How the frames are dealt out; None leaves them together.
    against
        CHGNet model that units and signs are checked against; None checks none.
    walltime_s
        Time that each job has in s; it ends in time for it and the next job goes on.
    name
        Name of the job.
    """

    reference: PotentialSettings
    dataset: str
    frames_per_job: int = 20
    checks: DatasetChecks = field(default_factory=DatasetChecks)
    split: SplitSettings | None = field(default_factory=SplitSettings)
    against: str | None = "0.3.0"
    walltime_s: float | None = None
    name: str = "label"

    def make(self, selection: FrameSelectionDocument) -> Job:
        """Job that deals out the frames; its last output is the DatasetDocument.

        Parameters
        ----------
        selection
            The frames, or a reference to them.
        """
        dealt = deal_out_frames(self, selection)
        dealt.name = f"{self.name}: deal out"
        return dealt


@job
def deal_out_frames(maker: LabelMaker, selection: FrameSelectionDocument) -> Response:
    """Make a job of every batch, and one that puts their labels together.

    Parameters
    ----------
    maker
        How they are labelled.
    selection
        The frames.
    """
    frames = unpack_bare_frames(from_payload(selection.payload, "the chosen frames"), "the chosen frames")
    starts = range(0, len(frames), maker.frames_per_job)
    batches = []
    for number, start in enumerate(starts, start=1):
        part = to_payload(pack_bare_frames(frames[start : start + maker.frames_per_job]))
        batch = label_batch(part, maker.reference, maker.walltime_s)
        batch.name = f"{maker.name} batch {number} of {len(starts)}"
        batches.append(batch)
    last = make_dataset(maker, [batch.output for batch in batches], selection.provenance.sources)
    last.name = f"{maker.name}: dataset {maker.dataset}"
    # It takes the place of this job, as whoever labels refers to that. jobflow would store the dataset once more.
    last.set_uuid(CURRENT_JOB.job.uuid)
    last.index = CURRENT_JOB.job.index + 1
    return Response(replace=Flow([*batches, last]))


@job(data=["payload"])
def label_batch(
    frames: str, reference: PotentialSettings, walltime_s: float | None = None, finished: str | None = None
) -> LabelBatchDocument | Response:
    """Label frames one after the other; told to end, go on with the rest in the next job.

    Parameters
    ----------
    frames
        The frames, packed, as base64.
    reference
        Who labels.
    walltime_s
        Time that the job has in s, None for as long as it takes.
    finished
        Labels of the jobs before this one, which may have run on another machine.
    """
    from superionic.potentials.load import opened

    wanted = unpack_bare_frames(from_payload(frames, "the frames to label"), "the frames to label")
    with opened(reference) as potential, watching_sigterm(walltime_s) as request:
        describe = partial(reference_of, reference, elements=_symbols(wanted))
        journal = journal_of(describe(potential.reference), cache_folder("labels"))
        there = journal.finished()
        for record in _records(finished) if finished else []:
            if record["frame"] not in there:
                journal.append(record)
        labelled = label_frames(wanted, potential, describe, journal, request.reason)
        used = potential.reference
    records = [record for record in labelled.records if record is not None]
    payload = _payload(records)
    if not labelled.whole:
        rest = label_batch(frames, reference, walltime_s, payload)
        rest.name = CURRENT_JOB.job.name
        return Response(replace=rest)
    failed = [_excluded(record) for record in records if not record["converged"]]
    costs = [Cost.model_validate(record["cost"]) for record in records]
    return LabelBatchDocument(
        reference=describe(used),
        n_labelled=len(records) - len(failed),
        n_before=labelled.n_before,
        failed=failed,
        cost=Cost.total(costs),
        payload=payload,
        provenance=Provenance(potential=used),
    )


@job(data=["payload"])
def make_dataset(
    maker: LabelMaker, batches: list[LabelBatchDocument], sources: Sequence[SourceReference]
) -> DatasetDocument:
    """Put labels through all checks and make a dataset of those that pass.

    Parameters
    ----------
    maker
        Name, checks and split of the dataset.
    batches
        The labels.
    sources
        Runs that the frames are of.
    """
    from superionic.potentials.load import load

    records = [record for batch in batches for record in _records(batch.payload)]
    given, n_records = Given(), len(records)
    candidates = [
        record_candidate(record, "labels", index, n_records, given, f"label {index}")
        for index, record in enumerate(records)
    ]
    provenance = Provenance(sources=list(sources), potential=batches[0].provenance.potential)
    if maker.against is None:
        document = checked_dataset(maker.dataset, candidates, checks=maker.checks, provenance=provenance)
    else:
        with closing(load(ChgnetSettings(model=maker.against))) as model:
            document = checked_dataset(
                maker.dataset, candidates, checks=maker.checks, model=model, provenance=provenance
            )
    return document if maker.split is None else split_dataset(document, maker.split)


def _symbols(frames: Sequence[BareFrame]) -> set[str]:
    from ase.data import chemical_symbols

    return {chemical_symbols[number] for frame in frames for number in frame.numbers}


def _payload(records: Sequence[Record]) -> str:
    return base64.b64encode("\n".join(json.dumps(record) for record in records).encode()).decode()


def _records(payload: str) -> list[Record]:
    return [json.loads(line) for line in from_payload(payload, "the labels").splitlines()]


def _excluded(record: Record) -> ExcludedFrame:
    origin = FrameOrigin.model_validate(record["origin"])
    return ExcludedFrame(origin=origin, check="refused by its source", reason=record["reason"])
