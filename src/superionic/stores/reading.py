"""Stored documents as models, and by name those that cannot be read, so that none is left out in silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from maggma.core import Store

from superionic.documents.base import StoredDocument
from superionic.errors import StoreError

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
    """

    kind: str
    key: str
    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.kind} document of {self.key} {self.name!r} cannot be read: {self.reason}"


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
    kind = str(model.model_fields["kind"].default)
    fields = list(model.model_fields) if partly else None
    for found in store.query({"kind": kind, **(criteria or {})}, properties=fields):
        try:
            documents.append(model.from_stored(found))
        except StoreError as error:
            unreadable.append(Unreadable(kind, key, str(found.get(key)), str(error)))
    return documents, unreadable
