"""Checks of a potential's labels against thresholds."""

from __future__ import annotations

from superionic.documents.estimate import Estimate
from superionic.documents.parity import ParityDocument
from superionic.documents.validation import Question, ValidationCheck
from superionic.documents.validation_thresholds import ValidationThresholds
from superionic.validation.checks import Accepted
from superionic.validation.parity import LEAST_GROUPS


def label_checks(parity: ParityDocument, thresholds: ValidationThresholds) -> list[ValidationCheck]:
    """One check a kind of label that a threshold is set for; stress only where there is one.

    Parameters
    ----------
    parity
        Errors of the labels.
    thresholds
        What is accepted.
    """
    mean = "the mean absolute error in"
    asked: list[tuple[Question, float | None, Estimate | None, str, float]] = [
        (
            Question.ENERGIES,
            thresholds.energy_meV_per_atom,
            parity.shifted_energy_meV_per_atom.mean_absolute,
            f"{mean} meV/atom, less the shift by element,",
            0.0,
        ),
        (Question.FORCES, thresholds.force_meV_per_A, parity.force_meV_per_A.mean_absolute, f"{mean} meV/Å", 0.0),
        (
            Question.STRESS,
            thresholds.stress_GPa,
            None if parity.stress_GPa is None else parity.stress_GPa.mean_absolute,
            f"{mean} GPa",
            0.0,
        ),
        (Question.FORCE_SLOPE, thresholds.force_slope, parity.force_meV_per_A.slope, "the slope", 1.0),
    ]
    checks = []
    for question, threshold, found, what, centre in asked:
        if threshold is None or found is None:
            continue
        accepted = Accepted.within(question, parity.frames, threshold, what, centre)
        if parity.n_resampled < LEAST_GROUPS:
            reason = f"{parity.n_resampled} independent frames are too few to tell its error; {LEAST_GROUPS} are needed"
            checks.append(accepted.undecided(reason, found.value))
        else:
            checks.append(accepted.estimate(found))
    return checks
