"""Checks of structure in motion: distances between ions, site occupation, volume at constant pressure."""

from __future__ import annotations

from superionic.documents import CheckName, DiffusivityDocument
from superionic.documents.estimate import Estimate
from superionic.documents.validation import DistributionDistance, Question, ValidationCheck
from superionic.documents.validation_evidence import MeanVolume
from superionic.documents.validation_thresholds import ValidationThresholds
from superionic.validation.checks import Accepted, taken_together
from superionic.validation.distances import Distance, distance
from superionic.validation.evidence import Evidence, Place
from superionic.validation.ratios import normal_estimate
from superionic.validation.structure import Structure, pair_shares

_NEEDED = {CheckName.HOPS_PER_ION, CheckName.EQUILIBRATION, CheckName.FRAMEWORK_INTACT, CheckName.RUN_COMPLETE}
_MANY = 1000


def structure_checks(
    reference: Evidence, candidate: Evidence, thresholds: ValidationThresholds
) -> tuple[list[ValidationCheck], list[DistributionDistance]]:
    """Radial distributions and occupation, at every ordering and temperature that both have.

    A run in which ions have hardly hopped still stands where it started, so that it agrees with any other of the same
    start: it decides nothing.

    Parameters
    ----------
    reference, candidate
        What is known of both.
    thresholds
        What is accepted.
    """
    checks, distances = [], []
    for place in reference.at:
        one, other = reference.structure(place), candidate.structure(place)
        if one is None or other is None:
            continue
        found = [*_radial_distances(place, one, other), *_occupation_distances(place, one, other)]
        distances += found
        stuck = _not_equilibrated(reference.at[place] + candidate.at[place])
        for question, threshold, what in (
            (Question.RADIAL_DISTRIBUTION, thresholds.radial_distribution, "share of pairs at other distances"),
            (Question.OCCUPATION, thresholds.occupation, "share of ions on sites of other labels"),
        ):
            alike = [entry for entry in found if entry.question == question]
            if threshold is not None and alike:
                checks.append(_check(question, place, threshold, what, alike, stuck))
    return checks, distances


def _check(
    question: Question,
    place: Place,
    threshold: float,
    what: str,
    found: list[DistributionDistance],
    stuck: str | None,
) -> ValidationCheck:
    """One answer for all pairs of species: that of the one which is farthest from passing."""
    of = f"{place[0]} at {place[1]:g} K"
    worst = max(found, key=lambda entry: entry.distance)
    if stuck:
        return Accepted.within(question, of, threshold, f"the {what}").undecided(stuck, worst.distance)
    answers = {}
    for entry in found:
        pair = f" ({'-'.join(entry.species)})" if entry.species else ""
        accepted = Accepted(question, of, threshold, 0.0, threshold, f"the {what}{pair}")
        answers[entry.species] = accepted.interval(entry.distance, entry.interval_95)
    decisive = taken_together(answers.values())
    return max((answer for answer in answers.values() if answer.outcome == decisive), key=lambda a: a.value or 0.0)


def _not_equilibrated(runs: list[DiffusivityDocument]) -> str | None:
    for run in runs:
        for check in run.quality.checks:
            if check.name in _NEEDED and not check.passed:
                return f"run {run.run_id} has not forgotten its start: {check.reason}"
    return None


def _radial_distances(place: Place, one: Structure, other: Structure) -> list[DistributionDistance]:
    found = []
    for pair in one.radial:
        if pair not in other.radial:
            continue
        bins = min(len(one.r_A[pair]), len(other.r_A[pair]))
        r_A = one.r_A[pair][:bins]
        pairs = float((one.radial[pair].mean(axis=0)[:bins] * r_A**2).sum())
        if pairs > 0:
            shares = (pair_shares(structure.radial[pair][:, :bins], r_A, pairs) for structure in (one, other))
            found.append(_document(Question.RADIAL_DISTRIBUTION, place, pair, distance(*shares)))
    return found


def _occupation_distances(place: Place, one: Structure, other: Structure) -> list[DistributionDistance]:
    if one.shares is None or other.shares is None or one.sites != other.sites:
        return []
    return [_document(Question.OCCUPATION, place, None, distance(one.shares, other.shares))]


def _document(
    question: Question, place: Place, species: tuple[str, str] | None, apart: Distance
) -> DistributionDistance:
    return DistributionDistance(
        question=question,
        label=place[0],
        temperature_K=place[1],
        species=species,
        distance=apart.value,
        noise=apart.noise,
        interval_95=apart.interval_95,
    )


def volume_checks(
    reference: list[MeanVolume], candidate: list[MeanVolume], thresholds: ValidationThresholds
) -> list[ValidationCheck]:
    """Mean volume at constant pressure, wherever both have a run of one ordering at one temperature.

    Parameters
    ----------
    reference, candidate
        Mean volumes.
    thresholds
        What is accepted.
    """
    if thresholds.npt_volume is None:
        return []
    known = {(volume.label, volume.temperature_K): volume.volume_A3_per_atom for volume in reference}
    return [
        Accepted.within(
            Question.NPT_VOLUME,
            f"{volume.label} at {volume.temperature_K:g} K",
            thresholds.npt_volume,
            "the relative difference",
        ).estimate(_relative(volume.volume_A3_per_atom, known[place]))
        for volume in candidate
        if (place := (volume.label, volume.temperature_K)) in known
    ]


def _relative(of: Estimate, to: Estimate) -> Estimate:
    """Relative difference of two independent means; each interval carries the reach of its own error."""
    ratio = of.value / to.value
    reach = [(e.interval_95[1] - e.value) / e.value for e in (of, to)]
    error = ratio * ((of.standard_error / of.value) ** 2 + (to.standard_error / to.value) ** 2) ** 0.5
    wide = ratio * (reach[0] ** 2 + reach[1] ** 2) ** 0.5
    usual = normal_estimate(ratio - 1, error, _MANY)
    return usual.model_copy(update={"interval_95": (ratio - 1 - wide, ratio - 1 + wide)})
