"""Builders for maggma's `mrun`, on the stores of this installation's settings."""

from __future__ import annotations

from maggma.core import Builder

from superionic.builders.arrhenius import ArrheniusBuilder
from superionic.builders.comparison import ComparisonBuilder
from superionic.builders.diffusivity import DiffusivityBuilder
from superionic.builders.validation import ValidationBuilder
from superionic.builders.validity import ValidityBuilder
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores


def configured_builders() -> list[Builder]:
    """All builders in the order of their dependence.

    Raises
    ------
    StoreError
        If the database does not answer.
    """
    settings = SuperionicSettings()
    stores = open_stores(settings)
    with stores.connected():
        pass  # its indexes keep two processes from making one document twice
    return [
        DiffusivityBuilder(
            stores.jobs, stores.diffusivity, memory_GB=settings.analysis_memory_GB, studies=stores.studies
        ),
        ArrheniusBuilder(stores.diffusivity, stores.arrhenius),
        ComparisonBuilder(stores.diffusivity, stores.arrhenius, stores.comparison),
        ValidationBuilder(stores.jobs, stores.diffusivity, stores.validation),
        ValidityBuilder(stores.validation, stores.diffusivity),
    ]
