"""Datasets in a JobStore: which there are, and their frames."""

from __future__ import annotations

from typing import Any

from jobflow import JobStore

from superionic.documents import DatasetDocument
from superionic.errors import InputError, StoreError
from superionic.stores.blobs import with_payload
from superionic.stores.reading import Unreadable

_KIND = {"output.kind": "dataset"}
_LEAST_LETTERS = 4


def dataset_documents(jobs: JobStore, unreadable: list[Unreadable]) -> list[DatasetDocument]:
    """All versions of all datasets, by name and age, without their frames (an empty payload).

    Parameters
    ----------
    jobs
        The JobStore, connected.
    unreadable
        Takes those that cannot be read.
    """
    documents = []
    for found in _by_age(jobs, {}):
        output = {**found["output"], "payload": ""}
        try:
            documents.append(DatasetDocument.from_stored(output))
        except StoreError as error:
            unreadable.append(Unreadable("dataset", "version", str(output.get("version")), str(error)))
    return sorted(documents, key=lambda document: document.name)  # stable: by age within a name


def load_dataset(jobs: JobStore, text: str) -> DatasetDocument:
    """A dataset with its frames: the version that begins with `text`, or the newest one of that name.

    Raises
    ------
    InputError
        If there is none, or more than one.
    StoreError
        If it cannot be read.
    """
    named = _by_age(jobs, {"output.name": text})
    found = named[-1:] or [
        entry
        for entry in _by_age(jobs, {})
        if len(text) >= _LEAST_LETTERS and str(entry["output"].get("version")).startswith(text)
    ]
    versions = {entry["output"]["version"] for entry in found}
    if len(versions) != 1:
        known = "no dataset is" if not found else f"{len(versions)} datasets are"
        raise InputError(f"{known} in this store with the name {text!r}, or with a version that begins so")
    try:
        return DatasetDocument.from_stored(with_payload(jobs, found[-1]["output"]))
    except StoreError as error:
        raise StoreError(f"dataset {text!r} cannot be read: {error}") from error


def _by_age(jobs: JobStore, criteria: dict[str, Any]) -> list[dict[str, Any]]:
    """Job documents of datasets, the oldest first; no blob is read."""
    found = jobs.docs_store.query({**_KIND, **criteria}, properties=["uuid", "completed_at", "output"])
    return sorted(found, key=lambda entry: str(entry.get("completed_at")))
