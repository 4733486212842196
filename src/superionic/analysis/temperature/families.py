"""Families of groups that can be compared: what their members share, in what they differ, what they are called."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from superionic.documents import ArrheniusDocument, RunIdentity
from superionic.documents.keys import readable_key, words_and_digest

_NOT_FOR_READING = {"potential.sha256"}


@dataclass(frozen=True)
class Family:
    """What groups must share to be compared, and in what they may differ.

    Attributes
    ----------
    name
        What is compared.
    shared, varies
        Fields of RunIdentity, those of the potential as ``potential.model``.
    reference
        Field and value of the one group that the others are compared with.
    """

    name: str
    shared: tuple[str, ...]
    varies: tuple[str, ...]
    reference: tuple[str, str]

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields, shared ones first."""
        return (*self.shared, *self.varies)

    def key(self, identity: RunIdentity) -> str:
        """What the members of one comparison share, readable and unique."""
        values = [text_of(identity, field) for field in self.shared]
        readable = [value for field, value in zip(self.shared, values, strict=True) if field not in _NOT_FOR_READING]
        return readable_key([self.name, *readable], json.dumps(values))

    def names(self, fits: Sequence[ArrheniusDocument]) -> list[str]:
        """Shortest of the fields that differ that tell the groups apart, the digest of their keys where none do."""
        names = ["" for _ in fits]
        for field in (*self.varies, *self.shared):
            values = [text_of(fit.identity, field) for fit in fits]
            if len(set(values)) > 1 and field not in _NOT_FOR_READING:
                ends = [value.rpartition("/")[2] for value in values]  # of a host that is a file
                names = [f"{known} {end}".strip() for known, end in zip(names, ends, strict=True)]
            if len(set(names)) == len(names):
                return names
        digests = [words_and_digest(fit.group)[1] for fit in fits]
        if len(set(zip(names, digests, strict=True))) < len(names):
            digests = [str(n + 1) for n in range(len(fits))]
        return [
            name if names.count(name) == 1 else f"{name} ({digest})".strip()
            for name, digest in zip(names, digests, strict=True)
        ]


ORDERINGS = Family(
    "orderings",
    ("study", "host", "mobile_species", "engine", "potential.family", "potential.model", "potential.sha256"),
    ("label", "formula", "ordering_class"),
    ("ordering_class", "ordered"),
)
POTENTIALS = Family(
    "potentials",
    ("label", "formula", "mobile_species"),
    ("engine", "potential.family", "potential.model", "potential.origin", "potential.sha256", "study", "host"),
    ("potential.origin", "first principles"),
)
FAMILIES = (ORDERINGS, POTENTIALS)


def text_of(identity: RunIdentity, field: str) -> str:
    """A field of an identity as text, empty if it has none."""
    value: object = identity
    for part in field.split("."):
        value = getattr(value, part)
    return "" if value is None else str(value)
