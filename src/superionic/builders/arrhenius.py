"""Diffusivity documents to Arrhenius documents, one an ordering, engine, potential and study."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from maggma.core import Builder, Store

from superionic.analysis import arrhenius
from superionic.builders.failure import failure
from superionic.builders.gone import remove_gone
from superionic.documents import DiffusivityDocument, RunIdentity
from superionic.stores.reading import read_documents


class ArrheniusBuilder(Builder):
    """Builds one document a group of runs, again whenever the group or one of its documents has changed.

    Parameters
    ----------
    diffusivity
        The store that DiffusivityBuilder fills.
    documents
        Where the documents go, keyed on ``group``.
    extrapolation_temperature_K
        Temperature of the extrapolation in K.
    """

    def __init__(
        self, diffusivity: Store, documents: Store, extrapolation_temperature_K: float = 300.0, **kwargs: Any
    ) -> None:
        self.diffusivity = diffusivity
        self.documents = documents
        self.extrapolation_temperature_K = extrapolation_temperature_K
        super().__init__(sources=[diffusivity], targets=[documents], **kwargs)

    def get_items(self) -> Iterator[tuple[str, list[DiffusivityDocument]]]:
        """Groups whose document is missing or made from other sources; documents of groups without runs go."""
        groups: dict[str, list[DiffusivityDocument]] = defaultdict(list)
        for document in read_documents(self.diffusivity, DiffusivityDocument, "run_id")[0]:
            groups[group_key(document.identity)].append(document)
        remove_gone(self.documents, "group", set(groups))
        built = {
            found["group"]: (found.get("provenance", {}).get("sources"), found.get("extrapolation_temperature_K"))
            for found in self.documents.query(
                {"kind": "arrhenius"}, properties=["group", "provenance", "extrapolation_temperature_K"]
            )
        }
        for group, documents in groups.items():
            documents.sort(key=lambda document: (document.temperature_K, document.run_id))
            sources = [source.model_dump() for document in documents for source in document.provenance.sources]
            if built.get(group) != (sources, self.extrapolation_temperature_K):
                yield group, documents

    def process_item(self, item: tuple[str, list[DiffusivityDocument]]) -> dict[str, Any]:
        """Document of one group, or the record of why there is none."""
        group, documents = item
        sources = [source for member in documents for source in member.provenance.sources]
        try:
            document = arrhenius(documents, self.extrapolation_temperature_K)
        except Exception as error:  # the reason is stored and logged whole
            self.logger.exception("group %s could not be fitted", group)
            return failure({"group": group}, sources, error)
        provenance = document.provenance.model_copy(
            update={"sources": sources, "potential": document.identity.potential}
        )
        return document.model_copy(update={"group": group, "provenance": provenance}).model_dump(mode="json")

    def update_targets(self, items: list[dict[str, Any]]) -> None:
        """Replace the documents of the groups."""
        if items:
            self.documents.update(items, key="group")


def group_key(identity: RunIdentity) -> str:
    """What the runs of one Arrhenius fit share, readable and unique."""
    potential = identity.potential
    digest = hashlib.sha256(identity.model_dump_json().encode()).hexdigest()[:8]
    parts = (identity.study, identity.label, identity.formula, identity.engine, potential.family, potential.model)
    return " / ".join([*filter(None, parts), digest])
