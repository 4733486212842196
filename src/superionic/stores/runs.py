"""Runs in a JobStore: which there are, and what each is made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from jobflow import JobStore

from superionic.documents import MDRunDocument, RunIdentity, SourceReference, TrajectorySegment
from superionic.documents.base import StoredDocument
from superionic.errors import InputError, StoreError
from superionic.stores.blobs import with_payload
from superionic.stores.reading import identity_of

_REFERENCE = ["uuid", "index", "completed_at"]
REPAIR = "`superionic repair` says what is left of it, then what made it makes the rest again"
_KINDS = {"$in": ["trajectory_segment", "md_run"]}


@dataclass(frozen=True)
class StoredRun:
    """What is known of a run without a look at its frames.

    Attributes
    ----------
    run_id
        UUID of the run.
    sources
        Its job outputs, in order.
    study
        The study it belongs to, None if to none.
    analysis
        How it is to be analysed, as stored with its last output; None if that does not say.
    """

    run_id: str
    sources: list[SourceReference]
    study: str | None
    analysis: dict[str, Any] | None


def stored_runs(jobs: JobStore, query: dict[str, Any]) -> list[StoredRun]:
    """Every run that matches `query`; no blob is read."""
    outputs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    properties = [*_REFERENCE, "output.identity.study", "output.analysis"]
    for found in jobs.docs_store.query({"output.kind": _KINDS, **query}, properties=properties):
        outputs[found["uuid"]].append(found)
    runs = []
    for run_id, found in outputs.items():
        found.sort(key=lambda document: document["index"])
        sources = [SourceReference(**{name: document.get(name) for name in _REFERENCE}) for document in found]
        last = found[-1].get("output", {})
        study = (last.get("identity") or {}).get("study")
        runs.append(StoredRun(run_id, sources, study if isinstance(study, str) else None, last.get("analysis")))
    return runs


def identity_of_run(jobs: JobStore, run_id: str) -> RunIdentity | None:
    """What a run is a run of, from any of its outputs that tells it; None if none does."""
    models: dict[str, type[StoredDocument]] = {"trajectory_segment": TrajectorySegment, "md_run": MDRunDocument}
    for found in jobs.docs_store.query({"uuid": run_id, "output.kind": _KINDS}, properties=["output"]):
        output = found["output"]
        with suppress(StoreError):  # a newer one may still tell what it is
            output = models[output["kind"]].in_this_shape(output)
        identity = identity_of(output)
        if identity is not None:
            return identity
    return None


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
    found = list(jobs.docs_store.query(criteria, properties=["index", "output"]))  # small: payloads are kept apart
    _require_all(jobs, run_id, {document["output"].get("segment") for document in found})
    for document in sorted(found, key=lambda document: document["index"]):
        output, index = document["output"], document["index"]
        try:
            output = with_payload(jobs, output)
        except StoreError as error:
            raise StoreError(f"run {run_id}: {error} of job index {index}: {REPAIR}") from error
        try:
            yield TrajectorySegment.from_stored(output)
        except StoreError as error:
            raise StoreError(f"run {run_id}: the segment of job index {index} cannot be read: {error}") from error


def _require_all(jobs: JobStore, run_id: str, numbers: set[Any]) -> None:
    """Refuse a run that has ended and lacks segments, the last one too; without its end nobody knows of that."""
    summary = jobs.docs_store.query_one({"uuid": run_id, "output.kind": "md_run"}, ["output.n_segments"])
    n_segments = (summary or {}).get("output", {}).get("n_segments", len(numbers))
    if not isinstance(n_segments, int) or None in numbers:  # then they cannot be read anyway, and that is said
        return
    lost = next((number for number in range(n_segments) if number not in numbers), None)
    if lost is not None:
        raise StoreError(f"run {run_id}: segment {lost} is missing: {REPAIR}")


def find_run(jobs: JobStore, text: str) -> str:
    """The run whose id is or begins with `text`, or whose label it is.

    Raises
    ------
    InputError
        If there is none, or more than one.
    """
    found = sorted(run.run_id for run in stored_runs(jobs, {}) if run.run_id.startswith(text))
    found = found or sorted(run.run_id for run in stored_runs(jobs, {"output.identity.label": text}))
    if text in found:
        return text
    if len(found) != 1:
        known = "no run is" if not found else f"{len(found)} runs are, for example {found[0]} and {found[1]},"
        raise InputError(f"{known} in this store with an id that begins with {text!r}, or with that label")
    return found[0]


def find_runs(jobs: JobStore, text: str) -> list[str]:
    """All runs of a study, or else of a label, or else the one whose id is or begins with `text`.

    Raises
    ------
    InputError
        If there is none, or more than one that begins so.
    """
    for field in ("study", "label"):
        if found := sorted(run.run_id for run in stored_runs(jobs, {f"output.identity.{field}": text})):
            return found
    return [find_run(jobs, text)]


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
