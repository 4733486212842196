"""Documents back from their stores, as models or as tables."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from maggma.core import Store

from superionic.documents import (
    ArrheniusDocument,
    ComparisonDocument,
    Difference,
    DiffusivityDocument,
    DiffusivitySummary,
    Estimate,
    FailureDocument,
    RunIdentity,
    Verdict,
)
from superionic.documents.base import StoredDocument
from superionic.errors import StoreError, UnreadableDocumentWarning
from superionic.stores.connecting import Stores
from superionic.stores.reading import Unreadable, read_documents

if TYPE_CHECKING:
    from pandas import DataFrame

_D = TypeVar("_D", bound=StoredDocument)


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


def diffusivity_documents(
    stores: Stores, criteria: dict[str, Any] | None = None, unreadable: list[Unreadable] | None = None
) -> list[DiffusivityDocument]:
    """Diffusivity documents that match `criteria`, by study, label and temperature.

    Parameters
    ----------
    stores
        The stores, connected.
    criteria
        A MongoDB query, for example ``{"identity.label": "O"}``; see :func:`criteria`.
    unreadable
        Takes those that cannot be read; without it each of them is a warning (`UnreadableDocumentWarning`).
    """
    return sorted(_read(stores.diffusivity, DiffusivityDocument, "run_id", criteria, unreadable), key=_place)


def diffusivity_summaries(
    stores: Stores, criteria: dict[str, Any] | None = None, unreadable: list[Unreadable] | None = None
) -> list[DiffusivitySummary]:
    """What tables say of the diffusivity documents that match `criteria`; in the same order, and much faster.

    Parameters
    ----------
    stores, criteria, unreadable
        As of :func:`diffusivity_documents`.
    """
    return sorted(
        _read(stores.diffusivity, DiffusivitySummary, "run_id", criteria, unreadable, partly=True), key=_place
    )


def _place(document: DiffusivitySummary) -> tuple[str, str, float, str]:
    return document.identity.study or "", document.identity.label, document.temperature_K, document.run_id


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
        If there is none, or it cannot be read.
    """
    unreadable: list[Unreadable] = []
    found = diffusivity_documents(stores, {"run_id": run_id}, unreadable)
    if unreadable:
        raise StoreError(str(unreadable[0]))
    if not found:
        raise StoreError(f"run {run_id} has no diffusivity document: build it (`superionic build`) first")
    return found[0]


def arrhenius_documents(
    stores: Stores, criteria: dict[str, Any] | None = None, unreadable: list[Unreadable] | None = None
) -> list[ArrheniusDocument]:
    """Arrhenius documents that match `criteria`, by group.

    Parameters
    ----------
    stores
        The stores, connected.
    criteria
        A MongoDB query; see :func:`criteria`.
    unreadable
        As of :func:`diffusivity_documents`.
    """
    return sorted(_read(stores.arrhenius, ArrheniusDocument, "group", criteria, unreadable), key=lambda d: d.group)


def comparison_documents(
    stores: Stores, criteria: dict[str, Any] | None = None, unreadable: list[Unreadable] | None = None
) -> list[ComparisonDocument]:
    """Comparisons with a member that matches `criteria`, by key.

    Parameters
    ----------
    stores
        The stores, connected.
    criteria
        A MongoDB query; what it asks of ``identity`` is asked of the members. See :func:`criteria`.
    unreadable
        As of :func:`diffusivity_documents`.
    """
    wanted = {
        f"members.{field}" if field.startswith("identity.") else field: value
        for field, value in (criteria or {}).items()
    }
    documents = _read(stores.comparison, ComparisonDocument, "comparison", wanted, unreadable)
    return sorted(documents, key=lambda d: d.comparison)


def failure_documents(
    stores: Stores, criteria: dict[str, Any] | None = None, unreadable: list[Unreadable] | None = None
) -> list[FailureDocument]:
    """Why documents of runs and fits that match `criteria`, and without any those of comparisons, could not be built.

    Parameters
    ----------
    stores
        The stores, connected.
    criteria
        A MongoDB query; only what it asks of ``identity`` is asked. See :func:`criteria`.
    unreadable
        As of :func:`diffusivity_documents`.
    """
    wanted = {field: value for field, value in (criteria or {}).items() if field.startswith("identity.")}
    places = [(stores.diffusivity, "run_id"), (stores.arrhenius, "group")]
    places += [] if wanted else [(stores.comparison, "comparison")]
    return [
        failure
        for store, key in places
        for failure in _read(store, FailureDocument, key, wanted, unreadable, partly=True)
    ]


def _read(
    store: Store,
    model: type[_D],
    key: str,
    criteria: dict[str, Any] | None,
    unreadable: list[Unreadable] | None,
    *,
    partly: bool = False,
) -> list[_D]:
    documents, broken = read_documents(store, model, key, criteria, partly=partly)
    if unreadable is not None:
        unreadable.extend(broken)
    else:
        for document in broken:
            warnings.warn(str(document), UnreadableDocumentWarning, stacklevel=3)
    return documents


def diffusivity_table(documents: Sequence[DiffusivitySummary]) -> DataFrame:
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
    """One row a fit and temperature that it is extrapolated to.

    Columns carry their units, and every value its standard error in the column after it.
    """
    rows = [
        {
            "kind": document.kind,
            "group": document.group,
            **_identity(document.identity),
            "n_points": document.n_points,
            **_estimate("activation_energy", "eV", document.activation_energy_eV),
            **_estimate("prefactor", "cm2_per_s", document.prefactor_cm2_per_s),
            "extrapolation_temperature_K": there.temperature_K,
            **_estimate("extrapolated_diffusivity", "cm2_per_s", there.diffusivity_cm2_per_s),
            **_estimate("extrapolated_conductivity", "mS_per_cm", there.conductivity_mS_per_cm),
            "verdict": document.quality.verdict.value,
        }
        for document in documents
        for there in document.extrapolations
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
