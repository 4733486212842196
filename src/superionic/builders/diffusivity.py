"""Stored trajectories to diffusivity documents, one a run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jobflow import JobStore
from maggma.core import Builder, Store

from superionic.analysis import diffusivity
from superionic.builders.failure import failure
from superionic.documents import (
    ERROR_TARGET_REACHED,
    LENGTH_REACHED,
    Check,
    CheckName,
    DiffusivityDocument,
    MDRunDocument,
    Quality,
)
from superionic.errors import InputError
from superionic.stores.embedded import connect_in_turn
from superionic.stores.runs import iter_segments, load_summary, run_sources
from superionic.structures.host import Host, load_host
from superionic.structures.host_document import host_from_document
from superionic.trajectories import Trajectory, stitch


class DiffusivityBuilder(Builder):
    """Builds one document for every run, again whenever the run has grown, ended or was run anew.

    A run that cannot be analysed gets a document of kind ``failure`` with the reason, and is tried again every time.

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
    """

    def __init__(
        self,
        jobs: JobStore,
        documents: Store,
        query: dict[str, Any] | None = None,
        memory_GB: float | None = None,
        **kwargs: Any,
    ) -> None:
        self.jobs = jobs
        self.documents = documents
        self.query = query or {}
        self.memory_GB = memory_GB
        super().__init__(sources=[jobs], targets=[documents], **kwargs)

    def get_items(self) -> Iterator[dict[str, Any]]:
        """Runs whose document is missing or older than a source; their frames stay in the store until their turn."""
        built = {
            found["run_id"]: found.get("provenance", {}).get("sources")
            for found in self.documents.query({"kind": "diffusivity"}, properties=["run_id", "provenance"])
        }
        for run_id, sources in run_sources(self.jobs, self.query).items():
            if built.get(run_id) != [source.model_dump() for source in sources]:
                yield {"run_id": run_id, "sources": sources}

    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """Document of one run, or the record of why there is none."""
        run_id = item["run_id"]
        try:
            connect_in_turn(self.jobs, self.jobs.docs_store)  # mrun's processes get the builder without connections
            with tempfile.TemporaryDirectory(prefix="superionic-build-") as spool:
                trajectory = stitch(iter_segments(self.jobs, run_id), item["sources"], Path(spool))
                document = diffusivity_of_run(trajectory, load_summary(self.jobs, run_id), self.memory_GB)
            return document.model_dump(mode="json")
        except Exception as error:  # the reason is stored and logged whole
            self.logger.exception("run %s could not be analysed", run_id)
            return failure({"run_id": run_id}, item["sources"], error)

    def update_targets(self, items: list[dict[str, Any]]) -> None:
        """Replace the documents of the runs."""
        if items:
            self.documents.update(items, key="run_id")


def diffusivity_of_run(
    trajectory: Trajectory, summary: MDRunDocument | None, memory_GB: float | None = None
) -> DiffusivityDocument:
    """Analyse a stored run.

    Parameters
    ----------
    trajectory
        Its segments, joined.
    summary
        The end of the run, None if it still goes on.
    memory_GB
        What the positions and work on them may take.
    """
    document = diffusivity(trajectory, _host(trajectory), memory_GB=memory_GB)
    potential = None if trajectory.identity is None else trajectory.identity.potential
    seed = None if trajectory.protocol is None else trajectory.protocol.seed
    provenance = document.provenance.model_copy(update={"potential": potential, "seed": seed})
    quality = Quality.from_checks([*document.quality.checks, _completion(summary)])
    return document.model_copy(update={"quality": quality, "provenance": provenance})


def _completion(summary: MDRunDocument | None) -> Check:
    if summary is None:
        return Check(name=CheckName.RUN_COMPLETE, passed=False, reason="the run has not ended yet: build again later")
    complete = summary.stop_reason in {LENGTH_REACHED, ERROR_TARGET_REACHED}
    reason = f"the run ended after {summary.length_ps:g} ps: {summary.stop_reason}"
    return Check(
        name=CheckName.RUN_COMPLETE, passed=complete, fatal=not complete, value=summary.length_ps, reason=reason
    )


def _host(trajectory: Trajectory) -> Host | None:
    """The host that is stored with the run; for runs from before it was, the packaged one or the file of its name."""
    if trajectory.host_crystal is not None:
        return host_from_document(trajectory.host_crystal)
    try:
        return None if trajectory.identity is None else load_host(trajectory.identity.host)
    except InputError:
        return None
