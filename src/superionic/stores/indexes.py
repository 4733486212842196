"""Indexes on what users ask for, and those that make a document unique whatever writes it twice."""

from __future__ import annotations

from typing import Any

from jobflow import JobStore
from maggma.core import Store

from superionic.stores.kinds import DATA_STORE, is_mongo

Index = tuple[str, ...]

_IDENTITY: list[Index] = [
    ("identity.label", "temperature_K"),
    ("identity.formula",),
    ("identity.engine",),
    ("identity.potential.model",),
    ("identity.study",),
    ("identity.ordering_class",),
    ("identity.tags",),
    ("quality.verdict",),
]
_DOCUMENTS: list[Index] = [("temperature_K",), *_IDENTITY]
_COMPARISONS: list[Index] = [*((f"members.{field}",) for field, *_ in _IDENTITY[:-1]), ("quality.verdict",)]
_VALIDATIONS: list[Index] = [("study",), ("judgements.potential.model",), ("judgements.outcome",)]
_JOBS: list[Index] = [("output.kind", "uuid"), ("uuid",), ("name",), ("completed_at",)]
_OURS = {"output.kind": {"$exists": True}}  # what other programs keep in the same collection is none of our business


def ensure_indexes(
    jobs: JobStore, diffusivity: Store, arrhenius: Store, comparison: Store, studies: Store, validation: Store
) -> None:
    """Make the indexes where the stores are a MongoDB; leave it to those who may if this user may not."""
    if not is_mongo(jobs.docs_store):
        return
    from pymongo.errors import OperationFailure

    try:
        _ensure(jobs.docs_store, _JOBS, ("uuid", "index"), partialFilterExpression=_OURS)
        _ensure(diffusivity, _DOCUMENTS, ("run_id",))
        _ensure(arrhenius, _IDENTITY, ("group",))
        _ensure(comparison, _COMPARISONS, ("comparison",))
        _ensure(studies, [], ("study",))
        _ensure(validation, _VALIDATIONS, ("validation",))
        for field in ("blob_uuid", "job_uuid"):
            jobs.additional_stores[DATA_STORE].ensure_index(field)
    except OperationFailure as error:
        if not error.details or error.details.get("codeName") != "Unauthorized":
            raise


def _ensure(store: Store, indexes: list[Index], unique: Index, **options: Any) -> None:
    collection = store._collection
    collection.create_index([(field, 1) for field in unique], unique=True, **options)
    for index in indexes:
        collection.create_index([(field, 1) for field in index])
