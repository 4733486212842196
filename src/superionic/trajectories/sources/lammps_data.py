"""LAMMPS data files: which atom is which element, and the cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from monty.io import zopen
from numpy.typing import NDArray

from superionic.errors import InputError
from superionic.trajectories.sources.base import Floats

_MASS_TOLERANCE_U = 0.3
_TYPE_COLUMN = {"atomic": 1, "charge": 1, "molecular": 2, "full": 2}


@dataclass(frozen=True)
class DataFile:
    """What a LAMMPS data file says: cell (rows, Å), its origin, and the element of each atom by increasing id."""

    cell_A: Floats
    origin_A: Floats
    ids: NDArray[np.int64]
    species: list[str]


def read_data_file(path: Path, elements: Sequence[str] | None = None) -> DataFile:
    """Cell and elements of a LAMMPS data file.

    Elements are those given for types 1, 2, ..., else read from the comments of its section Masses, else those of the
    nearest mass.

    Raises
    ------
    InputError
        If a section is missing or the atom style cannot be told.
    """
    if not path.is_file():
        raise InputError(f"topology {str(path)!r} does not exist")
    with zopen(path, "rt") as stream:
        lines = [str(line).rstrip() for line in stream]
    sections: dict[str, list[str]] = {"": []}
    titles: dict[str, str] = {}
    name = ""
    for line in lines[1:]:
        content, _, comment = line.partition("#")
        word = content.strip()
        if word and word[0].isalpha():
            name = word
            sections[name], titles[name] = [], comment.strip()
        elif word:
            sections[name].append(line)
    if not {"Masses", "Atoms"} <= set(sections):
        raise InputError(f"topology {path} is no LAMMPS data file with the sections Masses and Atoms")
    bounds = {tuple(words[len(words) // 2 :]): words for words in (line.split("#")[0].split() for line in sections[""])}
    low, high = (np.array([float(bounds[(f"{axis}lo", f"{axis}hi")][column]) for axis in "xyz"]) for column in (0, 1))
    xy, xz, yz = (float(word) for word in bounds.get(("xy", "xz", "yz"), ["0", "0", "0"])[:3])
    cell, origin = box_cell(low, high, xy, xz, yz, bounds=False)
    symbols = dict(enumerate(elements, start=1)) if elements else None
    symbols = symbols or dict(_element_of_type(line, path) for line in sections["Masses"])
    rows = [line.split("#")[0].split() for line in sections["Atoms"]]
    column = _type_column(rows, titles["Atoms"], len(symbols), path)
    ids = np.array([int(row[0]) for row in rows])
    order = np.argsort(ids)
    types = [int(rows[n][column]) for n in order]
    if not set(types) <= set(symbols):
        raise InputError(f"topology {path} has atom types up to {max(types)} but {len(symbols)} elements were given")
    return DataFile(cell, origin, ids[order], [symbols[number] for number in types])


def _element_of_type(line: str, path: Path) -> tuple[int, str]:
    from pymatgen.core import Element

    content, _, comment = line.partition("#")
    number, mass = content.split()
    symbol = comment.split()[0] if comment.split() else ""
    if Element.is_valid_symbol(symbol):
        return int(number), symbol
    nearest = min(Element, key=lambda element: abs(element.atomic_mass - float(mass)))
    if abs(nearest.atomic_mass - float(mass)) > _MASS_TOLERANCE_U:
        raise InputError(f"topology {path}: no element has the mass {mass} of type {number}: write its symbol after #")
    return int(number), str(nearest.symbol)


def _type_column(rows: list[list[str]], style: str, n_types: int, path: Path) -> int:
    if style in _TYPE_COLUMN:
        return _TYPE_COLUMN[style]
    width = len(rows[0])
    if width in {5, 8}:
        return _TYPE_COLUMN["atomic"]
    if width in {7, 10}:
        return _TYPE_COLUMN["full"]
    third = [row[2] for row in rows]
    if all(word.isdigit() and 1 <= int(word) <= n_types for word in third):
        raise InputError(f"topology {path}: the atom style cannot be told: write 'Atoms # charge' (or its style)")
    return _TYPE_COLUMN["charge"]


def box_cell(low: Floats, high: Floats, xy: float, xz: float, yz: float, bounds: bool) -> tuple[Floats, Floats]:
    """Cell vectors as rows and origin of a LAMMPS box; `bounds`: given by its bounding box, as in dumps."""
    if bounds:
        low = low - [min(0.0, xy, xz, xy + xz), min(0.0, yz), 0.0]
        high = high - [max(0.0, xy, xz, xy + xz), max(0.0, yz), 0.0]
    lx, ly, lz = high - low
    return np.array([[lx, 0, 0], [xy, ly, 0], [xz, yz, lz]]), np.asarray(low)
