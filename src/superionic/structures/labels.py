"""Labels of frameworks, computed from their descriptors by the rules in the host's data file.

Without rules the label of a framework says which anions share sites, if any do.

A rule is a label and conditions on descriptors; the first rule whose conditions all hold gives the label::

    labels:
      rules:
        - {label: ELC, when: {parity: even, largest_cluster: 3}}
        - {label: many, when: {displaced: {min: 2}}}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from superionic.errors import InputError
from superionic.structures.descriptors import FrameworkDescriptors
from superionic.structures.enumeration import EMPTY
from superionic.structures.supercell import HostSupercell

Value = int | str | None


class Range(BaseModel):
    """Bounds of a number, both included."""

    model_config = ConfigDict(extra="forbid")
    min: int | None = None
    max: int | None = None


class LabelRule(BaseModel):
    """A label and the conditions under which a framework bears it."""

    model_config = ConfigDict(extra="forbid")
    label: str = Field(description="The label")
    when: dict[str, int | str | Range] = Field(description="Descriptor -> the value it must have, or its bounds")


class LabelRules(BaseModel):
    """The `labels` block of a host file."""

    model_config = ConfigDict(extra="forbid")
    rules: list[LabelRule] = Field(default_factory=list, description="Rules, the first that holds decides")
    otherwise: str = Field("framework", description="Label of a framework that no rule fits")


def summary(descriptors: FrameworkDescriptors, n_displaced: int) -> dict[str, Value]:
    """The numbers and words that rules speak of.

    Returns
    -------
    dict[str, int | str | None]
        ``displaced``, ``parity``, ``n_clusters``, ``largest_cluster`` (1 without shared edges) and ``stacked``:
        cations of the largest cluster that have a framework cation directly above or below.
    """
    largest = descriptors.clusters[0] if descriptors.clusters else None
    return {
        "displaced": n_displaced,
        "parity": descriptors.parity,
        "n_clusters": len(descriptors.clusters),
        "largest_cluster": largest.size if largest else 1,
        "stacked": largest.stacked if largest else 0,
    }


def framework_label(rules: Mapping[str, Any], values: Mapping[str, Value]) -> str:
    """Give a framework the label of the first rule that holds.

    Parameters
    ----------
    rules
        The `labels` block of the host file, may be empty.
    values
        What :func:`summary` returns.

    Raises
    ------
    InputError
        If the block is malformed or a rule names an unknown descriptor.
    """
    try:
        block = LabelRules(**rules)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"labels of the host: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    for rule in block.rules:
        unknown = set(rule.when) - set(values)
        if unknown:
            raise InputError(
                f"labels of the host: rule {rule.label!r} uses {sorted(unknown)}; known are {sorted(values)}"
            )
        if all(_holds(values[name], wanted) for name, wanted in rule.when.items()):
            return rule.label
    return block.otherwise


def sharing_label(cell: HostSupercell, species: Sequence[str]) -> str | None:
    """What shares the anions' sites, 'Cl3S1@4a+Cl1S3@4d'; None where every label holds one kind on all of its sites.

    Parameters
    ----------
    cell
        The supercell.
    species
        Framework ion on every site, an empty string where there is none.
    """
    shared = []
    for label in dict.fromkeys(cell.labels[cell.is_anion_site & (cell.anions == EMPTY)].tolist()):
        if cell.host.mobile_species in cell.host.site(label).allowed_species:
            continue
        sites = cell.sites_of([label])
        held = Counter(species[site] for site in sites if species[site])
        if held and (len(held) > 1 or held.total() < len(sites)):
            shared.append("".join(f"{ion}{held[ion]}" for ion in sorted(held)) + f"@{label}")
    return "+".join(shared) or None


def _holds(value: Value, wanted: int | str | Range) -> bool:
    if isinstance(wanted, Range):
        if not isinstance(value, int):
            return False
        return (wanted.min is None or value >= wanted.min) and (wanted.max is None or value <= wanted.max)
    return value == wanted
