"""Stored documents as models, and by name those that cannot be read, so that none is left out in silence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from maggma.core import Store

from superionic.documents import RunIdentity
from superionic.documents.base import StoredDocument
from superionic.errors import NewerVersionError, StoreError

_D = TypeVar("_D", bound=StoredDocument)


@dataclass(frozen=True)
class Unreadable:
    """A stored document that cannot be read.

    Attributes
    ----------
    kind
        What it is.
    key, name
        The field that names it, with its value.
    reason
        Why it cannot be read.
    newer
        Whether a newer version made it.
    stored
        The document as it is stored.
    """

    kind: str
    key: str
    name: str
    reason: str
    newer: bool = False
    stored: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.kind} document of {self.key} {self.name!r} cannot be read: {self.reason}"


def iter_documents(
    store: Store, model: type[_D], key: str, criteria: dict[str, Any] | None = None, *, partly: bool = False
) -> Iterator[_D | Unreadable]:
    """Documents of one kind, one at a time, each as it is or, if it cannot be read, what is to be said of it.

    Parameters
    ----------
    store, model, key, criteria, partly
        As of :func:`read_documents`.
    """
    kind = str(model.model_fields["kind"].default)
    fields = list(model.model_fields) if partly else None
    for found in store.query({"kind": kind, **(criteria or {})}, properties=fields):
        try:
            yield model.from_stored(found)
        except StoreError as error:
            yield Unreadable(
                kind, key, str(found.get(key)), str(error), isinstance(error, NewerVersionError), dict(found)
            )


def read_documents(
    store: Store, model: type[_D], key: str, criteria: dict[str, Any] | None = None, *, partly: bool = False
) -> tuple[list[_D], list[Unreadable]]:
    """Documents of one kind, and those among them that cannot be read: not whole, or of a version that is not known.

    Parameters
    ----------
    store
        The store, connected.
    model
        What the documents are.
    key
        The field that names them.
    criteria
        Which documents.
    partly
        Whether the model is only a part of what is stored: no other field is read, nor whether it is whole.
    """
    documents: list[_D] = []
    unreadable: list[Unreadable] = []
    for found in iter_documents(store, model, key, criteria, partly=partly):
        if isinstance(found, Unreadable):
            unreadable.append(found)
        else:
            documents.append(found)
    return documents, unreadable


def identity_of(stored: dict[str, Any]) -> RunIdentity | None:
    """What a document is about that cannot be read as a whole; None if not even that can."""
    try:
        return RunIdentity.from_stored(stored["identity"])
    except (StoreError, KeyError, TypeError, AttributeError):
        return None
