"""Documents back from their stores, as models or as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from superionic.documents import (
    ArrheniusDocument,
    ComparisonDocument,
    Difference,
    DiffusivityDocument,
    Estimate,
    RunIdentity,
    Verdict,
)
from superionic.documents.base import Document
from superionic.errors import StoreError, first_error
from superionic.stores.connecting import Stores

if TYPE_CHECKING:
    from pandas import DataFrame

_D = TypeVar("_D", bound=Document)


def criteria(
    *,
    study: str | None = None,
    label: str | None = None,
    formula: str | None = None,
    engine: str | None = None,
    potential: str | None = None,
    ordering_class: str | None = None,
    temperature_K: float | None = None,
    tags: Sequence[str] = (),
    verdict: Verdict | str | None = None,
) -> dict[str, Any]:
    """Query for documents by what users ask for; every field of it has an index in MongoDB.

    Parameters
    ----------
    study, label, formula, engine
        As in the documents' ``identity``.
    potential
        Model of the potential, for example ``"0.3.0"`` or the path of a checkpoint.
    ordering_class
        ``"ordered"``, ``"disordered"``, ``"medium entropy"`` or ``"high entropy"``.
    temperature_K
        Target temperature in K; diffusivity documents only.
    tags
        Tags that the documents must all have.
    verdict
        ``"sufficient"``, ``"insufficient"`` or ``"unusable"``.

    Returns
    -------
    dict
        A MongoDB query for :func:`diffusivity_documents`, :func:`arrhenius_documents` and plain pymongo; and for
        :func:`comparison_documents`.

    Raises
    ------
    ValueError
        If the verdict is none of the three.
    """
    wanted: dict[str, Any] = {
        "identity.study": study,
        "identity.label": label,
        "identity.formula": formula,
        "identity.engine": engine,
        "identity.potential.model": potential,
        "identity.ordering_class": ordering_class,
        "identity.tags": {"$all": list(tags)} if tags else None,
        "temperature_K": temperature_K,
        "quality.verdict": None if verdict is None else Verdict(verdict).value,
    }
    return {field: value for field, value in wanted.items() if value is not None}


def diffusivity_documents(stores: Stores, criteria: dict[str, Any] | None = None) -> list[DiffusivityDocument]:
    """Diffusivity documents that match `criteria`, by study, label and temperature.

    Parameters
    ----------
    stores
        The stores, connected.
    criteria
        A MongoDB query, for example ``{"identity.label": "O"}``; see :func:`criteria`.

    Raises
    ------
    StoreError
        If a stored document is not a whole one.
    """
    found = stores.diffusivity.query({"kind": "diffusivity", **(criteria or {})})
    documents = [_document(DiffusivityDocument, document, "run_id") for document in found]
    return sorted(documents, key=lambda d: (d.identity.study or "", d.identity.label, d.temperature_K, d.run_id))


def diffusivity_document(stores: Stores, run_id: str) -> DiffusivityDocument:
    """The diffusivity document of one run.

    Parameters
    ----------
    stores
        The stores, connected.
    run_id
        UUID of the run.

    Raises
    ------
    StoreError
        If there is none, or it is not a whole one.
    """
    found = diffusivity_documents(stores, {"run_id": run_id})
    if not found:
        raise StoreError(f"run {run_id} has no diffusivity document: build it (`superionic build`) first")
    return found[0]


def arrhenius_documents(stores: Stores, criteria: dict[str, Any] | None = None) -> list[ArrheniusDocument]:
    """Arrhenius documents that match `criteria`, by group.

    Parameters
    ----------
    stores
        The stores, connected.
    criteria
        A MongoDB query; see :func:`criteria`.

    Raises
    ------
    StoreError
        If a stored document is not a whole one.
    """
    found = stores.arrhenius.query({"kind": "arrhenius", **(criteria or {})})
    return sorted((_document(ArrheniusDocument, document, "group") for document in found), key=lambda d: d.group)


def _document(kind: type[_D], stored: dict[str, Any], key: str) -> _D:
    try:
        return kind.from_stored(stored)
    except ValidationError as error:
        raise StoreError(
            f"{stored['kind']} document of {key} {stored.get(key)!r} is not whole ({first_error(error)}): "
            "remove it and build again"
        ) from error


def comparison_documents(stores: Stores, criteria: dict[str, Any] | None = None) -> list[ComparisonDocument]:
    """Comparisons with a member that matches `criteria`, by key.

    Parameters
    ----------
    stores
        The stores, connected.
    criteria
        A MongoDB query; what it asks of ``identity`` is asked of the members. See :func:`criteria`.

    Raises
    ------
    StoreError
        If a stored document is not a whole one.
    """
    wanted = {
        f"members.{field}" if field.startswith("identity.") else field: value
        for field, value in (criteria or {}).items()
    }
    found = stores.comparison.query({"kind": "comparison", **wanted})
    documents = [_document(ComparisonDocument, document, "comparison") for document in found]
    return sorted(documents, key=lambda d: d.comparison)


def diffusivity_table(documents: Sequence[DiffusivityDocument]) -> DataFrame:
    """One row a run; columns carry their units, and every value its standard error in the column after it."""
    rows = [
        {
            "kind": document.kind,
            "run_id": document.run_id,
            **_identity(document.identity),
            "temperature_K": document.temperature_K,
            "analysed_length_ps": document.analysed_length_ps,
            **_estimate("diffusivity", "cm2_per_s", document.diffusivity_cm2_per_s),
            **_estimate("conductivity", "mS_per_cm", document.conductivity_mS_per_cm),
            "hops_per_ion": document.hops_per_ion,
            "framework_state": document.framework_state,
            "verdict": document.quality.verdict.value,
        }
        for document in documents
    ]
    return _table(rows)


def arrhenius_table(documents: Sequence[ArrheniusDocument]) -> DataFrame:
    """One row a fit; columns carry their units, and every value its standard error in the column after it."""
    rows = [
        {
            "kind": document.kind,
            "group": document.group,
            **_identity(document.identity),
            "n_points": document.n_points,
            **_estimate("activation_energy", "eV", document.activation_energy_eV),
            **_estimate("prefactor", "cm2_per_s", document.prefactor_cm2_per_s),
            "extrapolation_temperature_K": document.extrapolation_temperature_K,
            **_estimate("extrapolated_diffusivity", "cm2_per_s", document.extrapolated_diffusivity_cm2_per_s),
            **_estimate("extrapolated_conductivity", "mS_per_cm", document.extrapolated_conductivity_mS_per_cm),
            "verdict": document.quality.verdict.value,
        }
        for document in documents
    ]
    return _table(rows)


def comparison_table(documents: Sequence[ComparisonDocument]) -> DataFrame:
    """One row a difference, those of classes last; energies in eV, all else natural logarithms."""
    return _table(
        [
            {"kind": document.kind, "comparison": document.comparison, **_difference(difference)}
            for document in documents
            for difference in (*document.differences, *document.class_differences)
        ]
    )


def _difference(difference: Difference) -> dict[str, Any]:
    row = difference.model_dump(exclude={"difference"})
    low, high = difference.difference.interval_95
    return {**row, **_estimate("difference", "eV_or_ln", difference.difference), "low_95": low, "high_95": high}


def _identity(identity: RunIdentity) -> dict[str, Any]:
    return {
        "study": identity.study,
        "label": identity.label,
        "formula": identity.formula,
        "ordering_class": identity.ordering_class,
        "engine": identity.engine,
        "potential": f"{identity.potential.family} {identity.potential.model}",
        "tags": " ".join(identity.tags),
    }


def _estimate(name: str, unit: str, estimate: Estimate | None) -> dict[str, float | None]:
    return {
        f"{name}_{unit}": None if estimate is None else estimate.value,
        f"{name}_error_{unit}": None if estimate is None else estimate.standard_error,
    }


def _table(rows: list[dict[str, Any]]) -> DataFrame:
    from pandas import DataFrame

    return DataFrame(rows)
