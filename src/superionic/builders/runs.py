"""Runs in a JobStore: which there are, and what each is made of."""

from __future__ import annotations

from collections import defaultdict

from jobflow import JobStore

from superionic.documents import MDRunDocument, SourceReference, TrajectorySegment

_REFERENCE = ["uuid", "index", "completed_at"]


def segment_sources(jobs: JobStore, query: dict[str, object]) -> dict[str, list[SourceReference]]:
    """Stored segments of every run that matches `query`, by run id, in order; no blob is read."""
    runs: dict[str, list[SourceReference]] = defaultdict(list)
    for found in jobs.docs_store.query({"output.kind": "trajectory_segment", **query}, properties=_REFERENCE):
        runs[found["uuid"]].append(SourceReference(**{key: found[key] for key in _REFERENCE}))
    return {run_id: sorted(sources, key=lambda source: source.index) for run_id, sources in runs.items()}


def load_segments(jobs: JobStore, run_id: str) -> list[TrajectorySegment]:
    """All segments of one run with their frames."""
    query = {"uuid": run_id, "output.kind": "trajectory_segment"}
    return [TrajectorySegment.from_stored(found["output"]) for found in jobs.query(query, load=True)]


def load_summary(jobs: JobStore, run_id: str) -> MDRunDocument | None:
    """The end of a run, None if it has not ended."""
    found = jobs.docs_store.query_one({"uuid": run_id, "output.kind": "md_run"})
    return MDRunDocument.from_stored(found["output"]) if found else None
