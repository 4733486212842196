"""What a CIF says of its atoms: element, charge, position and occupancy of every row."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pymatgen.core import Element

from superionic.errors import InputError

Block = Mapping[str, Any]
_CHARGE = re.compile(r"(?:(\d+(?:\.\d+)?)([+-])|([+-])(\d+(?:\.\d+)?)|([+-]))$")


@dataclass(frozen=True)
class AtomRow:
    """One row of the atom loop.

    Attributes
    ----------
    label, element
        Label in the file, and symbol of the element.
    charge
        Charge in elementary charges; None if the file states none.
    position
        Fractional coordinates.
    digits
        Smallest step in which the coordinates are written, as a fraction.
    occupancy
        Occupancy of every position of the row's orbit.
    multiplicity
        Positions of the orbit as stated; None if not.
    """

    label: str
    element: str
    charge: float | None
    position: tuple[float, float, float]
    digits: float
    occupancy: float
    multiplicity: int | None

    @property
    def ion(self) -> str:
        """The element, with its charge if one is stated: 'Fe', 'Fe2+'."""
        if self.charge is None:
            return self.element
        return f"{self.element}{abs(self.charge):g}{'+' if self.charge >= 0 else '-'}"


def column(block: Block, *names: str) -> list[str] | None:
    """The first of these data items that the block has, as a list."""
    for name in names:
        if name in block:
            values = block[name]
            return [str(value) for value in values] if isinstance(values, list) else [str(values)]
    return None


def scalar(block: Block, *names: str) -> str | None:
    """The first of these data items that has a value."""
    for name in names:
        values = column(block, name)
        if values and values[0].strip() not in {"", "?", "."}:
            return values[0].strip()
    return None


def number(text: str) -> float:
    """A number of a CIF, its uncertainty in brackets left off.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        found = float(re.sub(r"\(\d*\)", "", text))
    except ValueError as error:
        raise InputError(f"{text!r} is no number") from error
    if not math.isfinite(found):
        raise InputError(f"{text!r} is no number: correct it")
    return found


def atom_rows(block: Block) -> tuple[list[AtomRow], list[str]]:
    """Rows of the atom loop, and notes on those that were left out.

    Raises
    ------
    InputError
        If a row cannot be understood; the message names it.
    """
    coordinates = [column(block, f"_atom_site_fract_{axis}", f"_atom_site.fract_{axis}") for axis in "xyz"]
    symbols = column(block, "_atom_site_type_symbol", "_atom_site.type_symbol")
    labels = column(block, "_atom_site_label", "_atom_site.label") or symbols
    if labels is None or any(values is None for values in coordinates):
        raise InputError("its atoms lack labels or fractional coordinates")
    n_rows = len(labels)
    occupancies = column(block, "_atom_site_occupancy", "_atom_site.occupancy") or ["1"] * n_rows
    multiplicities = column(
        block, "_atom_site_symmetry_multiplicity", "_atom_site_site_symmetry_multiplicity"
    ) or ["?"] * n_rows  # fmt: skip
    flags = column(block, "_atom_site_calc_flag") or [""] * n_rows
    charges = _charge_loop(block)
    rows, notes = [], []
    for index, label in enumerate(labels):
        position = [values[index] for values in coordinates if values is not None]
        occupancy = _occupancy(occupancies[index], label)
        if flags[index].lower() == "dum" or occupancy == 0:
            notes.append(f"{label} is {'a dummy' if occupancy else 'empty (occupancy 0)'} and was left out")
            continue
        if any(value.strip() in {"?", "."} for value in position):
            raise InputError(f"atom {label} has no position: complete the file, or take the row out")
        symbol = symbols[index] if symbols else None
        element = element_of(symbol, label)
        if element == "D":  # pymatgen's deuterium is called hydrogen everywhere but in its mass
            element, note = "H", "deuterium is called H: `masses_u: {H: 2.014}` under `md` gives it its mass"
            notes += [note] if note not in notes else []
        charge = charges.get(symbol.strip(), _signed(symbol)) if symbol is not None else None
        stated = multiplicities[index].strip()
        rows.append(
            AtomRow(
                label, element, charge, (number(position[0]), number(position[1]), number(position[2])),
                max(_step(value) for value in position), occupancy, int(stated) if stated.isdigit() else None,
            )
        )  # fmt: skip
    if not rows:
        raise InputError("it holds no atoms")
    if all(not row.charge for row in rows):  # 'Li0+', or nothing at all
        rows = [replace(row, charge=None) for row in rows]
    return rows, notes


def element_of(symbol: str | None, label: str) -> str:
    """Element of an atom, from its type symbol or else its label.

    Raises
    ------
    InputError
        If neither is one element.
    """
    if symbol is not None and symbol.strip() not in {"?", "."}:
        letters = re.match(r"[A-Za-z]*", symbol.strip())
        element = (letters.group() if letters else "").capitalize()
        if not Element.is_valid_symbol(element):
            raise InputError(f"type symbol {symbol!r} of atom {label} is no element: write one row for every atom")
        return element
    match = re.match(r"([A-Z])([a-zA-Z]?)", label)
    if match is None:
        raise InputError(f"atom {label!r} names no element: add _atom_site_type_symbol")
    first, second = match.groups()
    one, two = first, (first + second).capitalize()
    if second.islower() and Element.is_valid_symbol(two):
        return two
    readings = [name for name in dict.fromkeys((one, two)) if Element.is_valid_symbol(name)]
    if len(readings) != 1:
        raise InputError(f"atom {label!r} may be any of {readings}: add _atom_site_type_symbol")
    return readings[0]


def _occupancy(text: str, label: str) -> float:
    if text.strip() in {"?", ".", ""}:
        return 1.0
    value = number(text)
    if value < 0:
        raise InputError(f"the occupancy of {label} is {value:g}: correct it")
    return value


def _charge_loop(block: Block) -> dict[str, float]:
    symbols, charges = column(block, "_atom_type_symbol"), column(block, "_atom_type_oxidation_number")
    if symbols is None or charges is None:
        return {}
    return {
        symbol.strip(): number(charge)
        for symbol, charge in zip(symbols, charges, strict=True)
        if charge.strip() not in {"?", "."}
    }


def _signed(symbol: str) -> float | None:
    """Charge that a type symbol states: 'Li1+', 'O2-', 'Cl-', 'Fe+3'."""
    found = _CHARGE.search(symbol.strip())
    if found is None:
        return None
    size = float(found.group(1) or found.group(4) or 1)
    sign = found.group(2) or found.group(3) or found.group(5)
    return size if sign == "+" else -size


def _step(text: str) -> float:
    """Unit in the last digit that is written."""
    digits = re.sub(r"\(\d*\)", "", text).strip()
    if "/" in digits or "e" in digits.lower() or "." not in digits:
        return 0.0
    return float(10.0 ** -len(digits.split(".")[1]))


def composition(rows: Sequence[AtomRow], multiplicities: Sequence[int]) -> dict[str, float]:
    """Ion -> amount in the cell."""
    amounts: dict[str, float] = {}
    for row, positions in zip(rows, multiplicities, strict=True):
        amounts[row.ion] = amounts.get(row.ion, 0.0) + row.occupancy * positions
    return amounts
