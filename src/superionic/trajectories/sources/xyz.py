"""Files of xyz frames in three dialects: extended xyz, CP2K, and LAMMPS with its data file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
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
    full_stress,
    masses_u,
    temperature_K,
)
from superionic.trajectories.sources.lammps_data import read_data_file

_LATTICE = re.compile(rb'Lattice\s*=\s*["{]([^"}]*)["}]', re.IGNORECASE)
_PROPERTIES = re.compile(rb"Properties\s*=\s*\"?([^\s\"]+)", re.IGNORECASE)
_TENSOR = r"\b{}\s*=\s*[\"{{]([^\"}}]*)[\"}}]"
_VALUE = r"\b{}\s*=\s*([-+.\deE]+)"
LAMMPS_COMMENT = re.compile(rb"Timestep:\s*(\d+)")


@dataclass(frozen=True)
class Comment:
    """What the second line of a frame says, with NaN and None for what it does not."""

    cell_A: Floats
    number: int | None = None
    potential_energy_eV: float = NAN
    conserved_energy_eV: float = NAN
    temperature_K: float = NAN
    stress_eV_per_A3: Floats | None = None


@dataclass(frozen=True)
class Columns:
    """Where a line of a frame holds what."""

    width: int = 4
    species: int = 0
    position: int = 1
    identity: int | None = None
    momentum: int | None = None
    force: int | None = None
    masses: Floats | None = field(default=None, repr=False)


def extxyz_source(path: Path, cell_A: Floats | None) -> Source:
    """The frames of an extended xyz file, atoms sorted by the property `id` if there is one.

    Raises
    ------
    InputError
        If it has no cell, and none is given.
    """
    comment, names = first_comment(path)
    columns = _columns(comment, str(path))
    if columns.momentum is not None:
        columns = replace(columns, masses=masses_u(names))
    read = partial(_extxyz_comment, str(path), cell_A)
    read(comment)
    species, order = _in_order(path, columns)
    return Source(
        str(path), "ase", species, partial(xyz_frames, path, columns, species, order, read), numbers_are_steps=True
    )


def lammps_xyz_source(path: Path, topology: Path | None, elements: Sequence[str] | None) -> Source:
    """The frames of a LAMMPS ``dump xyz``, sorted by id, with the data file that names cell and elements.

    Raises
    ------
    InputError
        If there is no data file, or its elements are not those of the frames.
    """
    if topology is None:
        raise InputError(f"{path} holds neither cell nor ids: give its LAMMPS data file as --topology")
    data = read_data_file(topology, elements)
    _, names = first_comment(path)
    numeric = all(name.isdigit() for name in names)
    if len(names) != len(data.species) or (not numeric and names != data.species):
        raise InputError(f"{path} and data file {topology} do not hold the same atoms: dump xyz sorted by id")
    read = partial(_lammps_comment, data.cell_A)
    return Source(
        str(path), "lammps", data.species, partial(xyz_frames, path, Columns(), names, None, read),
        numbers_are_steps=True,
    )  # fmt: skip


def first_comment(path: Path) -> tuple[bytes, list[str]]:
    """Comment and elements of the first frame.

    Raises
    ------
    InputError
        If there is no whole one.
    """
    with TextFile(path) as file:
        try:
            n_atoms = int(file.line())
            comment, *lines = file.lines(n_atoms + 1)
        except (ValueError, TruncatedFrameError):
            raise InputError(f"{path} is not readable as xyz: it holds no whole frame") from None
    names = [line.split()[_columns(comment, str(path)).species].decode() for line in lines]
    return comment, names


def _columns(comment: bytes, name: str) -> Columns:
    found = _PROPERTIES.search(comment)
    if found is None:
        return Columns()
    words = found[1].decode().split(":")
    start, places = 0, {}
    for title, width in zip(words[::3], words[2::3], strict=True):
        places[title.lower()] = start
        start += int(width)
    if "species" not in places or "pos" not in places:
        raise InputError(f"{name} has no columns species and pos: its Properties are {found[1].decode()!r}")
    force = places.get("forces", places.get("force"))
    return Columns(start, places["species"], places["pos"], places.get("id"), places.get("momenta"), force)


def _in_order(path: Path, columns: Columns) -> tuple[list[str], NDArray[np.int64] | None]:
    """Elements in the order of increasing id, and the ids; None if the file has none."""
    _, names = first_comment(path)
    if columns.identity is None:
        return names, None
    with TextFile(path) as file:
        n_atoms = int(file.line())
        ids = np.array([int(line.split()[columns.identity]) for line in file.lines(n_atoms + 1)[1:]])
    order = np.argsort(ids)
    return [names[n] for n in order], ids[order]


def xyz_frames(
    path: Path,
    columns: Columns,
    species: list[str],
    ids: NDArray[np.int64] | None,
    read_comment: Callable[[bytes], Comment],
    start: int,
) -> Iterator[Frame]:
    """Frames from a place in the file on, their comments read by one dialect.

    Raises
    ------
    InputError
        If a frame is not of the atoms of the first.
    """
    names = [name.encode() for name in species]
    with TextFile(path, start) as file:
        for index in count(1):
            while (line := file.line()) and not line.strip():
                pass
            if not line:
                return
            where = f"{path}: frame {index}" + (f" after byte {start}" if start else "")
            if not line.strip().isdigit() or int(line) != len(species):
                found = line[:40].strip().decode(errors="replace")
                raise InputError(f"{where} begins with {found!r}, not with {len(species)}, the number of atoms")
            head, *lines = file.lines(len(species) + 1)
            comment = read_comment(head)
            table = _table(lines, columns, names, ids, where)
            try:
                positions = table[:, columns.position : columns.position + 3].astype(np.float64)
            except ValueError:
                raise InputError(f"{where}: the coordinates are not numbers") from None
            temperature = comment.temperature_K
            if columns.momentum is not None and columns.masses is not None and np.isnan(temperature):
                momenta = table[:, columns.momentum : columns.momentum + 3].astype(np.float64)
                kinetic = float(0.5 * np.sum(momenta**2 / columns.masses[:, None]))
                temperature = temperature_K(kinetic, len(species)) if kinetic > 0 else NAN
            forces = None if columns.force is None else table[:, columns.force : columns.force + 3].astype(np.float64)
            yield Frame(
                positions, comment.cell_A, file.place, comment.number,
                comment.potential_energy_eV, comment.conserved_energy_eV, temperature,
                forces, comment.stress_eV_per_A3,
            )  # fmt: skip


def _table(
    lines: list[bytes], columns: Columns, names: list[bytes], ids: NDArray[np.int64] | None, where: str
) -> NDArray[np.bytes_]:
    """The words of a frame, a row an atom, sorted by id if there are ids."""
    words = b" ".join(lines).split()
    if len(words) != len(names) * columns.width:
        raise InputError(f"{where} does not have {columns.width} columns")
    table = np.array(words).reshape(len(names), columns.width)
    if ids is not None and columns.identity is not None:
        found = table[:, columns.identity].astype(np.int64)
        order = np.argsort(found)
        if not np.array_equal(found[order], ids):
            raise InputError(f"{where} does not hold the atom ids of the first one")
        table = table[order]
    if table[:, columns.species].tolist() != names:
        raise InputError(f"{where} holds its atoms in another order than the first one, and no ids to sort by")
    return table


def _extxyz_comment(name: str, cell_A: Floats | None, comment: bytes) -> Comment:
    found = _LATTICE.search(comment)
    if found is None and cell_A is None:
        raise InputError(f"{name} holds no Lattice: give --cell")
    cell = np.array(found[1].split(), dtype=np.float64).reshape(3, 3) if found else cell_A
    assert cell is not None  # noqa: S101 - for the type checker
    step = _value(comment, "step")
    energy, stress = _value(comment, "energy"), _tensor(comment, "stress", name)
    if stress is None and (virial := _tensor(comment, "virial", name)) is not None:
        stress = -virial / abs(float(np.linalg.det(cell)))
    return Comment(cell, None if np.isnan(step) else int(step), energy, stress_eV_per_A3=stress)


def _tensor(comment: bytes, title: str, name: str) -> Floats | None:
    """Stress in eV/Å^3 or virial in eV as extended xyz has it: 9 numbers, or 6 in Voigt's order; None if not there."""
    found = re.search(_TENSOR.format(title).encode(), comment, re.IGNORECASE)
    return None if found is None else full_stress(found[1].split(), name)


def _value(comment: bytes, name: str) -> float:
    found = re.search(_VALUE.format(name).encode(), comment)
    return float(found[1]) if found else NAN


def _lammps_comment(cell_A: Floats, comment: bytes) -> Comment:
    found = LAMMPS_COMMENT.search(comment)
    return Comment(cell_A, int(found[1]) if found else None)
