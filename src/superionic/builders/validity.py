"""Validations to caveats in the documents of runs: what they say of the potential, for such a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from maggma.core import Builder, Store

from superionic.documents import DiffusivitySummary
from superionic.documents.validation import ValidationSummary
from superionic.stores.reading import read_documents
from superionic.validation.scope import caveats_of


@dataclass(frozen=True)
class ToMark:
    """A run whose caveats are no longer those of today's validations."""

    run_id: str
    caveats: list[str]


class ValidityBuilder(Builder):
    """Says in the `quality` of every run what validations of its potential say, and takes back what they no longer do.

    The numbers, the verdict and the build key of a document stay what they are, so that nothing is built anew of it.

    Parameters
    ----------
    validation
        The store that ValidationBuilder fills.
    diffusivity
        The store that DiffusivityBuilder fills, which is changed in place.
    """

    def __init__(self, validation: Store, diffusivity: Store, **kwargs: Any) -> None:
        self.validation = validation
        self.diffusivity = diffusivity
        super().__init__(sources=[validation], targets=[diffusivity], **kwargs)

    def get_items(self) -> Iterator[ToMark]:
        """Runs whose caveats are to be changed; what cannot be read is left to those who build it."""
        validations, _ = read_documents(self.validation, ValidationSummary, "validation", partly=True)
        runs, _ = read_documents(self.diffusivity, DiffusivitySummary, "run_id", partly=True)
        for run in runs:
            caveats = caveats_of(run, validations)
            if caveats != run.quality.caveats:
                yield ToMark(run.run_id, caveats)

    def process_item(self, item: ToMark) -> dict[str, Any]:
        """The document as it is stored, with other caveats."""
        stored: dict[str, Any] = self.diffusivity.query_one({"run_id": item.run_id, "kind": "diffusivity"})
        quality = {**stored["quality"], "caveats": item.caveats}
        return {key: value for key, value in {**stored, "quality": quality}.items() if key != "_id"}

    def update_targets(self, items: list[dict[str, Any]]) -> None:
        """Replace the documents of the runs."""
        if items:
            self.diffusivity.update(items, key="run_id")
