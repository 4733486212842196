"""What kind of store a store is, where it is, and whether it answers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from jobflow import JobStore
from maggma.core import Store
from maggma.stores import MontyStore

from superionic.errors import InputError, StoreError

DATA_STORE = "data"  # the one additional store, of trajectories and other blobs
DOCUMENT_KEYS = {  # collection -> its key
    "diffusivity": "run_id", "arrhenius": "group", "comparison": "comparison", "studies": "study",
    "validation": "validation",
}  # fmt: skip
_PATIENCE_MS = 5000  # how long a database may take to answer before it counts as down


def is_mongo(store: Store) -> bool:
    """Whether a store is a real MongoDB collection, not one of maggma's stand-ins for it."""
    from maggma.stores import MemoryStore, MongoStore

    return isinstance(store, MongoStore) and not isinstance(store, MemoryStore)


def require_lasting(jobs: JobStore, where: str) -> None:
    """Refuse a JobStore that has no place for trajectories, or forgets what it is given.

    Parameters
    ----------
    jobs
        The JobStore.
    where
        What describes it, for messages.

    Raises
    ------
    InputError
        If it has no additional store ``data``, or one of its stores is only memory, or a JSON file: that keeps one of
        the jobs of a chain.
    """
    from maggma.stores import JSONStore, MemoryStore

    if DATA_STORE not in jobs.additional_stores:
        raise InputError(
            f"{where} has no additional store {DATA_STORE!r}, which holds the trajectories: add one, for example a "
            "GridFSStore"
        )
    for name, store in {"docs_store": jobs.docs_store, **jobs.additional_stores}.items():
        in_memory = type(store) is MemoryStore or (isinstance(store, MontyStore) and store.database_path == ":memory:")
        if in_memory or isinstance(store, JSONStore):
            raise InputError(
                f"{where}: {name} is a {type(store).__name__}, which loses {'all' if in_memory else 'some'} of what a "
                "run stored when it ends: take a MontyStore, a MongoStore or a GridFSStore"
            )


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
