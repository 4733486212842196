"""Diffusion with a potential beside that with its reference, by the posteriors of a comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from superionic.analysis import arrhenius
from superionic.analysis.temperature.differences import Group, all_differences, group_values
from superionic.documents import (
    CheckName,
    ComparedQuantity,
    Difference,
    DiffusivityDocument,
    FrameworkState,
    Verdict,
)
from superionic.documents.validation import OrderingDifferences, Question, ValidationCheck
from superionic.documents.validation_evidence import OrderingLine
from superionic.documents.validation_thresholds import ValidationThresholds
from superionic.validation.checks import Accepted

Runs = Sequence[DiffusivityDocument]

LEAST_TEMPERATURES = 3
"""Common temperatures that an activation energy is compared at: two always lie on a line."""
_REFERENCE, _POTENTIAL = "reference", "potential"


@dataclass
class Transport:
    """What runs of one potential say against those of its reference.

    Attributes
    ----------
    checks, differences
        What was found.
    lines, reference_lines
        Arrhenius fits at common temperatures.
    compared_K
        Temperatures at which D was compared, by label of the ordering.
    not_examined
        What there was nothing to judge by.
    """

    checks: list[ValidationCheck] = field(default_factory=list)
    differences: list[OrderingDifferences] = field(default_factory=list)
    lines: list[OrderingLine] = field(default_factory=list)
    reference_lines: list[OrderingLine] = field(default_factory=list)
    compared_K: dict[str, list[float]] = field(default_factory=dict)
    not_examined: list[str] = field(default_factory=list)


def usable(run: DiffusivityDocument) -> bool:
    """Whether the statistics of a run suffice to judge a potential by it."""
    return run.quality.verdict == Verdict.SUFFICIENT and run.diffusivity_cm2_per_s.value > 0


def transport(reference: Runs, candidate: Runs, thresholds: ValidationThresholds) -> Transport:
    """Compare D and its activation energy, and what became of the framework, ordering by ordering.

    Only runs with sufficient statistics are compared, at temperatures that both have.

    Parameters
    ----------
    reference, candidate
        Diffusivity documents of the runs at constant volume.
    thresholds
        What is accepted.
    """
    found = Transport()
    labels = [label for label in _labels(reference) if label in _labels(candidate)]
    if not labels:
        accepted = _diffusivity(thresholds, "all orderings")
        found.checks.append(accepted.undecided("no ordering has been run with both, so D cannot be compared"))
    if more := sorted({ion for run in candidate for ion in run.identity.other_mobile_charges_e}):
        found.not_examined.append(f"D of {', '.join(more)}: of several mobile ions the first is compared")
    for label in labels:
        one, other = ([run for run in runs if run.identity.label == label] for runs in (reference, candidate))
        found.checks += _framework_checks(label, one, other) if thresholds.framework else []
        _compare(found, label, one, other, thresholds)
    return found


def _labels(runs: Runs) -> list[str]:
    return list(dict.fromkeys(run.identity.label for run in runs))


def _at(runs: Runs, temperature_K: float) -> list[DiffusivityDocument]:
    return [run for run in runs if run.temperature_K == temperature_K]


def _common_K(reference: Runs, candidate: Runs) -> list[float]:
    return sorted({run.temperature_K for run in reference} & {run.temperature_K for run in candidate})


def _compare(found: Transport, label: str, reference: Runs, candidate: Runs, thresholds: ValidationThresholds) -> None:
    common = _common_K(reference, candidate)
    decided = [T for T in common if all(usable(run) for run in (*_at(reference, T), *_at(candidate, T)))]
    accepted = _diffusivity(thresholds, label)
    stuck = [T for T in common if T not in decided and _stuck(_at(reference, T), _at(candidate, T), thresholds)]
    if stuck:
        at = ", ".join(f"{T:g}" for T in stuck)
        found.checks.append(accepted.failed(f"at {at} K ions do not move with the potential as they do"))
    if not decided:
        if not stuck:
            found.checks.append(accepted.undecided(_why_not(common, reference, candidate)))
        return
    found.compared_K[label] = decided
    one, other = ([run for run in runs if run.temperature_K in decided] for runs in (reference, candidate))
    groups = [Group(name, arrhenius(runs), runs) for name, runs in ((_REFERENCE, one), (_POTENTIAL, other))]
    differences = all_differences([group_values(group, []) for group in groups], _REFERENCE)
    found.differences.append(OrderingDifferences(label=label, differences=differences))
    found.reference_lines.append(_line(label, groups[0], decided))
    found.lines.append(_line(label, groups[1], decided))
    found.checks.append(_diffusivity_check(accepted, differences))
    if thresholds.activation_energy_eV is not None:
        energy = Accepted.within(
            Question.ACTIVATION_ENERGY, label, thresholds.activation_energy_eV, "the difference in eV"
        )
        if len(decided) < LEAST_TEMPERATURES:
            found.not_examined.append(
                f"{Question.ACTIVATION_ENERGY}, {label}: {len(decided)} common temperature(s) with sufficient "
                f"statistics; {LEAST_TEMPERATURES} are needed"
            )
        else:
            difference = next(d for d in differences if d.quantity == ComparedQuantity.ACTIVATION_ENERGY)
            found.checks.append(energy.estimate(difference.difference))


def _diffusivity(thresholds: ValidationThresholds, of: str) -> Accepted:
    reach = math.log(thresholds.diffusivity_factor)
    return Accepted.within(Question.DIFFUSIVITY, of, reach, "the difference of ln D")


def _diffusivity_check(accepted: Accepted, differences: Sequence[Difference]) -> ValidationCheck:
    """By the mean over temperatures; a difference at one of them that is surely too large fails too."""
    at = [d for d in differences if d.quantity == ComparedQuantity.LOG_D]
    means = [d for d in differences if d.quantity == ComparedQuantity.MEAN_LOG_D]
    for difference in at:
        low, high = difference.difference.interval_95
        if difference.significant and (low > accepted.high or high < accepted.low):
            return accepted.failed(
                f"at {difference.temperature_K:g} K the difference of ln D is {difference.difference.value:+.2f}, 95 % "
                f"interval {low:+.2f} to {high:+.2f}; {accepted.low:+.2f} to {accepted.high:+.2f} is accepted"
            )
    return accepted.estimate((means or at)[0].difference)


def _stuck(reference: Runs, candidate: Runs, thresholds: ValidationThresholds) -> bool:
    """Whether ions surely diffuse with the reference, and surely far slower with the potential.

    A run without hops has too poor statistics for a posterior of ln D, but its upper limit may say enough.
    """
    if not all(usable(run) for run in reference):
        return False
    low = min(run.diffusivity_cm2_per_s.interval_95[0] for run in reference)
    high = max(run.diffusivity_cm2_per_s.interval_95[1] for run in candidate)
    few_hops = all(_failed(run) <= _FEW_HOPS for run in candidate)
    return few_hops and high < low / thresholds.diffusivity_factor


_FEW_HOPS = {CheckName.HOPS_PER_ION, CheckName.RELATIVE_ERROR, CheckName.ERROR_BY_HOP_COUNT, CheckName.LINEAR_MSD}


def _failed(run: DiffusivityDocument) -> set[CheckName]:
    return {check.name for check in run.quality.checks if not check.passed}


def _why_not(common: Sequence[float], reference: Runs, candidate: Runs) -> str:
    if not common:
        temperatures = [", ".join(f"{T:g}" for T in sorted({r.temperature_K for r in runs})) for runs in
                        (reference, candidate)]  # fmt: skip
        return f"no common temperature: the reference has {temperatures[0]} K, the potential {temperatures[1]} K"
    poor = [
        f"{name} at {run.temperature_K:g} K: {(run.quality.reasons or ['no diffusion was seen'])[0]}"
        for name, runs in ((_REFERENCE, reference), (_POTENTIAL, candidate))
        for run in runs
        if run.temperature_K in common and not usable(run)
    ]
    return "the statistics do not suffice at any common temperature: " + "; ".join(poor)


def _framework_checks(label: str, reference: Runs, candidate: Runs) -> list[ValidationCheck]:
    """The framework survives with the potential wherever it does with the reference, and nowhere else."""
    checks = []
    for T in _common_K(reference, candidate):
        accepted = Accepted.within(Question.FRAMEWORK, f"{label} at {T:g} K", 0.0, "the difference of molten runs")
        sides = _at(reference, T), _at(candidate, T)
        if any(run.framework_state == FrameworkState.NONE for side in sides for run in side):
            continue
        lost = [any(_is_lost(run) for run in side) for side in sides]
        open_ended = [
            not gone and any(run.framework_state == FrameworkState.TOO_SHORT for run in side)
            for gone, side in zip(lost, sides, strict=True)
        ]
        if any(open_ended):
            checks.append(accepted.undecided("a run is too short to tell whether its framework survives"))
        elif lost[0] != lost[1]:
            who = (_REFERENCE, _POTENTIAL) if lost[0] else (_POTENTIAL, _REFERENCE)
            checks.append(accepted.failed(f"the framework melts with the {who[0]}, and does not with the {who[1]}"))
        else:
            checks.append(accepted.exact(0.0))
    return checks


def _is_lost(run: DiffusivityDocument) -> bool:
    """Whether the framework melted, or the run broke off because it, or more, did."""
    broke_off = any(c.name == CheckName.RUN_COMPLETE and c.fatal and not c.passed for c in run.quality.checks)
    return run.framework_state == FrameworkState.MELTED or broke_off


def _line(label: str, group: Group, temperatures_K: list[float]) -> OrderingLine:
    return OrderingLine(
        label=label,
        temperatures_K=temperatures_K,
        activation_energy_eV=group.fit.activation_energy_eV,
        prefactor_cm2_per_s=group.fit.prefactor_cm2_per_s,
    )
