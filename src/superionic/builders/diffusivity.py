"""Stored trajectories to diffusivity documents, one a run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobflow import JobStore
from maggma.core import Builder, Store

from superionic.analysis import diffusivity
from superionic.builders.key import build_key
from superionic.documents import (
    ERROR_TARGET_REACHED,
    LENGTH_REACHED,
    AnalysisSettings,
    Check,
    CheckName,
    DiffusivityDocument,
    FailureDocument,
    MDRunDocument,
    Provenance,
    Quality,
)
from superionic.errors import InputError, StoreError
from superionic.stores.embedded import connect_in_turn
from superionic.stores.reading import Unreadable, iter_documents
from superionic.stores.runs import StoredRun, identity_of_run, iter_segments, load_summary, stored_runs
from superionic.stores.studies import recorded_settings
from superionic.structures.host import Host, load_host
from superionic.structures.host_document import host_from_document
from superionic.trajectories import Trajectory, stitch


@dataclass(frozen=True)
class RunToBuild:
    """A run whose document is missing, or made from something else.

    Attributes
    ----------
    run
        The run.
    settings
        How it is to be analysed.
    key
        Digest of what the document is built from.
    document
        The document as stored if its numbers stand, and only what it passes on to fits is another.
    """

    run: StoredRun
    settings: AnalysisSettings
    key: str
    document: DiffusivityDocument | None = None


class DiffusivityBuilder(Builder):
    """Builds one document for every run, again whenever the run, the settings of its study or the analysis changed.

    A run that cannot be analysed gets a document of kind ``failure`` with the reason, and is tried again every time.
    Documents of a newer version are left as they are, and named in `unreadable`.

    Parameters
    ----------
    jobs
        The JobStore with the runs.
    documents
        Where the documents go, keyed on ``run_id``.
    query
        Further conditions on the job documents.
    memory_GB
        What the positions of one run and work on them may take; a quarter of the free memory by default.
    studies
        Where settings of studies are recorded (`superionic.stores.studies`); without it, or without a record, those
        that are stored with a run are taken.
    """

    def __init__(
        self,
        jobs: JobStore,
        documents: Store,
        query: dict[str, Any] | None = None,
        memory_GB: float | None = None,
        studies: Store | None = None,
        **kwargs: Any,
    ) -> None:
        self.jobs = jobs
        self.documents = documents
        self.query = query or {}
        self.memory_GB = memory_GB
        self.studies = studies
        self.unreadable: list[Unreadable] = []
        sources = [jobs] if studies is None else [jobs, studies]
        super().__init__(sources=sources, targets=[documents], **kwargs)

    def get_items(self) -> Iterator[RunToBuild]:
        """Runs whose document is missing or made from something else; frames stay in the store until their turn."""
        records, self.unreadable = ({}, []) if self.studies is None else recorded_settings(self.studies)
        unknown = {record.name for record in self.unreadable}
        built, newer = self._built()
        self.unreadable += newer
        for unreadable in self.unreadable:
            self.logger.error("%s", unreadable)
        left_alone = {document.name for document in newer}
        for run in self._runs():
            if run.run_id in left_alone or (run.study or "") in unknown:
                continue
            settings = records.get(run.study or "") or _stored_settings(run)
            sources = [source.model_dump() for source in run.sources]
            key = build_key(DiffusivityDocument, sources, settings.of_a_run().model_dump(mode="json"))
            known_key, known_settings = built.get(run.run_id, (None, None))
            if known_key != key:
                yield RunToBuild(run, settings, key)
            elif known_settings != settings:
                stored = self.documents.query_one({"run_id": run.run_id})
                yield RunToBuild(run, settings, key, DiffusivityDocument.from_stored(stored))

    def _built(self) -> tuple[dict[str, tuple[str | None, AnalysisSettings]], list[Unreadable]]:
        """Key and settings of every whole document, and the documents of newer versions."""
        built, newer = {}, []
        for found in iter_documents(self.documents, DiffusivityDocument, "run_id"):
            if not isinstance(found, Unreadable):
                built[found.run_id] = (found.build_key, found.settings)
            elif found.newer:
                newer.append(found)
        return built, newer

    def _runs(self) -> list[StoredRun]:
        """The runs; what failed and is gone by now is forgotten, so that no fit misses it any more."""
        runs = stored_runs(self.jobs, self.query)
        if not self.query:
            self.documents.remove_docs({"kind": "failure", "run_id": {"$nin": [run.run_id for run in runs]}})
        return runs

    def process_item(self, item: RunToBuild) -> dict[str, Any]:
        """Document of one run, or the record of why there is none."""
        if item.document is not None:
            return item.document.model_copy(update={"settings": item.settings}).model_dump(mode="json")
        run_id = item.run.run_id
        connect_in_turn(self.jobs, self.jobs.docs_store)  # mrun's processes get the builder without connections
        try:
            with tempfile.TemporaryDirectory(prefix="superionic-build-") as spool:
                trajectory = stitch(iter_segments(self.jobs, run_id), item.run.sources, Path(spool))
                document = diffusivity_of_run(
                    trajectory, load_summary(self.jobs, run_id), item.settings, self.memory_GB
                )
            return document.model_copy(update={"build_key": item.key}).model_dump(mode="json")
        except Exception as error:  # the reason is stored and logged whole
            self.logger.exception("run %s could not be analysed", run_id)
            failure = FailureDocument(
                run_id=run_id,
                identity=identity_of_run(self.jobs, run_id),
                reason=f"{type(error).__name__}: {error}",
                provenance=Provenance(sources=item.run.sources),
            )
            return failure.model_dump(mode="json", exclude_none=True)

    def update_targets(self, items: list[dict[str, Any]]) -> None:
        """Replace the documents of the runs."""
        if items:
            self.documents.update(items, key="run_id")


def diffusivity_of_run(
    trajectory: Trajectory,
    summary: MDRunDocument | None,
    settings: AnalysisSettings | None = None,
    memory_GB: float | None = None,
) -> DiffusivityDocument:
    """Analyse a stored run.

    Parameters
    ----------
    trajectory
        Its segments, joined.
    summary
        The end of the run, None if it still goes on.
    settings
        How it is to be analysed; the defaults if None.
    memory_GB
        What the positions and work on them may take.
    """
    document = diffusivity(trajectory, host_of_run(trajectory), settings, memory_GB=memory_GB)
    potential = None if trajectory.identity is None else trajectory.identity.potential
    seed = None if trajectory.protocol is None else trajectory.protocol.seed
    provenance = document.provenance.model_copy(update={"potential": potential, "seed": seed})
    quality = Quality.from_checks([*document.quality.checks, _completion(summary)])
    cost = None if summary is None else summary.cost
    return document.model_copy(update={"quality": quality, "provenance": provenance, "cost": cost})


def _stored_settings(run: StoredRun) -> AnalysisSettings:
    """As stored with the run; the defaults if they cannot be read: then its segments cannot either, and say so."""
    try:
        return AnalysisSettings() if run.analysis is None else AnalysisSettings.from_stored(run.analysis)
    except StoreError:
        return AnalysisSettings()


def _completion(summary: MDRunDocument | None) -> Check:
    if summary is None:
        return Check(name=CheckName.RUN_COMPLETE, passed=False, reason="the run has not ended yet: build again later")
    complete = summary.stop_reason in {LENGTH_REACHED, ERROR_TARGET_REACHED}
    reason = f"the run ended after {summary.length_ps:g} ps: {summary.stop_reason}"
    return Check(
        name=CheckName.RUN_COMPLETE, passed=complete, fatal=not complete, value=summary.length_ps, reason=reason
    )


def host_of_run(trajectory: Trajectory) -> Host | None:
    """The host that is stored with the run; for runs from before it was, the packaged one or the file of its name."""
    if trajectory.host_crystal is not None:
        return host_from_document(trajectory.host_crystal)
    try:
        return None if trajectory.identity is None else load_host(trajectory.identity.host)
    except InputError:
        return None
