"""Stored trajectories to diffusivity documents, one a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jobflow import JobStore
from maggma.core import Builder, Store

from superionic.analysis import diffusivity
from superionic.builders.failure import failure
from superionic.builders.runs import load_segments, load_summary, run_sources
from superionic.documents import (
    ERROR_TARGET_REACHED,
    LENGTH_REACHED,
    Check,
    DiffusivityDocument,
    MDRunDocument,
    Quality,
    SourceReference,
    TrajectorySegment,
)
from superionic.errors import InputError
from superionic.structures.host import Host, load_host
from superionic.structures.host_document import host_from_document
from superionic.trajectories import stitch


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
    """

    def __init__(self, jobs: JobStore, documents: Store, query: dict[str, Any] | None = None, **kwargs: Any) -> None:
        self.jobs = jobs
        self.documents = documents
        self.query = query or {}
        super().__init__(sources=[jobs], targets=[documents], **kwargs)

    def get_items(self) -> Iterator[dict[str, Any]]:
        """Runs whose document is missing or older than a source, with their segments."""
        built = {
            found["run_id"]: found.get("provenance", {}).get("sources")
            for found in self.documents.query({"kind": "diffusivity"}, properties=["run_id", "provenance"])
        }
        for run_id, sources in run_sources(self.jobs, self.query).items():
            if built.get(run_id) == [source.model_dump() for source in sources]:
                continue
            item: dict[str, Any] = {"run_id": run_id, "sources": sources}
            try:
                item["segments"] = load_segments(self.jobs, run_id)
                item["summary"] = load_summary(self.jobs, run_id)
            except Exception as error:  # noqa: BLE001 - one bad source must not keep the others back
                item["error"] = error
            yield item

    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """Document of one run, or the record of why there is none."""
        try:
            if "error" in item:
                raise item["error"]
            document = diffusivity_of_run(item["segments"], item["sources"], item["summary"])
            return document.model_dump(mode="json")
        except Exception as error:  # the reason is stored and logged whole
            self.logger.exception("run %s could not be analysed", item["run_id"])
            return failure({"run_id": item["run_id"]}, item["sources"], error)

    def update_targets(self, items: list[dict[str, Any]]) -> None:
        """Replace the documents of the runs."""
        if items:
            self.documents.update(items, key="run_id")


def diffusivity_of_run(
    segments: list[TrajectorySegment], sources: list[SourceReference], summary: MDRunDocument | None
) -> DiffusivityDocument:
    """Join the segments of a run and analyse them.

    Parameters
    ----------
    segments
        All stored segments of the run.
    sources
        The job outputs they came from.
    summary
        The end of the run, None if it still goes on.
    """
    trajectory = stitch(segments, sources)
    document = diffusivity(trajectory, _host(segments))
    provenance = document.provenance.model_copy(
        update={"potential": segments[0].identity.potential, "seed": segments[0].protocol.seed}
    )
    quality = Quality.from_checks([*document.quality.checks, _completion(summary)])
    return document.model_copy(update={"quality": quality, "provenance": provenance})


def _completion(summary: MDRunDocument | None) -> Check:
    if summary is None:
        return Check(name="run complete", passed=False, reason="the run has not ended yet: build again later")
    complete = summary.stop_reason in {LENGTH_REACHED, ERROR_TARGET_REACHED}
    reason = f"the run ended after {summary.length_ps:g} ps: {summary.stop_reason}"
    return Check(name="run complete", passed=complete, fatal=not complete, value=summary.length_ps, reason=reason)


def _host(segments: list[TrajectorySegment]) -> Host | None:
    """The host that is stored with the run; for runs from before it was, the packaged one or the file of its name."""
    stored = next((segment.host_crystal for segment in segments if segment.host_crystal is not None), None)
    if stored is not None:
        return host_from_document(stored)
    try:
        return load_host(segments[0].identity.host)
    except InputError:
        return None
