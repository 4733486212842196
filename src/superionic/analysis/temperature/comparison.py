"""One document on groups of runs that share some of what they are: which pairs, which reference, what to beware of."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import get_args

from superionic.analysis.temperature.differences import (
    CORRECTION,
    SIGNIFICANCE_LEVEL,
    Group,
    Values,
    all_differences,
    differences,
    group_values,
    mean_values,
)
from superionic.analysis.temperature.families import ORDERINGS, Family, text_of
from superionic.documents import (
    UNKNOWN,
    ArrheniusDocument,
    Check,
    CheckName,
    ClassMean,
    ComparisonDocument,
    ComparisonMember,
    Difference,
    DiffusivityDocument,
    OrderingClass,
    Provenance,
    Quality,
)
from superionic.errors import InputError

_SAME_VOLUME = 0.02
_SAME_LENGTH = 1.5


def comparison(
    groups: Sequence[tuple[ArrheniusDocument, Sequence[DiffusivityDocument]]],
    family: Family = ORDERINGS,
    *,
    reference: str | None = None,
    missing: Sequence[str] = (),
    provenance: Provenance | None = None,
) -> ComparisonDocument:
    """Compare groups of runs, each with the document of its fit.

    Runs that the fits keep out are not compared; groups with poor statistics are, and every difference says so.
    Extrapolations are compared at the temperatures that all fits have.

    Parameters
    ----------
    groups
        Fit and runs of each group.
    family
        What is compared; decides on names and the reference.
    reference
        Name of the group that the others are compared with; by default the one that the family names.
    missing
        Groups that belong to the comparison but have no fit, and why.
    provenance
        Sources and software.

    Raises
    ------
    InputError
        If there are fewer than two groups, or no group of the name `reference`.
    """
    if len(groups) < 2:
        raise InputError(f"groups holds {len(groups)} group(s): a comparison needs at least two")
    groups = sorted(groups, key=lambda entry: entry[0].group)
    identities = [fit.identity for fit, _ in groups]
    names = family.names([fit for fit, _ in groups])
    named = [Group(name, fit, runs) for name, (fit, runs) in zip(names, groups, strict=True)]
    cold = _common_temperatures_K([fit for fit, _ in groups])
    values = [group_values(group, cold) for group in named]
    reference = reference or _reference(family, named)
    found = all_differences(values, reference)
    classes = _class_means(named, values) if family == ORDERINGS else []
    between_classes = differences(((b, a) for a, b in combinations([mean for mean, _ in classes], 2)), False)
    compared = {name for difference in found for name in (difference.of, difference.minus)}
    varies = [name for name in family.fields if len({text_of(identity, name) for identity in identities}) > 1]
    return ComparisonDocument(
        comparison=family.key(identities[0]),
        family=family.name,
        shared={name.replace(".", " "): text_of(identities[0], name) for name in family.fields if name not in varies},
        varies=varies,
        members=[_member(group, value) for group, value in zip(named, values, strict=True)],
        reference=reference,
        extrapolation_temperatures_K=cold,
        differences=found,
        classes=[document for _, document in classes],
        class_differences=between_classes,
        significance_level=SIGNIFICANCE_LEVEL,
        correction=CORRECTION,
        caveats=_caveats(family, named, varies),
        quality=Quality.from_checks(_checks(values, found, compared, missing)),
        provenance=provenance or Provenance(sources=[s for fit, _ in groups for s in fit.provenance.sources]),
    )


def _common_temperatures_K(fits: Sequence[ArrheniusDocument]) -> list[float]:
    """Temperatures that all fits are extrapolated to, in the order of the first."""
    first, *others = ([entry.temperature_K for entry in fit.extrapolations] for fit in fits)
    return [temperature for temperature in first if all(temperature in other for other in others)]


def _member(group: Group, values: Values) -> ComparisonMember:
    return ComparisonMember(
        group=group.fit.group,
        name=group.name,
        identity=group.fit.identity,
        temperatures_K=sorted({run.temperature_K for run in group.used}),
        n_runs=len(group.used),
        activation_energy_eV=group.fit.activation_energy_eV,
        verdict=group.fit.quality.verdict,
        reasons=group.fit.quality.reasons,
        left_out=values.missing,
    )


def _reference(family: Family, groups: Sequence[Group]) -> str | None:
    """The one group with runs that is what the family's reference is."""
    field, wanted = family.reference
    fitting = [group for group in groups if group.used and text_of(group.fit.identity, field) == wanted]
    return fitting[0].name if len(fitting) == 1 else None


