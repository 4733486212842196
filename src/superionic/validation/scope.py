"""Whether a run is of the kind that its potential has been validated for."""

from __future__ import annotations

from collections.abc import Iterable

from superionic.documents import DiffusivitySummary, PotentialReference
from superionic.documents.validation import Judgement, Outcome, ValidationSummary, ValidityScope
from superionic.validation.judgement import elements_of, structure_name


def caveats_of(run: DiffusivitySummary, validations: Iterable[ValidationSummary]) -> list[str]:
    """What is to be said of a run's potential; nothing if a validation covers it, or if it was never validated.

    Parameters
    ----------
    run
        The run.
    validations
        All validations there are.
    """
    judged = [
        (validation.validation, judgement)
        for validation in validations
        for judgement in validation.judgements
        if same_potential(judgement.potential, run.identity.potential)
    ]
    covered = any(
        judgement.outcome == Outcome.PASSED and not _outside(run, judgement.valid_for) for _, judgement in judged
    )
    return [
        _sentence(name, judgement, _outside(run, judgement.valid_for))
        for name, judgement in judged
        if judgement.outcome == Outcome.FAILED or not covered
    ]


def same_potential(one: PotentialReference, other: PotentialReference) -> bool:
    """Whether two references name one potential, whatever evaluates it.

    The same weights do; without a file of them, the same family and model.
    """
    if one.sha256 is not None and other.sha256 is not None:
        return one.sha256 == other.sha256
    return (one.family, one.model, one.sha256) == (other.family, other.model, other.sha256)


def _sentence(name: str, judgement: Judgement, outside: list[str]) -> str:
    if judgement.outcome == Outcome.FAILED:
        return f"its potential failed validation {name!r}: {judgement.reasons[0]}"
    if judgement.outcome == Outcome.UNKNOWN:
        return f"validation {name!r} does not decide whether its potential can be trusted: {judgement.reasons[0]}"
    return f"its potential passed validation {name!r}, but not for such a run: {'; '.join(outside)}"


def _outside(run: DiffusivitySummary, scope: ValidityScope | None) -> list[str]:
    """In what a run differs from what was compared."""
    if scope is None:
        return ["transport could not be compared anywhere"]
    low, high = scope.temperature_range_K
    structure = structure_name(run.identity.label, run.identity.formula)
    new = sorted(set(elements_of(run.identity.formula)) - set(scope.elements))
    found = []
    if not low <= run.temperature_K <= high:
        found.append(f"{run.temperature_K:g} K is not within {low:g} to {high:g} K")
    if new:
        found.append(f"it holds {', '.join(new)}, and only {', '.join(scope.elements)} were seen")
    elif structure not in scope.structures:
        found.append(f"structure {structure} was not seen, only {', '.join(scope.structures)}")
    return found
