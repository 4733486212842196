"""Stored trajectories to diffusivity documents, one a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jobflow import JobStore
from maggma.core import Builder, Store

from superionic.analysis import diffusivity
from superionic.builders.runs import load_segments, load_summary, segment_sources
from superionic.documents import Check, DiffusivityDocument, MDRunDocument, Quality, SourceReference, TrajectorySegment
from superionic.errors import InputError, StoreError
from superionic.structures.host import Host, load_host
from superionic.trajectories import stitch

# The errors a source can be blamed for: one bad run is stored as a failure and the others go on.
_SOURCE_ERRORS = (StoreError, InputError, ValueError)


class DiffusivityBuilder(Builder):
    """Builds one document for every run, again whenever the run has grown or was run anew.

    Parameters
    ----------
    jobs
        The JobStore with the runs.
    documents
        Where the documents go, keyed on ``run_id``.
    query
        Further conditions on the job documents of the segments.
    """

    def __init__(self, jobs: JobStore, documents: Store, query: dict[str, Any] | None = None, **kwargs: Any) -> None:
        self.jobs = jobs
        self.documents = documents
        self.query = query or {}
        super().__init__(sources=[jobs], targets=[documents], **kwargs)

    def get_items(self) -> Iterator[dict[str, Any]]:
        """Runs whose document is missing or older than a source, with their segments."""
        built = {
            found["run_id"]: found["provenance"]["sources"]
            for found in self.documents.query(properties=["run_id", "provenance"])
        }
        for run_id, sources in segment_sources(self.jobs, self.query).items():
            if built.get(run_id) == [source.model_dump() for source in sources]:
                continue
            self.logger.debug("building %s from %d segments", run_id, len(sources))
            item: dict[str, Any] = {"run_id": run_id, "sources": sources}
            try:
                item["segments"] = load_segments(self.jobs, run_id)
                item["summary"] = load_summary(self.jobs, run_id)
            except _SOURCE_ERRORS as error:
                item["error"] = str(error)
            yield item

    def process_item(self, item: dict[str, Any]) -> dict[str, Any]:
        """Document of one run, or the record of why there is none."""
        if "error" not in item:
            try:
                document = diffusivity_of_run(item["segments"], item["sources"], item["summary"])
                return document.model_dump(mode="json")
            except _SOURCE_ERRORS as error:
                item["error"] = str(error)
        self.logger.error("run %s: %s", item["run_id"], item["error"])
        return failure(item["run_id"], item["sources"], item["error"])

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
    document = diffusivity(trajectory, _host(segments[0].identity.host))
    return document.model_copy(
        update={"quality": Quality.from_checks([*document.quality.checks, *_completion(summary)])}
    )


def failure(run_id: str, sources: list[SourceReference], reason: str) -> dict[str, Any]:
    """What is stored in place of a document that could not be made."""
    return {
        "kind": "failure",
        "run_id": run_id,
        "reason": reason,
        "provenance": {"sources": [source.model_dump() for source in sources]},
    }


def _completion(summary: MDRunDocument | None) -> list[Check]:
    if summary is None:
        return [Check(name="run complete", passed=False, reason="the run has not ended yet: build again later")]
    complete = summary.stop_reason == "length reached"
    reason = f"the run ended after {summary.length_ps:g} ps: {summary.stop_reason}"
    return [Check(name="run complete", passed=complete, fatal=not complete, value=summary.length_ps, reason=reason)]


def _host(name: str) -> Host | None:
    """The host by which sites are named; a run can be analysed without it where its file is not at hand."""
    try:
        return load_host(name)
    except InputError:
        return None
