"""Stored documents that are whole."""

from __future__ import annotations

from collections.abc import Iterator
from logging import Logger
from typing import Any, TypeVar

from maggma.core import Store
from pydantic import ValidationError

from superionic.documents.base import Document

_D = TypeVar("_D", bound=Document)


def whole_documents(store: Store, model: type[_D], key: str, criteria: dict[str, Any], logger: Logger) -> Iterator[_D]:
    """Documents of a store that its model accepts; others are logged, so that one bad source keeps no other back.

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
    logger
        Where the others are named.
    """
    for found in store.query(criteria):
        try:
            yield model.from_stored(found)
        except ValidationError:
            logger.exception("%s of %s %s is not whole", model.__name__, key, found.get(key))
