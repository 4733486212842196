"""All builders in the order of their dependence, in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maggma.core import Builder

from superionic.builders.arrhenius import ArrheniusBuilder
from superionic.builders.comparison import ComparisonBuilder
from superionic.builders.diffusivity import DiffusivityBuilder
from superionic.builders.validation import ValidationBuilder
from superionic.builders.validity import ValidityBuilder
from superionic.documents import FailureDocument
from superionic.stores.connecting import Stores
from superionic.stores.reading import read_documents


@dataclass(frozen=True)
class Built:
    """How many documents were made anew, and the reasons of those that could not be made or read."""

    diffusivity: int
    arrhenius: int
    comparison: int
    validation: int
    failures: list[str]


def build_documents(stores: Stores, memory_GB: float | None = None) -> Built:
    """Bring all documents of connected stores up to date.

    Every study is analysed as it asks for (see `superionic.stores.studies`).

    Parameters
    ----------
    stores
        The stores, connected.
    memory_GB
        What the positions of one run and work on them may take; a quarter of the free memory by default.
    """
    runs = DiffusivityBuilder(stores.jobs, stores.diffusivity, memory_GB=memory_GB, studies=stores.studies)
    groups = ArrheniusBuilder(stores.diffusivity, stores.arrhenius)
    compared = ComparisonBuilder(stores.diffusivity, stores.arrhenius, stores.comparison)
    judged = ValidationBuilder(stores.jobs, stores.diffusivity, stores.validation)
    n_runs, n_groups, n_compared, n_judged = (_run(builder) for builder in (runs, groups, compared, judged))
    _run(ValidityBuilder(stores.validation, stores.diffusivity))
    failures = [
        str(failure)
        for store, key in (
            (stores.diffusivity, "run_id"),
            (stores.arrhenius, "group"),
            (stores.comparison, "comparison"),
            (stores.validation, "validation"),
        )
        for found in read_documents(store, FailureDocument, key, partly=True)
        for failure in found
    ]
    unreadable = [str(found) for builder in (runs, groups, compared, judged) for found in builder.unreadable]
    return Built(n_runs, n_groups, n_compared, n_judged, [*failures, *dict.fromkeys(unreadable)])


def _run(builder: Builder) -> int:
    """What maggma's Builder.run does, one item at a time and without closing the stores."""
    made = 0
    for item in builder.get_items():
        document: dict[str, Any] = builder.process_item(item)
        builder.update_targets([document])
        made += document["kind"] != "failure"
    return made
