"""Where jobs, trajectories and documents are kept (decision 8 of the design)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from jobflow import JobStore
from maggma.core import Store
from maggma.stores import MontyStore
from monty.json import MontyDecoder

from superionic.embedded import connect_in_turn, create_table, for_blobs
from superionic.errors import InputError, StoreError
from superionic.settings import SuperionicSettings

DATA_STORE = "data"  # the one additional store, of trajectories and other blobs
_PATIENCE_MS = 5000  # how long a database may take to answer before it counts as down


@dataclass(frozen=True)
class Stores:
    """The JobStore and the collections of documents next to it."""

    jobs: JobStore
    diffusivity: Store
    arrhenius: Store
    comparison: Store

    @contextmanager
    def connected(self) -> Iterator[Stores]:
        """Connect all of them for the time of a with-block; make their indexes (MongoDB) or tables (sqlite).

        Raises
        ------
        StoreError
            If a database does not answer.
        """
        from superionic.indexes import ensure_indexes

        stores = (self.jobs, self.diffusivity, self.arrhenius, self.comparison)
        check_reachable(self.jobs.docs_store)
        check_bucket(self.jobs.additional_stores[DATA_STORE])
        for collection in (self.jobs.docs_store, *self.jobs.additional_stores.values(), *stores[1:]):
            create_table(collection)
        for store in stores:
            connect_in_turn(store, self.jobs.docs_store)
        try:
            ensure_indexes(self)
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
        additional_stores={DATA_STORE: for_blobs(MontyStore("data", database_path=path, key="blob_uuid"))},
    )


def open_stores(settings: SuperionicSettings) -> Stores:
    """The stores that the settings name.

    Raises
    ------
    InputError
        If the jobflow configuration is missing, or its JOB_STORE lacks the additional store ``data``.
    """
    if settings.jobflow_config is None:
        jobs = embedded_job_store(settings.store_dir / "store")
    else:
        jobs = _configured_job_store(settings.jobflow_config)
    documents = (sibling(jobs.docs_store, name) for name in ("diffusivity", "arrhenius", "comparison"))
    return Stores(jobs, *documents)


def sibling(store: Store, collection_name: str) -> Store:
    """Another collection in the same database as `store`."""
    description = store.as_dict()
    return type(store).from_dict({**description, "collection_name": collection_name})


def is_mongo(store: Store) -> bool:
    """Whether a store is a real MongoDB collection, not one of maggma's stand-ins for it."""
    from maggma.stores import MemoryStore, MongoStore

    return isinstance(store, MongoStore) and not isinstance(store, MemoryStore)


def describe(store: Store) -> str:
    """Where a store is, in words that hold no credentials (``store.name`` may)."""
    if isinstance(store, MontyStore):
        return f"sqlite files in {store.database_path}"
    if is_mongo(store):
        return f"MongoDB database {store.database!r} at {_hosts(store)}"
    return type(store).__name__


def check_reachable(store: Store) -> None:
    """Ask a MongoDB whether it is there.

    Raises
    ------
    StoreError
        If it does not answer in a few seconds, or refuses the login.
    """
    if not is_mongo(store):
        return
    from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

    patient = type(store).from_dict(store.as_dict())
    patient.mongoclient_kwargs = {**store.mongoclient_kwargs, "serverSelectionTimeoutMS": _PATIENCE_MS}
    try:
        patient.connect()
        patient._collection.find_one({}, {"_id": 1})
    except (OperationFailure, ConfigurationError) as error:
        reason = f"it refuses the login or the options given ({type(error).__name__})"
        raise StoreError(f"{describe(store)}: {reason}: check {_where()}") from None
    except PyMongoError as error:
        reason = f"no answer within {_PATIENCE_MS / 1000:g} s ({type(error).__name__})"
        raise StoreError(f"{describe(store)}: {reason}: start it or check {_where()}") from None
    finally:
        if patient._coll is not None:
            patient.close()


def check_bucket(store: Store) -> None:
    """Ask S3 whether the bucket of a store is there; do nothing for other stores.

    Raises
    ------
    StoreError
        If it is not, or there are no credentials for it.
    """
    from maggma.stores import S3Store

    if not isinstance(store, S3Store):
        return
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        store._get_resource_and_bucket()
    except (RuntimeError, BotoCoreError, ClientError, ValueError) as error:
        place = f"S3 bucket {store.bucket!r} at {store.endpoint_url or 'AWS'}"
        reason = "it is not there or not yours" if isinstance(error, RuntimeError) else str(error)
        raise StoreError(f"{place}: {reason}: check {_where()} and the credentials of boto3") from None


def _where() -> str:
    return "the jobflow.yaml that jobflow_config names"


def _hosts(store: Any) -> str:
    if store.uri is None:
        return f"{store.host}:{store.port}"
    return urlsplit(store.uri).netloc.rpartition("@")[2]


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
    if DATA_STORE not in store.additional_stores:
        raise InputError(
            f"jobflow_config = {str(path)!r}: JOB_STORE has no additional store {DATA_STORE!r}, "
            "which holds the trajectories: add one, for example a GridFSStore"
        )
    store.additional_stores[DATA_STORE] = for_blobs(store.additional_stores[DATA_STORE])
    return store
