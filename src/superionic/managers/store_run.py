"""Outputs of a run put into a JobStore as jobflow would put those of its jobs, without running jobs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID, uuid5

from jobflow import JobStore
from maggma.stores import MemoryStore
from monty.json import MontyEncoder

from superionic.documents import DatasetDocument, MDRunDocument, TrajectorySegment
from superionic.documents.base import StoredDocument
from superionic.stores.blobs import named_blobs, remove_blobs
from superionic.stores.kinds import DATA_STORE

_NAMESPACE = UUID("0b6a8a53-8a0e-4c8e-9c39-3f6f5cbb9a10")


def content_run_id(*content: object) -> str:
    """A run id that depends only on what is imported, so that it is recognised when it is imported again."""
    return str(uuid5(_NAMESPACE, json.dumps(content, sort_keys=True, default=str)))


def is_stored(jobs: JobStore, run_id: str) -> bool:
    """Whether the run is in the store to its end."""
    return jobs.docs_store.query_one({"uuid": run_id, "output.kind": "md_run"}, ["uuid"]) is not None


def store_run(
    jobs: JobStore, run_id: str, name: str, outputs: Iterable[TrajectorySegment | MDRunDocument]
) -> MDRunDocument:
    """Store the segments of a run and its summary, one at a time, each blob before the document that names it.

    A run that was stored in part, because an import was killed, is stored anew in its place.

    Parameters
    ----------
    jobs
        A connected JobStore with the additional store ``data``.
    run_id
        UUID of the run.
    name
        Name of its jobs.
    outputs
        Its segments in order, then its summary.
    """
    partial = list(jobs.docs_store.query({"uuid": run_id}, properties=["output"]))
    jobs.docs_store.remove_docs({"uuid": run_id})
    remove_blobs(jobs, named_blobs(partial))
    for index, output in enumerate(outputs, start=1):
        store_output(jobs, run_id, index, name, output)
        if isinstance(output, MDRunDocument):
            return output
    raise AssertionError("a run ends with its summary")


def store_output(jobs: JobStore, uuid: str, index: int, name: str, output: StoredDocument) -> None:
    """Store one document as a job would leave it, its payload before it and apart from it.

    Parameters
    ----------
    jobs
        A connected JobStore with the additional store ``data``.
    uuid, index, name
        Of the job.
    output
        The document.
    """
    staging = JobStore(MemoryStore(), additional_stores={DATA_STORE: MemoryStore(key="blob_uuid")})
    staging.connect()
    document = {
        "uuid": uuid,
        "index": index,
        "output": json.loads(json.dumps(output, cls=MontyEncoder)),
        "completed_at": datetime.now(UTC).replace(tzinfo=None).isoformat(),
        "metadata": {},
        "hosts": [],
        "name": name,
    }
    staging.update(document, save={DATA_STORE: ["payload"]})
    for store, target, key in (
        (staging.additional_stores[DATA_STORE], jobs.additional_stores[DATA_STORE], "blob_uuid"),
        (staging.docs_store, jobs.docs_store, ["uuid", "index"]),
    ):
        target.update([{k: v for k, v in found.items() if k != "_id"} for found in store.query()], key=key)


def store_dataset(jobs: JobStore, document: DatasetDocument) -> None:
    """Store a version of a dataset; one that is stored already stays as it is.

    Parameters
    ----------
    jobs
        A connected JobStore with the additional store ``data``.
    document
        The dataset with its frames.
    """
    uuid = content_run_id(
        "dataset",
        document.name,
        document.version,
        document.parents,
        document.model_dump(mode="json", include={"excluded"}),
    )
    if jobs.docs_store.query_one({"uuid": uuid, "output.kind": "dataset"}, ["uuid"]) is None:
        store_output(jobs, uuid, 1, f"dataset {document.name}", document)
