"""Where jobs, trajectories and documents are kept (decision 8 of the design)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from jobflow import JobStore
from maggma.core import Store
from maggma.stores import MontyStore
from monty.json import MontyDecoder

from superionic.errors import InputError
from superionic.settings import SuperionicSettings
from superionic.stores.embedded import connect_in_turn, create_table, keyed
from superionic.stores.indexes import ensure_indexes
from superionic.stores.kinds import DATA_STORE, DOCUMENT_KEYS, check_bucket, check_reachable, require_lasting


@dataclass(frozen=True)
class Stores:
    """The JobStore and the collections of documents next to it."""

    jobs: JobStore
    diffusivity: Store
    arrhenius: Store
    comparison: Store
    studies: Store
    validation: Store

    @contextmanager
    def connected(self) -> Iterator[Stores]:
        """Connect all of them for the time of a with-block; make their indexes (MongoDB) or tables (sqlite).

        Raises
        ------
        StoreError
            If a database does not answer.
        """
        stores = (self.jobs, self.diffusivity, self.arrhenius, self.comparison, self.studies, self.validation)
        check_reachable(self.jobs.docs_store)
        check_bucket(self.jobs.additional_stores[DATA_STORE])
        for collection in (self.jobs.docs_store, *self.jobs.additional_stores.values(), *stores[1:]):
            create_table(collection)
        for store in stores:
            connect_in_turn(store, self.jobs.docs_store)
        try:
            ensure_indexes(*stores)
            yield self
        finally:
            for store in stores:
                store.close()


def embedded_job_store(folder: Path) -> JobStore:
    """JobStore on sqlite files in `folder`, trajectories in its additional store ``data``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = str(folder.resolve())
    return JobStore(
        MontyStore("jobs", database_path=path),
        additional_stores={DATA_STORE: keyed(MontyStore("data", database_path=path, key="blob_uuid"))},
    )


def open_stores(settings: SuperionicSettings) -> Stores:
    """The stores that the settings name.

    Raises
    ------
    InputError
        If the jobflow configuration is missing, its JOB_STORE lacks the additional store ``data``, or
        forgets what it is given.
    """
    if settings.jobflow_config is None:
        jobs = embedded_job_store(settings.store_dir / "store")
    else:
        jobs = _configured_job_store(settings.jobflow_config)
    documents = (sibling(jobs.docs_store, name, key) for name, key in DOCUMENT_KEYS.items())
    return Stores(jobs, *documents)


def sibling(store: Store, collection_name: str, key: str) -> Store:
    """Another collection in the same database as `store`."""
    description = store.as_dict()
    return keyed(type(store).from_dict({**description, "collection_name": collection_name, "key": key}))


def _configured_job_store(path: Path) -> JobStore:
    path = path.expanduser()
    if not path.is_file():
        raise InputError(f"jobflow_config = {str(path)!r} does not exist: give the path of a jobflow.yaml")
    content = yaml.safe_load(path.read_text()) or {}
    if "JOB_STORE" not in content:
        raise InputError(f"jobflow_config = {str(path)!r} has no JOB_STORE: add one (see `superionic init`)")
    description = content["JOB_STORE"]
    try:
        if {"@module", "@class"} <= set(description):
            store = MontyDecoder().process_decoded(description)
        else:
            store = JobStore.from_dict_spec(description)
    except (TypeError, ValueError, KeyError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise InputError(
            f"jobflow_config = {str(path)!r}: JOB_STORE describes no store ({reason}): correct it"
        ) from None
    require_lasting(store, f"jobflow_config = {str(path)!r}: JOB_STORE")
    store.additional_stores[DATA_STORE] = keyed(store.additional_stores[DATA_STORE])
    return store
