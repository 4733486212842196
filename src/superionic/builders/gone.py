"""Documents of what is no longer there."""

from __future__ import annotations

from maggma.core import Store


def remove_gone(documents: Store, key: str, wanted: set[str]) -> None:
    """Remove the documents, and records of failures, of what the sources no longer hold.

    Parameters
    ----------
    documents
        Where they are.
    key
        The field that the store is keyed on.
    wanted
        Its values that stay.
    """
    stored = {found[key] for found in documents.query({key: {"$exists": True}}, properties=[key])}
    gone = sorted(stored - wanted)
    if gone:
        documents.remove_docs({key: {"$in": gone}})
