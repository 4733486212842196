"""Documents back from their stores as models."""

from __future__ import annotations

from typing import Any

from superionic.documents import ArrheniusDocument, DiffusivityDocument
from superionic.stores import Stores


def diffusivity_documents(stores: Stores, criteria: dict[str, Any] | None = None) -> list[DiffusivityDocument]:
    """Diffusivity documents that match `criteria`, by study, label and temperature.

    Parameters
    ----------
    stores
        The stores, connected.
    criteria
        A MongoDB query, for example ``{"identity.label": "O"}``.
    """
    found = stores.diffusivity.query({"kind": "diffusivity", **(criteria or {})})
    documents = [DiffusivityDocument.from_stored(document) for document in found]
    return sorted(documents, key=lambda d: (d.identity.study or "", d.identity.label, d.temperature_K, d.run_id))


def arrhenius_documents(stores: Stores, criteria: dict[str, Any] | None = None) -> list[ArrheniusDocument]:
    """Arrhenius documents that match `criteria`, by group.

    Parameters
    ----------
    stores
        The stores, connected.
    criteria
        A MongoDB query.
    """
    found = stores.arrhenius.query({"kind": "arrhenius", **(criteria or {})})
    return sorted((ArrheniusDocument.from_stored(document) for document in found), key=lambda d: d.group)
