"""Blobs of the additional store `data`: which job documents name them, and which nobody names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jobflow import JobStore
from maggma.core import Store
from maggma.stores import GridFSStore, S3Store

from superionic.errors import StoreError
from superionic.stores.kinds import DATA_STORE, is_mongo

# States of jobflow-remote in which a job may be storing its output, or is on its way to it.
_BUSY = ["CHECKED_OUT", "UPLOADED", "SUBMITTED", "RUNNING", "RUN_FINISHED", "DOWNLOADED", "BATCH_SUBMITTED",
         "BATCH_RUNNING"]  # fmt: skip
_QUEUES = {"queue": _BUSY, "fireworks": ["RESERVED", "RUNNING"]}  # collections, as `superionic init` names them


def orphaned_blobs(jobs: JobStore) -> set[str]:
    """`blob_uuid` of blobs that no job document names.

    A job that is run again, or is killed while its output is being stored, leaves such blobs. So does, for a moment,
    every job that is being stored just now: its blob is there before its document.

    Parameters
    ----------
    jobs
        The JobStore, connected.
    """
    stored = set(stored_blobs(jobs))
    used: set[str] = set()
    for job in jobs.docs_store.query({"output": {"$exists": True}}, properties=["output"]):
        used.update(named_blobs(job["output"]))
    return stored - used


def blobs_of_no_stored_job(jobs: JobStore, blob_uuids: Iterable[str]) -> set[str]:
    """Those of these blobs whose own job has no document in the store.

    Either the job was killed while it was being stored, or its document was lost: then the blob is all that is left
    of it. A blob that does not say whose it is counts as such.

    Parameters
    ----------
    jobs
        The JobStore, connected.
    blob_uuids
        Blobs that no job names; they are read, one at a time.
    """
    blobs = jobs.additional_stores[DATA_STORE]
    alone: set[str] = set()
    for blob_uuid in blob_uuids:
        blob = blobs.query_one({"blob_uuid": blob_uuid}) or {}
        job = {"uuid": blob.get("job_uuid"), "index": blob.get("job_index")}
        if None in job.values() or jobs.docs_store.query_one(job, ["uuid"]) is None:
            alone.add(blob_uuid)
    return alone


def named_blobs(output: Any) -> Iterator[str]:
    """`blob_uuid` of every blob that an output, as it is stored, names."""
    if isinstance(output, dict):
        if "blob_uuid" in output:
            yield output["blob_uuid"]
        for entry in output.values():
            yield from named_blobs(entry)
    elif isinstance(output, list):
        for entry in output:
            yield from named_blobs(entry)


def with_payload(jobs: JobStore, output: dict[str, Any]) -> dict[str, Any]:
    """An output as it is stored, with its payload in the place where it names the blob.

    Raises
    ------
    StoreError
        If the blob is missing.
    """
    if not isinstance(output.get("payload"), dict):
        return output
    blob_uuid = output["payload"].get("blob_uuid")
    blob = jobs.additional_stores[DATA_STORE].query_one({"blob_uuid": blob_uuid}, ["blob_uuid", "data"])
    if blob is None:
        raise StoreError(f"the blob {blob_uuid} is missing")
    return {**output, "payload": blob["data"]}


def remove_blobs(jobs: JobStore, blob_uuids: Iterable[str]) -> None:
    """Remove blobs for good."""
    blobs, wanted = jobs.additional_stores[DATA_STORE], {"$in": sorted(blob_uuids)}
    if not wanted["$in"]:
        return
    if isinstance(blobs, GridFSStore):
        blobs.remove_docs({"metadata.blob_uuid": wanted})
    elif isinstance(blobs, S3Store):
        blobs.remove_docs({"blob_uuid": wanted}, remove_s3_object=True)
    else:
        blobs.remove_docs({"blob_uuid": wanted})


def busy_jobs(jobs: JobStore) -> int:
    """Jobs at work or waiting in a queue that is in the same MongoDB database."""
    if not is_mongo(jobs.docs_store):
        return 0
    database = jobs.docs_store._collection.database
    return sum(database[name].count_documents({"state": {"$in": states}}) for name, states in _QUEUES.items())


def stored_blobs(jobs: JobStore) -> Iterator[str]:
    """`blob_uuid` of every blob."""
    blobs: Store = jobs.additional_stores[DATA_STORE]
    if isinstance(blobs, GridFSStore):  # its query would read every blob
        return (file["metadata"]["blob_uuid"] for file in blobs._files_collection.find({}, ["metadata.blob_uuid"]))
    return (blob["blob_uuid"] for blob in blobs.query(properties=["blob_uuid"]))
