"""Runs in a JobStore: which there are, and what each is made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from jobflow import JobStore

from superionic.documents import MDRunDocument, SourceReference, TrajectorySegment
from superionic.errors import InputError, StoreError
from superionic.stores.kinds import DATA_STORE

_REFERENCE = ["uuid", "index", "completed_at"]
_KINDS = {"$in": ["trajectory_segment", "md_run"]}


def run_sources(jobs: JobStore, query: dict[str, Any]) -> dict[str, list[SourceReference]]:
    """Job outputs of every run that matches `query`, by run id, in order; no blob is read."""
    runs: dict[str, list[SourceReference]] = defaultdict(list)
    for found in jobs.docs_store.query({"output.kind": _KINDS, **query}, properties=_REFERENCE):
        runs[found["uuid"]].append(SourceReference(**{key: found[key] for key in _REFERENCE}))
    return {run_id: sorted(sources, key=lambda source: source.index) for run_id, sources in runs.items()}


def load_segments(jobs: JobStore, run_id: str) -> list[TrajectorySegment]:
    """All segments of one run with their frames.

    Raises
    ------
    StoreError
        If a stored segment cannot be read, or there is none.
    """
    segments = list(iter_segments(jobs, run_id))
    if not segments:
        raise StoreError(f"run {run_id} has no stored segment")
    return segments


def iter_segments(jobs: JobStore, run_id: str) -> Iterator[TrajectorySegment]:
    """The segments of one run in order, each with its frames, loaded one at a time.

    Raises
    ------
    StoreError
        If a stored segment cannot be read.
    """
    criteria = {"uuid": run_id, "output.kind": "trajectory_segment"}
    blobs = jobs.additional_stores[DATA_STORE]
    found = list(jobs.docs_store.query(criteria, properties=["index", "output"]))  # small: payloads are kept apart
    for document in sorted(found, key=lambda document: document["index"]):
        output, index = document["output"], document["index"]
        if isinstance(output.get("payload"), dict):
            blob_uuid = output["payload"].get("blob_uuid")
            blob = blobs.query_one({"blob_uuid": blob_uuid}, ["blob_uuid", "data"])
            if blob is None:
                raise StoreError(f"run {run_id}: the blob {blob_uuid} of job index {index} is missing: run it again")
            output["payload"] = blob["data"]
        try:
            yield TrajectorySegment.from_stored(output)
        except StoreError as error:
            raise StoreError(f"run {run_id}: the segment of job index {index} cannot be read: {error}") from error


def find_run(jobs: JobStore, text: str) -> str:
    """The run whose id is or begins with `text`, or whose label it is.

    Raises
    ------
    InputError
        If there is none, or more than one.
    """
    found = sorted(run_id for run_id in run_sources(jobs, {}) if run_id.startswith(text))
    found = found or sorted(run_sources(jobs, {"output.identity.label": text}))
    if text in found:
        return text
    if len(found) != 1:
        known = "no run is" if not found else f"{len(found)} runs are, for example {found[0]} and {found[1]},"
        raise InputError(f"{known} in this store with an id that begins with {text!r}, or with that label")
    return found[0]


def load_summary(jobs: JobStore, run_id: str) -> MDRunDocument | None:
    """The end of a run, None if it has not ended.

    Raises
    ------
    StoreError
        If it cannot be read.
    """
    found = jobs.docs_store.query_one({"uuid": run_id, "output.kind": "md_run"})
    try:
        return MDRunDocument.from_stored(found["output"]) if found else None
    except StoreError as error:
        raise StoreError(f"run {run_id}: its summary cannot be read: {error}") from error
