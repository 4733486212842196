"""Arrhenius and diffusivity documents to comparisons, one for every set of groups that share what is not compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from maggma.core import Builder, Store

from superionic.analysis.temperature.comparison import FAMILIES, Family, comparison
from superionic.builders.failure import failure
from superionic.builders.gone import remove_gone
from superionic.documents import ArrheniusDocument, DiffusivityDocument, SourceReference
from superionic.stores.reading import read_documents


@dataclass(frozen=True)
class Comparable:
    """The groups of one comparison, each with its runs."""

    key: str
    family: Family
    groups: list[tuple[ArrheniusDocument, list[DiffusivityDocument]]]
    sources: list[SourceReference]


class ComparisonBuilder(Builder):
    """Builds one document for every two or more groups that can be compared, again whenever one of them has changed.

    Parameters
    ----------
    diffusivity, arrhenius
        The stores that DiffusivityBuilder and ArrheniusBuilder fill.
    documents
        Where the documents go, keyed on ``comparison``.
    extrapolation_temperature_K
        Temperature of the extrapolation in K.
    families
        What is compared.
    """

    def __init__(
        self,
        diffusivity: Store,
        arrhenius: Store,
        documents: Store,
        extrapolation_temperature_K: float = 300.0,
        families: Sequence[Family] = FAMILIES,
        **kwargs: Any,
    ) -> None:
        self.diffusivity = diffusivity
        self.arrhenius = arrhenius
        self.documents = documents
        self.extrapolation_temperature_K = extrapolation_temperature_K
        self.families = families
        super().__init__(sources=[diffusivity, arrhenius], targets=[documents], **kwargs)

    def get_items(self) -> Iterator[Comparable]:
        """Comparisons whose document is missing or made from other sources; those of groups that are gone go."""
        fits: dict[tuple[str, Family], list[ArrheniusDocument]] = defaultdict(list)
        for fit in read_documents(self.arrhenius, ArrheniusDocument, "group")[0]:
            for family in self.families:
                fits[family.key(fit.identity), family].append(fit)
        several = {place: members for place, members in fits.items() if len(members) > 1}
        remove_gone(self.documents, "comparison", {key for key, _ in several})
        built = {
            found["comparison"]: (found.get("provenance", {}).get("sources"), found.get("extrapolation_temperature_K"))
            for found in self.documents.query(
                {"kind": "comparison"}, properties=["comparison", "provenance", "extrapolation_temperature_K"]
            )
        }
        for (key, family), members in several.items():
            members.sort(key=lambda fit: fit.group)
            sources = [source for fit in members for source in fit.provenance.sources]
            if built.get(key) != ([source.model_dump() for source in sources], self.extrapolation_temperature_K):
                yield Comparable(key, family, [(fit, self._runs(fit)) for fit in members], sources)

    def _runs(self, fit: ArrheniusDocument) -> list[DiffusivityDocument]:
        wanted = {"run_id": {"$in": [point.run_id for point in fit.points]}}
        return read_documents(self.diffusivity, DiffusivityDocument, "run_id", wanted)[0]

    def process_item(self, item: Comparable) -> dict[str, Any]:
        """Document of one comparison, or the record of why there is none."""
        try:
            document = comparison(item.groups, item.family, self.extrapolation_temperature_K)
        except Exception as error:  # the reason is stored and logged whole
            self.logger.exception("%s could not be compared", item.key)
            return failure({"comparison": item.key}, item.sources, error)
        return document.model_dump(mode="json")

    def update_targets(self, items: list[dict[str, Any]]) -> None:
        """Replace the documents of the comparisons."""
        if items:
            self.documents.update(items, key="comparison")
