"""Datasets in a JobStore: which there are, and their frames."""

from __future__ import annotations

from jobflow import JobStore

from superionic.documents import DatasetDocument
from superionic.errors import StoreError
from superionic.stores.blobs import with_payload
from superionic.stores.named import output_meant, outputs_by_age
from superionic.stores.reading import Unreadable

_KIND = "dataset"


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
    for found in outputs_by_age(jobs, _KIND):
        output = {**found["output"], "payload": ""}
        try:
            documents.append(DatasetDocument.from_stored(output))
        except StoreError as error:
            unreadable.append(Unreadable(_KIND, "version", str(output.get("version")), str(error)))
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
    stored = outputs_by_age(jobs, _KIND)
    found = output_meant(stored, text, lambda entry: (str(entry["output"].get("version")),), "dataset", "a version")
    try:
        return DatasetDocument.from_stored(with_payload(jobs, found["output"]))
    except StoreError as error:
        raise StoreError(f"dataset {text!r} cannot be read: {error}") from error
