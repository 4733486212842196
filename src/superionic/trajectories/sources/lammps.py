"""LAMMPS: text dumps with any set of coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from superionic.errors import InputError
from superionic.trajectories.sources.base import (
    NAN,
    Floats,
    Frame,
    Source,
    TextFile,
    TruncatedFrameError,
    masses_u,
    temperature_K,
)
from superionic.trajectories.sources.lammps_data import box_cell, read_data_file

_FORCES = ("fx", "fy", "fz")
_UNITS_IN_A = {"metal", "real"}
_FORCE_IN_EV_PER_A = {"metal": 1.0, "real": 0.04336410390059322}  # eV/Å and kcal/mol/Å
_SPEED_IN_A_PER_PS = {"metal": 1.0, "real": 1e3}
_SECTIONS = {"UNITS": 1, "TIMESTEP": 1, "TIME": 1, "NUMBER OF ATOMS": 1, "BOX BOUNDS": 3}  # and their lines


@dataclass(frozen=True)
class _Coordinates:
    """How positions are made from the columns of a dump."""

    columns: tuple[int, int, int]
    scaled: bool
    images: tuple[int, int, int] | None
    unwrapped: bool


def dump_source(path: Path, topology: Path | None, elements: Sequence[str] | None) -> Source:
    """The frames of a text dump, sorted by atom id.

    Parameters
    ----------
    path
        The dump, plain or compressed.
    topology
        A data file that names the elements, if the dump has no column `element`.
    elements
        Element of type 1, 2, ..., instead of a data file.

    Raises
    ------
    InputError
        If it lacks the ids, coordinates or elements of its atoms.
    """
    with TextFile(path) as file:
        try:
            first = _read_frame(file, str(path))
        except TruncatedFrameError:
            first = None
    if first is None:
        raise InputError(f"{path} is not readable as a LAMMPS dump: it holds no whole frame")
    columns, table = first.columns, first.table
    if "id" not in columns:
        raise InputError(f"{path} has no column 'id', and LAMMPS changes the order of atoms: dump id as well")
    coordinates = _coordinates(columns, str(path))
    ids = table[:, columns.index("id")].astype(np.int64)
    order = np.argsort(ids)
    if len(set(ids.tolist())) != len(ids):
        raise InputError(f"{path}: an atom id occurs twice at step {first.step}")
    species = _species(columns, table[order], ids[order], topology, elements, str(path))
    masses = masses_u(species) if {"vx", "vy", "vz"} <= set(columns) else None
    notes: tuple[str, ...] = ()
    if set(_FORCES) <= set(columns) and first.units is None:
        notes = (f"{path}: forces were left out, it does not say in which units they are: `dump_modify ... units yes`",)
    frames = partial(_frames, path, columns, coordinates, ids[order], masses, first.units)
    return Source(str(path), "lammps", species, frames, coordinates.unwrapped, numbers_are_steps=True, notes=notes)


@dataclass(frozen=True)
class _RawFrame:
    step: int
    cell_A: Floats
    origin_A: Floats
    columns: list[str]
    table: NDArray[np.bytes_]
    units: str | None


def _read_frame(file: TextFile, name: str) -> _RawFrame | None:
    """The next frame, None at the end of the file."""
    sections: dict[str, list[bytes]] = {}
    while line := file.line():
        title = line.strip().removeprefix(b"ITEM:").strip().decode(errors="replace")
        if title.startswith("ATOMS"):
            return _frame(sections, title.split()[1:], file, name)
        section = next((known for known in _SECTIONS if title.startswith(known)), None)
        if section is not None:
            lines = file.lines(_SECTIONS[section])
            sections[section] = [title[len(section) :].encode(), *lines]
        elif title:
            raise InputError(f"{name} is not readable as a LAMMPS dump: {title[:60]!r}")
    if sections:
        raise TruncatedFrameError
    return None


def _frame(sections: dict[str, list[bytes]], columns: list[str], file: TextFile, name: str) -> _RawFrame:
    if not {"TIMESTEP", "NUMBER OF ATOMS", "BOX BOUNDS"} <= set(sections):
        raise InputError(f"{name} is not readable as a LAMMPS dump: atoms before their step, number and box")
    units = sections["UNITS"][1].strip().decode() if "UNITS" in sections else None
    if units is not None and units not in _UNITS_IN_A:
        raise InputError(f"{name} is in units {units!r}: dump it in units metal or real")
    step, n_atoms = int(sections["TIMESTEP"][1]), int(sections["NUMBER OF ATOMS"][1])
    words = b" ".join(file.lines(n_atoms)).split()
    if len(words) != n_atoms * len(columns):
        raise InputError(f"{name}: the atoms of step {step} do not have {len(columns)} columns")
    flags, *rows = sections["BOX BOUNDS"]
    table = np.array(words).reshape(n_atoms, len(columns))
    return _RawFrame(step, *_box(flags.decode().split(), rows, name), columns, table, units)


def _box(flags: list[str], lines: list[bytes], name: str) -> tuple[Floats, Floats]:
    if "abc" in flags:
        raise InputError(f"{name} has a general triclinic box: dump it without `triclinic/general`")
    if any(flag != "pp" for flag in flags if len(flag) == 2 and flag not in {"xy", "xz", "yz"}):
        raise InputError(f"{name} is not periodic in all directions (boundary {' '.join(flags)})")
    rows = np.array([line.split() for line in lines], dtype=np.float64)
    xy, xz, yz = rows[:, 2] if rows.shape[1] == 3 else np.zeros(3)
    return box_cell(rows[:, 0], rows[:, 1], xy, xz, yz, bounds=True)


def _coordinates(columns: list[str], name: str) -> _Coordinates:
    def at(names: tuple[str, str, str]) -> tuple[int, int, int] | None:
        found = [columns.index(column) for column in names if column in columns]
        return (found[0], found[1], found[2]) if len(found) == 3 else None

    images = at(("ix", "iy", "iz"))
    for names, scaled, continuous in (
        (("xu", "yu", "zu"), False, True),
        (("xsu", "ysu", "zsu"), True, True),
        (("x", "y", "z"), False, False),
        (("xs", "ys", "zs"), True, False),
    ):
        found = at(names)
        if found is not None:
            flags = None if continuous else images
            return _Coordinates(found, scaled, flags, continuous or flags is not None)
    raise InputError(f"{name} has no coordinates among its columns {columns}: dump xu yu zu, or x y z ix iy iz")


def _species(
    columns: list[str],
    table: NDArray[np.bytes_],
    ids: NDArray[np.int64],
    topology: Path | None,
    elements: Sequence[str] | None,
    name: str,
) -> list[str]:
    if "element" in columns:
        return [word.decode() for word in table[:, columns.index("element")]]
    if elements is not None and "type" in columns:
        types = table[:, columns.index("type")].astype(int)
        if types.max() > len(elements):
            raise InputError(f"{name} has atom types up to {types.max()} but {len(elements)} elements were given")
        return [elements[number - 1] for number in types]
    if topology is not None:
        data = read_data_file(topology, elements)
        if not np.array_equal(data.ids, ids):
            raise InputError(f"{name} and data file {topology} do not hold the same atom ids")
        return data.species
    raise InputError(f"{name} has no column 'element': give the elements of its types, or the data file as topology")


def _frames(
    path: Path,
    columns: list[str],
    coordinates: _Coordinates,
    ids: NDArray[np.int64],
    masses: Floats | None,
    units: str | None,
    start: int,
) -> Iterator[Frame]:
    id_column = columns.index("id")
    with TextFile(path, start) as file:
        while (raw := _read_frame(file, str(path))) is not None:
            if raw.columns != columns:
                raise InputError(f"{path}: the columns change at step {raw.step}: import the parts on their own")
            found = raw.table[:, id_column].astype(np.int64)
            order = np.argsort(found)
            if not np.array_equal(found[order], ids):
                raise InputError(f"{path}: the atom ids at step {raw.step} are not those of the first frame")
            table = raw.table[order]
            try:
                values = table[:, list(coordinates.columns)].astype(np.float64)
                values = values @ raw.cell_A if coordinates.scaled else values - raw.origin_A
                if coordinates.images is not None:
                    values = values + table[:, list(coordinates.images)].astype(np.float64) @ raw.cell_A
            except ValueError:
                raise InputError(f"{path}: the coordinates of step {raw.step} are not numbers") from None
            temperature = NAN if masses is None else _temperature_K(table, columns, masses, units or "metal")
            forces = None
            if units is not None and set(_FORCES) <= set(columns):
                forces = _three(table, columns, _FORCES) * _FORCE_IN_EV_PER_A[units]
            yield Frame(values, raw.cell_A, file.place, raw.step, temperature_K=temperature, forces_eV_per_A=forces)


def _three(table: NDArray[np.bytes_], columns: list[str], names: tuple[str, str, str]) -> Floats:
    return table[:, [columns.index(name) for name in names]].astype(np.float64)


def _temperature_K(table: NDArray[np.bytes_], columns: list[str], masses: Floats, units_name: str) -> float:
    """Kinetic temperature, 3 N - 3 degrees of freedom."""
    from ase import units

    velocities = _three(table, columns, ("vx", "vy", "vz")) * _SPEED_IN_A_PER_PS[units_name]
    speeds = velocities / (1e3 * units.fs)
    return temperature_K(float(0.5 * np.sum(masses[:, None] * speeds**2)), len(masses))
