"""Validations back from their store."""

from __future__ import annotations

from typing import Any

from superionic.documents.validation import ValidationDocument, ValidationSummary
from superionic.stores.connecting import Stores
from superionic.stores.reading import Unreadable, read_documents


def validation_summaries(
    stores: Stores, criteria: dict[str, Any] | None = None, unreadable: list[Unreadable] | None = None
) -> list[ValidationSummary]:
    """Verdicts of the validations that match, by key, without the curves behind them.

    Parameters
    ----------
    stores
        The stores, connected.
    criteria
        A MongoDB query, for example ``{"study": "mltp"}`` or ``{"judgements.potential.sha256": "..."}``.
    unreadable
        Takes those that cannot be read.
    """
    found, broken = read_documents(stores.validation, ValidationSummary, "validation", criteria, partly=True)
    if unreadable is not None:
        unreadable.extend(broken)
    return sorted(found, key=lambda document: document.validation)


def validation_documents(
    stores: Stores, criteria: dict[str, Any] | None = None, unreadable: list[Unreadable] | None = None
) -> list[ValidationDocument]:
    """The same with everything that is known of each potential.

    Parameters
    ----------
    stores, criteria, unreadable
        As of :func:`validation_summaries`.
    """
    found, broken = read_documents(stores.validation, ValidationDocument, "validation", criteria)
    if unreadable is not None:
        unreadable.extend(broken)
    return sorted(found, key=lambda document: document.validation)