def _class_means(groups: Sequence[Group], values: Sequence[Values]) -> list[tuple[Values, ClassMean]]:
    """Every class of ordering with the mean of its members; members without runs are left out of it."""
    members: dict[str, list[Values]] = {}
    for group, value in zip(groups, values, strict=True):
        ordering_class = text_of(group.fit.identity, "ordering_class")
        if ordering_class and value.posteriors:
            members.setdefault(ordering_class, []).append(value)
    if len(members) < 2:
        return []
    means = []
    for ordering_class in sorted(members, key=list(get_args(OrderingClass)).index):
        alike = members[ordering_class]
        name = f"{ordering_class} ({alike[0].name if len(alike) == 1 else f'mean of {len(alike)}'})"
        means.append((mean_values(name, alike), ClassMean(name=name, members=[value.name for value in alike])))
    return means


def _checks(
    values: Sequence[Values], found: Sequence[Difference], compared: set[str], missing: Sequence[str]
) -> list[Check]:
    lonely = [value.name for value in values if value.name not in compared]
    poor = sum(not difference.sufficient for difference in found)
    incomplete = [f"{value.name}: {reason}" for value in values for reason in value.missing] + list(missing)
    return [
        Check(
            name=CheckName.GROUPS_COMPARED,
            passed=not lonely,
            fatal=not found,
            value=len(compared),
            threshold=len(values),
            reason=f"{len(compared)} of {len(values)} groups could be compared; not: {', '.join(lonely) or 'none'}",
        ),
        Check(
            name=CheckName.SUFFICIENT_DIFFERENCES,
            passed=poor == 0,
            value=len(found) - poor,
            threshold=len(found),
            reason=f"{poor} of {len(found)} differences rest on poor statistics, as `sufficient` says of each",
        ),
        Check(
            name=CheckName.NOTHING_LEFT_OUT,
            passed=not incomplete,
            value=len(incomplete),
            threshold=0,
            reason="; ".join(incomplete) or "all runs and fits are compared",
        ),
    ]


def _caveats(family: Family, groups: Sequence[Group], varies: Sequence[str]) -> list[str]:
    """What is in none of the errors: what all share, and what differs besides what is compared."""
    potentials = sorted({f"{p.family} {p.model}" for group in groups for p in [group.fit.identity.potential]})
    caveats = ["the conductivity is Nernst-Einstein's: a difference of Haven ratios is not in it"]
    if len(potentials) == 1:
        caveats.append(f"all forces are those of {potentials[0]}: its own error is not in the errors")
    if family == ORDERINGS:
        caveats.append("an ordering is one arrangement of ions: how others of its class differ is not in the errors")
    if any(text_of(group.fit.identity, "host") in {"", UNKNOWN} for group in groups) or "host" in varies:
        caveats.append("not every host is named alike: that these are runs of one crystal is not certain")
    cold: list[set[float]] = [{entry.temperature_K for entry in group.fit.extrapolations} for group in groups]
    if alone := sorted(cold[0].union(*cold) - cold[0].intersection(*cold)):
        caveats.append(f"not all fits are extrapolated to {', '.join(f'{T:g}' for T in alone)} K: not compared there")
    runs = [run for group in groups for run in group.used]
    volumes = [run.volume_A3 for run in runs]
    if volumes and max(volumes) / min(volumes) > 1 + _SAME_VOLUME:
        caveats.append(
            f"cells differ in volume ({min(volumes):.0f} to {max(volumes):.0f} Å³): finite size or density may differ"
        )
    lengths = [run.analysed_length_ps for run in runs]
    if lengths and max(lengths) / min(lengths) > _SAME_LENGTH:
        caveats.append(f"runs differ in length ({min(lengths):g} to {max(lengths):g} ps)")
    for name, unit in (("ensemble", ""), ("time_step_fs", " fs")):
        kinds = {str(getattr(run.protocol, name, None)) for run in runs}
        if len(kinds) > 1:
            caveats.append(f"runs differ in {name.split('_fs')[0].replace('_', ' ')}: {', '.join(sorted(kinds))}{unit}")
    return caveats
