"""Groups of runs compared: differences of activation energy, diffusivity and conductivity, and what they are worth.

Every difference is that of two posteriors, so that an extrapolation whose interval is lopsided is compared as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from scipy import stats

from superionic.analysis.conductivity import nernst_einstein_mS_per_cm
from superionic.analysis.temperature.arrhenius import ArrheniusFit, effective_hops, fit_arrhenius
from superionic.analysis.temperature.parts import PartOfMotion, parts_of_motion
from superionic.analysis.temperature.posterior import Posterior, mean
from superionic.documents import (
    ArrheniusDocument,
    CheckName,
    ComparedQuantity,
    Difference,
    DiffusivityDocument,
    Estimate,
    PartKind,
    Verdict,
)
from superionic.errors import InputError

SIGNIFICANCE_LEVEL = 0.05
CORRECTION = (
    "Holm, for all differences of one quantity (its temperatures, axes and jump categories together): those against "
    "the reference, those of the other pairs, and those of classes each on their own"
)


@dataclass(frozen=True)
class Group:
    """Runs of one ordering with one engine and potential, with their fit.

    Attributes
    ----------
    name
        Short and unique among the groups that are compared.
    fit
        Their Arrhenius document; the runs that it keeps out are not compared.
    runs
        Their diffusivity documents.
    """

    name: str
    fit: ArrheniusDocument
    runs: Sequence[DiffusivityDocument]

    @property
    def used(self) -> list[DiffusivityDocument]:
        """The runs that are compared."""
        kept = {point.run_id for point in self.fit.points if not point.excluded}
        return [run for run in self.runs if run.run_id in kept]


@dataclass(frozen=True)
class Quantity:
    """One number of a group.

    Attributes
    ----------
    kind
        What it is.
    temperature_K
        At which temperature; None for an activation energy or a mean.
    part
        The part of the motion that it is of; None for all motion.
    """

    kind: ComparedQuantity
    temperature_K: float | None = None
    part: PartOfMotion | None = None

    def __str__(self) -> str:
        return self.kind.value if self.part is None else f"{self.kind}: {self.part}"

    @property
    def corrected_with(self) -> tuple[ComparedQuantity, bool]:
        """Differences of quantities that agree in this are corrected for their number together."""
        return self.kind, self.part is not None


@dataclass(frozen=True)
class Values:
    """All numbers of a group, or of the mean of several.

    Attributes
    ----------
    name
        Of the group or class.
    posteriors
        Posterior of each quantity that the runs allow.
    insufficient
        Quantities whose statistics are poor.
    missing
        What cannot be compared, and why.
    """

    name: str
    posteriors: dict[Quantity, Posterior]
    insufficient: set[Quantity]
    missing: list[str] = field(default_factory=list)


def group_values(group: Group, extrapolation_temperatures_K: Sequence[float]) -> Values:
    """Posteriors of everything that a group can be compared by.

    Parameters
    ----------
    group
        The runs and their fit.
    extrapolation_temperatures_K
        Where D and the conductivity are extrapolated to, in K: some of those of its fit.
    """
    used = group.used
    missing = _kept_out(group)
    measured, poor = _measured(used)
    fit = _fit(used, lambda run: run.diffusivity_cm2_per_s)
    if fit is None:
        missing.append("fit and extrapolation: " + ("; ".join(group.fit.quality.reasons) or "too few temperatures"))
        return Values(group.name, measured, poor, missing)
    energies = {Quantity(ComparedQuantity.ACTIVATION_ENERGY): Posterior.of_points(fit.activation_energy_eV, fit.weight)}
    for part in parts_of_motion(used):
        along = None if part.kind == PartKind.CONDUCTIVITY else _fit(used, part.value)  # its energy is that of D
        if along is not None:
            quantity = Quantity(ComparedQuantity.ACTIVATION_ENERGY, part=part)
            energies[quantity] = Posterior.of_points(along.activation_energy_eV, along.weight)
    failed = {check.name for check in group.fit.quality.checks if not check.passed} - {CheckName.EXTRAPOLATION}
    poor |= set(energies) if failed else set()
    wide = {entry.temperature_K for entry in group.fit.extrapolations if not entry.sufficient}
    density = float(np.mean([run.n_mobile_ions / run.volume_A3 for run in used]))
    extrapolated: dict[Quantity, Posterior] = {}
    for cold in extrapolation_temperatures_K:
        log = Posterior.of_points(fit.log_diffusivity(cold), fit.weight)
        to_sigma = nernst_einstein_mS_per_cm(group.fit.identity.mobile_charge_e, 1, 1 / density, cold)
        there = {
            Quantity(ComparedQuantity.EXTRAPOLATED_LOG_D, cold): log,
            Quantity(ComparedQuantity.EXTRAPOLATED_LOG_SIGMA, cold): log.shifted(float(np.log(to_sigma))),
        }
        poor |= set(there) if failed or cold in wide else set()
        extrapolated |= there
    return Values(group.name, energies | measured | extrapolated, poor, missing)


def _measured(runs: Sequence[DiffusivityDocument]) -> tuple[dict[Quantity, Posterior], set[Quantity]]:
    """Ln D at every temperature of the runs, and at which of them the statistics are poor."""
    at = {
        Quantity(ComparedQuantity.LOG_D, temperature): [run for run in runs if run.temperature_K == temperature]
        for temperature in sorted({run.temperature_K for run in runs})
    }
    pooled = {q: pooled_log_diffusivity([run.diffusivity_cm2_per_s for run in some]) for q, some in at.items()}
    return pooled, {q for q, some in at.items() if any(run.quality.verdict != Verdict.SUFFICIENT for run in some)}


def pooled_log_diffusivity(diffusivities: Sequence[Estimate]) -> Posterior:
    """Posterior of ln D from runs of one material at one temperature, by the likelihood of the Arrhenius fit.

    Parameters
    ----------
    diffusivities
        One per run, positive.

    Notes
    -----
    If the runs scatter more than their errors allow (5 % level), the posterior is widened by the root of the reduced
    chi^2, as that of the fit is.
    """
    value = np.array([d.value for d in diffusivities])
    hops = effective_hops(value, np.array([d.standard_error for d in diffusivities]))
    pooled, degrees = hops.sum() / (hops / value).sum(), len(value) - 1
    chi_squared = float(np.sum(hops * np.log(value / pooled) ** 2))
    widened = chi_squared / degrees if degrees and stats.chi2.sf(chi_squared, degrees) < SIGNIFICANCE_LEVEL else 1.0
    return Posterior.log_of_counts(float(hops.sum() / widened), float((hops / value).sum() / widened))


def mean_values(name: str, members: Sequence[Values]) -> Values:
    """Means over groups, of the quantities that all of them have."""
    common = [q for q in members[0].posteriors if all(q in member.posteriors for member in members)]
    return Values(
        name,
        {q: mean([member.posteriors[q] for member in members]) for q in common},
        {q for q in common if any(q in member.insufficient for member in members)},
    )


def differences(pairs: Iterable[tuple[Values, Values]], against_reference: bool) -> list[Difference]:
    """Differences of all quantities that both of a pair have, corrected for their number.

    Parameters
    ----------
    pairs
        Those whose values are compared, each with what it is compared with.
    against_reference
        Whether the second of every pair is the reference.
    """
    found = [
        (of.name, minus.name, quantity, difference, quantity in poor)
        for of, minus in pairs
        for differing, poor in [_subtracted(of, minus)]
        for quantity, difference in differing.items()
    ]
    significances = [difference.significance() for *_, difference, _ in found]
    kinds = [quantity.corrected_with for _, _, quantity, *_ in found]
    corrected = np.ones(len(found))
    for kind in set(kinds):
        alike = [n for n, other in enumerate(kinds) if other == kind]
        corrected[alike] = holm_correction([significances[n][1] for n in alike])
    return [
        Difference(
            of=of,
            minus=minus,
            against_reference=against_reference,
            quantity=str(quantity),
            temperature_K=quantity.temperature_K,
            difference=difference.estimate(),
            z=z,
            p_value=p_value,
            p_holm=p_holm,
            n_compared=kinds.count(kind),
            significant=p_holm < SIGNIFICANCE_LEVEL,
            sufficient=not poor,
        )
        for (of, minus, quantity, difference, poor), (z, p_value), kind, p_holm in zip(
            found, significances, kinds, corrected.tolist(), strict=True
        )
    ]


def _subtracted(of: Values, minus: Values) -> tuple[dict[Quantity, Posterior], set[Quantity]]:
    """Differences of what both have and of the mean of ln D over their temperatures, and which have poor statistics."""
    common = [quantity for quantity in of.posteriors if quantity in minus.posteriors]
    differing = {quantity: of.posteriors[quantity].minus(minus.posteriors[quantity]) for quantity in common}
    poor = (of.insufficient | minus.insufficient) & set(common)
    at_temperatures = [quantity for quantity in common if quantity.kind == ComparedQuantity.LOG_D]
    if len(at_temperatures) > 1:
        differing[Quantity(ComparedQuantity.MEAN_LOG_D)] = mean([differing[quantity] for quantity in at_temperatures])
        poor |= {Quantity(ComparedQuantity.MEAN_LOG_D)} if poor & set(at_temperatures) else set()
    return differing, poor


def all_differences(values: Sequence[Values], reference: str | None) -> list[Difference]:
    """Every member against the reference, then all other pairs, the later one minus the earlier one.

    Raises
    ------
    InputError
        If the reference is none of them.
    """
    first = next((value for value in values if value.name == reference), None)
    if reference is not None and first is None:
        raise InputError(f"reference = {reference!r} is none of the groups {[value.name for value in values]}")
    others = [value for value in values if value is not first]
    against = differences(((value, first) for value in others), True) if first is not None else []
    return against + differences(((b, a) for a, b in combinations(others, 2)), False)


def holm_correction(p_values: Sequence[float]) -> list[float]:
    """P values corrected for their number (S. Holm, Scand. J. Stat. 6, 65 (1979)): valid however they depend."""
    order = np.argsort(p_values)
    remaining = np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(np.asarray(p_values)[order] * remaining), 1.0)
    return corrected.tolist()


def _fit(
    runs: Sequence[DiffusivityDocument], pick: Callable[[DiffusivityDocument], Estimate | None]
) -> ArrheniusFit | None:
    found = [(run.temperature_K, value) for run in runs if (value := pick(run)) is not None and value.value > 0]
    if len({temperature for temperature, _ in found}) < 2:
        return None
    return fit_arrhenius([temperature for temperature, _ in found], [value for _, value in found])


def _kept_out(group: Group) -> list[str]:
    kept_out = [f"{point.temperature_K:g} K: {point.reason}" for point in group.fit.points if point.excluded]
    known = {run.run_id for run in group.runs}
    lost = [point for point in group.fit.points if point.run_id not in known]
    return kept_out + [f"{point.temperature_K:g} K: the document of run {point.run_id} is missing" for point in lost]
