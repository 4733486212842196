"""Trained potentials in a JobStore: which there are, and one of them with its weights."""

from __future__ import annotations

from jobflow import JobStore

from superionic.documents.trained_potential import TrainedPotentialDocument
from superionic.errors import StoreError
from superionic.stores.blobs import with_payload
from superionic.stores.named import output_meant, outputs_by_age
from superionic.stores.reading import Unreadable

_KIND = "trained_potential"


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
    for found in outputs_by_age(jobs, _KIND):
        try:
            document = TrainedPotentialDocument.from_stored({**found["output"], "payload": ""})
        except StoreError as error:
            unreadable.append(Unreadable(_KIND, "uuid", found["uuid"], str(error)))
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
    stored = outputs_by_age(jobs, _KIND)
    found = output_meant(
        stored, text, lambda entry: (entry["uuid"], str(entry["output"].get("sha256"))), "trained potential", "an id"
    )
    try:
        return TrainedPotentialDocument.from_stored(with_payload(jobs, found["output"]))
    except StoreError as error:
        raise StoreError(f"trained potential {text!r} cannot be read: {error}") from error
