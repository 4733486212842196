"""The operations that a CIF names or lists, held against its metric: group, operations and cell must agree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import numpy as np
import spglib
from numpy.typing import NDArray
from pymatgen.core import Lattice
from pymatgen.core.operations import SymmOp

from superionic.errors import InputError

Operations = tuple[NDArray[np.float64], NDArray[np.float64]]
_METRIC_TOLERANCE = 0.01
_N_HALL = 530
_SUFFIX = re.compile(r"\s*:\s*([12HRSZhrsz])$|\s+([HRSZhrsz])$")
_USUAL_SETTINGS = ("", "b1", "b2", "b3", "b", "-b1", "abc", "H")


def operations_of_cif(
    listed: Sequence[str], hall: str | None, symbol: str | None, number: int | None, lattice: Lattice
) -> Operations:
    """Rotations and translations of a crystal, from what its CIF says of its symmetry.

    Parameters
    ----------
    listed
        Operations as 'x, y, z'; empty if the file has none.
    hall, symbol, number
        Hall symbol, Hermann-Mauguin symbol and number of the space group, None where the file has none.
    lattice
        The cell.

    Returns
    -------
    Rotations, shape (n, 3, 3), and translations, shape (n, 3).

    Raises
    ------
    InputError
        If nothing is said, something is not understood, or group, operations and cell contradict each other.
    """
    settings = _named_settings(hall, symbol, number)
    if listed:
        operations = _parsed(listed)
        _check_listed(operations, settings, lattice)
        return operations
    if settings is None:
        raise InputError("it names neither a space group nor operations; write 'P 1' if it has no symmetry")
    fitting = [setting for setting in settings if _keeps_metric(_database(setting)[0], lattice)]
    if not fitting:
        raise InputError(
            f"space group {_type(settings[0]).international_short} does not fit the cell {_cell(lattice)}; "
            "correct one of them"
        )
    usual = [setting for setting in fitting if _type(setting).choice in _USUAL_SETTINGS]
    origins = {_type(setting).choice for setting in fitting}
    if not usual and {"1", "2"} <= origins:
        raise InputError(
            f"space group {_type(fitting[0]).international_short} has two origin choices: list the operations, or "
            "write ':1' or ':2' behind the symbol"
        )
    return _database(min(fitting, key=lambda setting: (setting not in usual, setting)))


def _cell(lattice: Lattice) -> str:
    return " ".join(f"{value:.3f}" for value in lattice.parameters)


def _parsed(listed: Sequence[str]) -> Operations:
    try:
        operations = [SymmOp.from_xyz_str(text) for text in listed]
    except (ValueError, IndexError, TypeError) as error:
        raise InputError(f"a symmetry operation cannot be read ({error})") from error
    return np.array([o.rotation_matrix for o in operations]), np.array([o.translation_vector for o in operations])


def _check_listed(operations: Operations, settings: list[int] | None, lattice: Lattice) -> None:
    if not _keeps_metric(operations[0], lattice):
        raise InputError(
            f"its symmetry operations do not keep the cell {_cell(lattice)} (rhombohedral and hexagonal axes mixed?); "
            "correct one of them"
        )
    found = spglib.get_spacegroup_type_from_symmetry(np.rint(operations[0]).astype(int), operations[1], lattice.matrix)
    if found is None:
        raise InputError("its symmetry operations are no space group: one is missing or wrong")
    if settings is not None and found.number not in {_type(setting).number for setting in settings}:
        named = _type(settings[0])
        raise InputError(
            f"it names space group {named.international_short} ({named.number}) but lists the operations of "
            f"{found.international_short} ({found.number}); correct one of them"
        )


def _named_settings(hall: str | None, symbol: str | None, number: int | None) -> list[int] | None:
    """Hall numbers that fit everything that is named; None if nothing is."""
    sets = []
    if hall:
        sets.append(("Hall symbol", hall, _by_hall().get(_plain(hall), [])))
    if symbol:
        sets.append(("space group", symbol, _by_symbol(symbol)))
    if number:
        sets.append(
            ("space group number", str(number), [h for h in range(1, _N_HALL + 1) if _type(h).number == number])
        )
    for what, given, found in sets:
        if not found and not (what == "space group" and len(sets) > 1):
            raise InputError(f"{what} {given!r} is unknown: correct it, or list the symmetry operations")
    known = [set(found) for _, _, found in sets if found]
    if not known:
        return None
    common = set.intersection(*known)
    if not common:
        raise InputError(
            f"{' and '.join(f'{what} {given!r}' for what, given, _ in sets)} contradict each other; correct one of them"
        )
    return sorted(common)


def _by_symbol(symbol: str) -> list[int]:
    text = symbol.strip().strip("'\"")
    suffix = _SUFFIX.search(text)
    choice = (suffix.group(1) or suffix.group(2)).upper() if suffix else None
    if suffix:
        text = text[: suffix.start()]
    found = _symbols().get(_plain(text), [])
    if choice in {"S", "Z", None}:
        return found
    return [setting for setting in found if choice in _type(setting).choice.upper()]


def _plain(symbol: str) -> str:
    return re.sub(r"[\s_()]", "", symbol).lower().replace("''", '"')


@cache
def _type(hall_number: int) -> spglib.SpaceGroupType:
    group = spglib.get_spacegroup_type(hall_number)
    assert group is not None  # noqa: S101 - there are 530
    return group


@cache
def _by_hall() -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number in range(1, _N_HALL + 1):
        found.setdefault(_plain(_type(number).hall_symbol), []).append(number)
    return found


@cache
def _symbols() -> dict[str, list[int]]:
    """Every way to write a Hermann-Mauguin symbol -> settings: short, full, without the ones, Fm3m for Fm-3m."""
    found: dict[str, list[int]] = {}
    for number in range(1, _N_HALL + 1):
        group = _type(number)
        names = {group.international_short, group.international_full, *group.international.split("=")}
        names |= {re.sub(r" 1(?= |$)", "", name) for name in names if 3 <= group.number <= 15}
        if group.number >= 200 and group.pointgroup_international in {"m-3", "m-3m"}:
            names |= {name.replace("-3", "3") for name in names}
        for name in {_plain(name) for name in names}:
            found.setdefault(name, []).append(number)
    return found


def _database(hall_number: int) -> Operations:
    symmetry = spglib.get_symmetry_from_database(hall_number)
    assert symmetry is not None  # noqa: S101 - the numbers come from the same database
    return symmetry["rotations"].astype(float), symmetry["translations"]


def _keeps_metric(rotations: NDArray[np.float64], lattice: Lattice) -> bool:
    metric = lattice.matrix @ lattice.matrix.T
    turned = np.einsum("nij,ik,nkl->njl", rotations, metric, rotations)
    scale = np.sqrt(np.outer(np.diag(metric), np.diag(metric)))
    return bool((np.abs(turned - metric) / scale).max() < _METRIC_TOLERANCE)
