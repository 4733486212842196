"""Validations as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from superionic.cli.text_table import table
from superionic.documents.keys import words_and_digest
from superionic.documents.parity import ParityDocument
from superionic.documents.validation import Judgement, ValidationCheck, ValidationSummary

_COLUMNS = ("what", "of", "outcome", "found", "95 % interval", "accepted")


def validation_lines(validations: Sequence[ValidationSummary]) -> Iterator[str]:
    """The verdict on every potential, with what it rests on."""
    for validation in validations:
        for judgement in validation.judgements:
            yield ""
            name = f"Validation {words_and_digest(validation.validation)[0]}: {judgement.name}"
            title = f"{name} ({judgement.potential.family} {judgement.potential.model}): {judgement.outcome.upper()}"
            yield from table(title, _COLUMNS, [_cells(check) for check in judgement.checks])
            yield from _details(judgement)


def _cells(check: ValidationCheck) -> tuple[str, ...]:
    interval = check.interval_95
    return (
        check.question.value,
        check.of,
        check.outcome.value,
        "-" if check.value is None else f"{check.value:.3g}",
        "-" if interval is None else f"{interval[0]:.3g} … {interval[1]:.3g}",
        "-" if check.threshold is None else f"{check.threshold:.3g}",
    )


def _details(judgement: Judgement) -> Iterator[str]:
    if judgement.parity is not None:
        yield _labels(judgement.parity)
    if judgement.valid_for is not None:
        scope = judgement.valid_for
        low, high = scope.temperature_range_K
        yield f"compared from {low:g} to {high:g} K, of {', '.join(scope.structures)}"
    for reason in judgement.reasons:
        yield f"{judgement.name}: {reason}"
    for left_out in judgement.not_examined:
        yield f"{judgement.name}: not examined: {left_out}"


def _labels(parity: ParityDocument) -> str:
    errors = [
        f"{parity.shifted_energy_meV_per_atom.mean_absolute.value:.2g} meV/atom",
        f"{parity.force_meV_per_A.mean_absolute.value:.3g} meV/Å",
    ]
    if parity.stress_GPa is not None:
        errors.append(f"{parity.stress_GPa.mean_absolute.value:.2g} GPa")
    slope = parity.force_meV_per_A.slope
    if slope is not None:
        errors.append(f"slope of forces {slope.value:.3f}")
    return f"mean absolute errors on the {parity.frames}, {parity.n_frames} frames: {', '.join(errors)}"
