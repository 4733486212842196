"""Trained potentials in a JobStore: which there are, and one of them with its weights."""

from __future__ import annotations

from typing import Any

from jobflow import JobStore

from superionic.documents.trained_potential import TrainedPotentialDocument
from superionic.errors import InputError, StoreError
from superionic.stores.blobs import with_payload
from superionic.stores.reading import Unreadable

_KIND = {"output.kind": "trained_potential"}
_LEAST_LETTERS = 4


def trained_potentials(jobs: JobStore, unreadable: list[Unreadable]) -> list[tuple[str, TrainedPotentialDocument]]:
    """UUID and document of all of them, the oldest first, without their weights (an empty payload).

    Parameters
    ----------
    jobs
        The JobStore, connected.
    unreadable
        Takes those that cannot be read.
    """
    documents = []
    for found in _by_age(jobs):
        try:
            document = TrainedPotentialDocument.from_stored({**found["output"], "payload": ""})
        except StoreError as error:
            unreadable.append(Unreadable("trained_potential", "uuid", found["uuid"], str(error)))
        else:
            documents.append((found["uuid"], document))
    return documents


def load_trained(jobs: JobStore, text: str) -> TrainedPotentialDocument:
    """A potential with its weights: by name (the newest of that name), or the first letters of its UUID or SHA-256.

    Raises
    ------
    InputError
        If there is none, or more than one.
    StoreError
        If it cannot be read.
    """
    stored = _by_age(jobs)
    found = [entry for entry in stored if entry["output"].get("name") == text][-1:]
    if not found and len(text) >= _LEAST_LETTERS:
        found = [e for e in stored if e["uuid"].startswith(text) or str(e["output"].get("sha256")).startswith(text)]
    if len({entry["uuid"] for entry in found}) != 1:
        known = "no trained potential is" if not found else f"{len(found)} trained potentials are"
        raise InputError(f"{known} in this store with the name {text!r}, or with an id that begins so")
    try:
        return TrainedPotentialDocument.from_stored(with_payload(jobs, found[-1]["output"]))
    except StoreError as error:
        raise StoreError(f"trained potential {text!r} cannot be read: {error}") from error


def _by_age(jobs: JobStore) -> list[dict[str, Any]]:
    found = jobs.docs_store.query(_KIND, properties=["uuid", "completed_at", "output"])
    return sorted(found, key=lambda entry: str(entry.get("completed_at")))
