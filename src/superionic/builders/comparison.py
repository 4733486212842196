"""Arrhenius and diffusivity documents to comparisons, one for every set of groups that share what is not compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from maggma.core import Builder, Store

from superionic.analysis.temperature.comparison import comparison
from superionic.analysis.temperature.families import FAMILIES, Family
from superionic.builders.gone import remove_gone
from superionic.builders.key import build_key
from superionic.documents import (
    ArrheniusDocument,
    ComparisonDocument,
    DiffusivityDocument,
    FailureDocument,
    Provenance,
    RunIdentity,
)
from superionic.errors import StoreError
from superionic.stores.reading import Unreadable, identity_of, read_documents


@dataclass
class Comparable:
    """The groups of one comparison.

    Attributes
    ----------
    key
        Key of the comparison.
    family
        What is compared.
    fits
        One a group.
    runs
        The runs of each.
    missing
        Groups that could not be fitted, and why.
    unreadable
        Documents of fits that cannot be read, so that not all can be compared.
    """

    key: str
    family: Family
    fits: list[ArrheniusDocument] = field(default_factory=list)
    runs: list[list[DiffusivityDocument]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def build_key(self) -> str:
        """Digest of what the comparison is built from."""
        members = [[fit.group, fit.build_key] for fit in self.fits]
        return build_key(ComparisonDocument, members, self.missing, self.unreadable)


class ComparisonBuilder(Builder):
    """Builds one document for every two or more groups that can be compared, again whenever one of them has changed.

    Groups that could not be fitted are named in it; while a fit cannot be read there is no comparison, but a record of
    why. Documents that cannot be read are named in `unreadable`.

    Parameters
    ----------
    diffusivity, arrhenius
        The stores that DiffusivityBuilder and ArrheniusBuilder fill.
    documents
        Where the documents go, keyed on ``comparison``.
    families
        What is compared.
    """

    def __init__(
        self,
        diffusivity: Store,
        arrhenius: Store,
        documents: Store,
        families: Sequence[Family] = FAMILIES,
        **kwargs: Any,
    ) -> None:
        self.diffusivity = diffusivity
        self.arrhenius = arrhenius
        self.documents = documents
        self.families = families
        self.unreadable: list[Unreadable] = []
        super().__init__(sources=[diffusivity, arrhenius], targets=[documents], **kwargs)

    def get_items(self) -> Iterator[Comparable]:
        """Comparisons whose document is missing or made from something else; those of groups that are gone go."""
        comparables = self._comparables()
        built, unreadable = read_documents(self.documents, ComparisonDocument, "comparison")
        newer = [document for document in unreadable if document.newer]
        self.unreadable += newer
        for document in self.unreadable:
            self.logger.error("%s", document)
        remove_gone(self.documents, "comparison", {*comparables, *(document.name for document in newer)})
        keys = {document.comparison: document.build_key for document in built}
        for key, comparable in comparables.items():
            comparable.fits.sort(key=lambda fit: fit.group)
            if keys.get(key) != comparable.build_key() and key not in {document.name for document in newer}:
                comparable.runs = [self._runs(fit) for fit in comparable.fits]
                yield comparable

    def _comparables(self) -> dict[str, Comparable]:
        """Sets of two or more groups with a fit, readable or not."""
        sets: dict[str, Comparable] = {}

        def sets_of(identity: RunIdentity) -> list[Comparable]:
            keys = [(family.key(identity), family) for family in self.families]
            return [sets.setdefault(key, Comparable(key, family)) for key, family in keys]

        fits, self.unreadable = read_documents(self.arrhenius, ArrheniusDocument, "group")
        for fit in fits:
            for comparable in sets_of(fit.identity):
                comparable.fits.append(fit)
        for broken in self.unreadable:
            if (identity := identity_of(broken.stored)) is not None:
                for comparable in sets_of(identity):
                    comparable.unreadable.append(str(broken))
        failures, _ = read_documents(self.arrhenius, FailureDocument, "group", partly=True)
        for failed in sorted(failures, key=lambda failure: str(failure.group)):
            for comparable in [] if failed.identity is None else sets_of(failed.identity):
                comparable.missing.append(str(failed))
        return {key: found for key, found in sets.items() if len(found.fits) + len(found.unreadable) > 1}

    def _runs(self, fit: ArrheniusDocument) -> list[DiffusivityDocument]:
        wanted = {"run_id": {"$in": [point.run_id for point in fit.points]}}
        return read_documents(self.diffusivity, DiffusivityDocument, "run_id", wanted)[0]

    def process_item(self, item: Comparable) -> dict[str, Any]:
        """Document of one comparison, or the record of why there is none."""
        try:
            if item.unreadable:
                raise StoreError("; ".join(item.unreadable))
            groups = list(zip(item.fits, item.runs, strict=True))
            document = comparison(groups, item.family, missing=item.missing)
        except Exception as error:  # the reason is stored and logged whole
            self.logger.exception("%s could not be compared", item.key)
            failure = FailureDocument(
                comparison=item.key,
                reason=f"{type(error).__name__}: {error}",
                provenance=Provenance(sources=[source for fit in item.fits for source in fit.provenance.sources]),
            )
            return failure.model_dump(mode="json", exclude_none=True)
        return document.model_copy(update={"build_key": item.build_key()}).model_dump(mode="json")

    def update_targets(self, items: list[dict[str, Any]]) -> None:
        """Replace the documents of the comparisons."""
        if items:
            self.documents.update(items, key="comparison")
