"""All builders in the order of their dependence, in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maggma.core import Builder

from superionic.builders.arrhenius import ArrheniusBuilder
from superionic.builders.comparison import ComparisonBuilder
from superionic.builders.diffusivity import DiffusivityBuilder
from superionic.stores.connecting import Stores


@dataclass(frozen=True)
class Built:
    """How many documents were made anew, and the reasons of those that could not be."""

    diffusivity: int
    arrhenius: int
    comparison: int
    failures: list[str]


def build_documents(
    stores: Stores, extrapolation_temperature_K: float = 300.0, memory_GB: float | None = None
) -> Built:
    """Bring all documents of connected stores up to date.

    Parameters
    ----------
    stores
        The stores, connected.
    extrapolation_temperature_K
        Temperature of the Arrhenius extrapolation in K.
    memory_GB
        What the positions of one run and work on them may take; a quarter of the free memory by default.
    """
    runs = _run(DiffusivityBuilder(stores.jobs, stores.diffusivity, memory_GB=memory_GB))
    groups = _run(ArrheniusBuilder(stores.diffusivity, stores.arrhenius, extrapolation_temperature_K))
    compared = _run(
        ComparisonBuilder(stores.diffusivity, stores.arrhenius, stores.comparison, extrapolation_temperature_K)
    )
    failures = [
        f"{name} {found[name]}: {found['reason']}"
        for store, name in (
            (stores.diffusivity, "run_id"),
            (stores.arrhenius, "group"),
            (stores.comparison, "comparison"),
        )
        for found in store.query({"kind": "failure"})
    ]
    return Built(_made(runs), _made(groups), _made(compared), failures)


def _made(documents: list[dict[str, Any]]) -> int:
    return sum(document["kind"] != "failure" for document in documents)


def _run(builder: Builder) -> list[dict[str, Any]]:
    """What maggma's Builder.run does, one item at a time and without closing the stores."""
    documents = []
    for item in builder.get_items():
        document = builder.process_item(item)
        builder.update_targets([document])
        documents.append(document)
    return documents
