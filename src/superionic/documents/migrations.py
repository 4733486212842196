"""How stored documents of older shapes become those of today: one pure function a kind and step.

`schema_version` is the shape of a stored document, raised whenever a document of before can no longer be read as it
is; version 0 are those of before there was one. A step takes the stored JSON of one version and returns that of the
next; it may change the dictionary that it is given. Kinds that came after versions have no step from 0. Documents that
are derived from others have no steps: they are built again. A document with others in it (a ranking with its orderings)
leaves theirs to them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from superionic.errors import NewerVersionError, StoreError

Stored = dict[str, Any]
Step = Callable[[Stored], Stored]


def migrated(stored: Stored, kind: str, schema_version: int, analysis_version: int | None = None) -> Stored:
    """A stored document in the shape that this version of superionic reads.

    Parameters
    ----------
    stored
        The document as JSON.
    kind, schema_version
        What it is, and the version of the shape wanted.
    analysis_version
        Version of what its numbers mean by this superionic; None for a document that is not derived from others.

    Raises
    ------
    NewerVersionError
        If it is newer than this superionic.
    StoreError
        If it is derived and of an older shape, or states no version although its kind always has.
    """
    shape = _version(stored, "schema_version", schema_version)
    if analysis_version is None:
        for step in range(shape, schema_version):
            if (kind, step) not in MIGRATIONS:
                raise StoreError(f"it says no schema_version, and every {kind} does: it is not whole")
            stored = MIGRATIONS[kind, step](dict(stored))
    elif shape < schema_version:
        raise StoreError(
            f"its shape has version {shape}, that of today is {schema_version}: build again (`superionic build`)"
        )
    else:
        _version(stored, "analysis_version", analysis_version)
    return {**stored, "schema_version": schema_version}


def _version(stored: Stored, name: str, known: int) -> int:
    """A version that a document states, 0 if it states none."""
    found = stored.get(name, 0)
    if not isinstance(found, int) or found > known:
        raise NewerVersionError(f"its {name} is {found!r}, and this superionic knows up to {known}: upgrade superionic")
    return found


def _as_it_is(stored: Stored) -> Stored:
    """The next version adds fields that may be missing."""
    return stored


def _engine_apart_from_potential(stored: Stored) -> Stored:
    """Who integrates was given the potential's name: in runs of our own, and in those adopted from atomate2."""
    identity = dict(stored["identity"])
    engine, potential = identity["engine"], identity["potential"]
    if engine == "chgnet" and "length_ps" in stored["protocol"]:
        identity["engine"] = "built-in"
    elif engine == potential["family"] == potential["model"]:
        identity["engine"] = "ase"
    return {**stored, "identity": identity}


MIGRATIONS: dict[tuple[str, int], Step] = {
    ("analysis_settings", 0): _as_it_is,
    ("study", 0): _as_it_is,
    ("trajectory_segment", 0): _engine_apart_from_potential,
    ("md_run", 0): _engine_apart_from_potential,
    ("ordering", 0): _as_it_is,
    ("relaxation", 0): _as_it_is,
    ("framework_set", 0): _as_it_is,
    ("decoration_set", 0): _as_it_is,
    ("placement", 0): _as_it_is,
    ("placement_ranking", 0): _as_it_is,
}
