"""Files of xyz frames in three dialects: extended xyz, CP2K, and LAMMPS with its data file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
from monty.io import zopen
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
from superionic.trajectories.sources.lammps_data import read_data_file

_LATTICE = re.compile(rb'Lattice\s*=\s*["{]([^"}]*)["}]', re.IGNORECASE)
_PROPERTIES = re.compile(rb"Properties\s*=\s*\"?([^\s\"]+)", re.IGNORECASE)
_VALUE = r"\b{}\s*=\s*([-+.\deE]+)"
_CP2K = re.compile(rb"i\s*=\s*(\d+),(?:\s*time\s*=\s*([-+.\deE]+),)?.*?E\s*=\s*([-+.\deE]+)")
_LAMMPS = re.compile(rb"Timestep:\s*(\d+)")
HARTREE_EV = 27.211386245988


@dataclass(frozen=True)
class _Comment:
    """What the second line of a frame says, with NaN and None for what it does not."""

    cell_A: Floats
    number: int | None = None
    potential_energy_eV: float = NAN
    conserved_energy_eV: float = NAN
    temperature_K: float = NAN


@dataclass(frozen=True)
class _Columns:
    """Where a line of a frame holds what."""

    width: int = 4
    species: int = 0
    position: int = 1
    identity: int | None = None
    momentum: int | None = None
    masses: Floats | None = field(default=None, repr=False)


def xyz_source(
    path: Path, comment: bytes, topology: Path | None, cell_A: Floats | None, elements: Sequence[str] | None
) -> Source:
    """The frames of an xyz file whose dialect its first comment line tells; see there for what each needs."""
    if _CP2K.search(comment):
        return cp2k_source(path, topology, cell_A)
    if _LAMMPS.search(comment):
        return lammps_xyz_source(path, topology, elements)
    return extxyz_source(path, cell_A)


def extxyz_source(path: Path, cell_A: Floats | None) -> Source:
    """The frames of an extended xyz file, atoms sorted by the property `id` if there is one.

    Raises
    ------
    InputError
        If it has no cell, and none is given.
    """
    comment, names = _first(path)
    columns = _columns(comment, str(path))
    if columns.momentum is not None:
        columns = replace(columns, masses=masses_u(names))
    read = partial(_extxyz_comment, str(path), cell_A)
    read(comment)
    species, order = _in_order(path, columns)
    return Source(
        str(path), "ase", species, partial(_frames, path, columns, species, order, read), numbers_are_steps=True
    )


def cp2k_source(path: Path, topology: Path | None, cell_A: Floats | None) -> Source:
    """The frames of CP2K's ``PROJECT-pos-1.xyz``.

    The cell comes from `cell_A`, from the cell file given as `topology`, or from ``PROJECT-1.cell`` beside it;
    energies and temperatures from ``PROJECT-1.ener`` beside it.

    Raises
    ------
    InputError
        If the cell is nowhere to be found.
    """
    _, names = _first(path)
    cells = topology or _beside(path, ".cell")
    cell_table = None if cell_A is not None or cells is None else _by_step(cells)
    if cell_A is None and cell_table is None:
        raise InputError(f"{path} holds no cell: give --cell, or CP2K's .cell file as --topology")
    energies = _beside(path, ".ener")
    read = partial(_cp2k_comment, str(path), cell_A, cell_table, _by_step(energies) if energies else None)
    interval = _cp2k_time_step_fs(path)
    columns = _Columns()
    return Source(
        str(path), "cp2k", names, partial(_frames, path, columns, names, None, read), numbers_are_steps=True,
        time_step_fs=interval,
    )  # fmt: skip


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
    _, names = _first(path)
    numeric = all(name.isdigit() for name in names)
    if len(names) != len(data.species) or (not numeric and names != data.species):
        raise InputError(f"{path} and data file {topology} do not hold the same atoms: dump xyz sorted by id")
    read = partial(_lammps_comment, data.cell_A)
    return Source(
        str(path), "lammps", data.species, partial(_frames, path, _Columns(), names, None, read),
        numbers_are_steps=True,
    )  # fmt: skip


def _first(path: Path) -> tuple[bytes, list[str]]:
    with TextFile(path) as file:
        try:
            n_atoms = int(file.line())
            comment, *lines = file.lines(n_atoms + 1)
        except (ValueError, TruncatedFrameError):
            raise InputError(f"{path} is not readable as xyz: it holds no whole frame") from None
    names = [line.split()[_columns(comment, str(path)).species].decode() for line in lines]
    return comment, names


def _columns(comment: bytes, name: str) -> _Columns:
    found = _PROPERTIES.search(comment)
    if found is None:
        return _Columns()
    words = found[1].decode().split(":")
    start, places = 0, {}
    for title, width in zip(words[::3], words[2::3], strict=True):
        places[title.lower()] = start
        start += int(width)
    if "species" not in places or "pos" not in places:
        raise InputError(f"{name} has no columns species and pos: its Properties are {found[1].decode()!r}")
    return _Columns(start, places["species"], places["pos"], places.get("id"), places.get("momenta"))


def _in_order(path: Path, columns: _Columns) -> tuple[list[str], NDArray[np.int64] | None]:
    """Elements in the order of increasing id, and the ids; None if the file has none."""
    _, names = _first(path)
    if columns.identity is None:
        return names, None
    with TextFile(path) as file:
        n_atoms = int(file.line())
        ids = np.array([int(line.split()[columns.identity]) for line in file.lines(n_atoms + 1)[1:]])
    order = np.argsort(ids)
    return [names[n] for n in order], ids[order]


def _frames(
    path: Path,
    columns: _Columns,
    species: list[str],
    ids: NDArray[np.int64] | None,
    read_comment: Callable[[bytes], _Comment],
    start: int,
) -> Iterator[Frame]:
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
            yield Frame(
                positions, comment.cell_A, file.place, comment.number,
                comment.potential_energy_eV, comment.conserved_energy_eV, temperature,
            )  # fmt: skip


def _table(
    lines: list[bytes], columns: _Columns, names: list[bytes], ids: NDArray[np.int64] | None, where: str
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


def _extxyz_comment(name: str, cell_A: Floats | None, comment: bytes) -> _Comment:
    found = _LATTICE.search(comment)
    if found is None and cell_A is None:
        raise InputError(f"{name} holds no Lattice: give --cell")
    cell = np.array(found[1].split(), dtype=np.float64).reshape(3, 3) if found else cell_A
    assert cell is not None  # noqa: S101 - for the type checker
    step = _value(comment, "step")
    return _Comment(cell, None if np.isnan(step) else int(step), _value(comment, "energy"))


def _value(comment: bytes, name: str) -> float:
    found = re.search(_VALUE.format(name).encode(), comment)
    return float(found[1]) if found else NAN


def _cp2k_comment(
    name: str, cell_A: Floats | None, cells: Floats | None, energies: Floats | None, comment: bytes
) -> _Comment:
    found = _CP2K.search(comment)
    if found is None:
        raise InputError(f"{name} is not readable as CP2K's xyz: {comment[:60].decode(errors='replace')!r}")
    step, potential = int(found[1]), float(found[3]) * HARTREE_EV
    if cell_A is None:
        row = _row(cells, step) if cells is not None and len(cells) > 1 else (None if cells is None else cells[0])
        if row is None:
            raise InputError(f"{name}: the cell file has no row for step {step}")
        cell_A = row[2:11].reshape(3, 3)
    energy = None if energies is None else _row(energies, step)
    if energy is None:
        return _Comment(cell_A, step, potential)
    return _Comment(cell_A, step, potential, float(energy[5]) * HARTREE_EV, float(energy[3]))


def _row(table: Floats, step: int) -> Floats | None:
    place = int(np.searchsorted(table[:, 0], step))
    return table[place] if place < len(table) and table[place, 0] == step else None


def _by_step(path: Path) -> Floats:
    """Rows of one of CP2K's tables, increasing in their first column, the step; rows written twice count once."""
    if not path.is_file():
        raise InputError(f"topology {str(path)!r} does not exist")
    with zopen(path, "rt") as stream:
        rows = [str(line).split() for line in stream if not str(line).lstrip().startswith("#")]
    width = len(rows[0]) if rows else 0
    try:
        table = np.array([row for row in rows if len(row) == width], dtype=np.float64)
        return np.asarray(table[np.unique(table[:, 0], return_index=True)[1]])
    except (ValueError, IndexError) as error:
        raise InputError(f"{path} is not readable as a table of CP2K: {error}") from error


def _beside(path: Path, suffix: str) -> Path | None:
    """``PROJECT-1.cell`` beside ``PROJECT-pos-1.xyz``."""
    match = re.match(r"(.*)-pos-(\d+)\.xyz", path.name)
    file = path.with_name(f"{match[1]}-{match[2]}{suffix}") if match else None
    return file if file is not None and file.is_file() else None


def _cp2k_time_step_fs(path: Path) -> float | None:
    """From the times and steps of the first two frames."""
    pairs: list[Sequence[float]] = []
    with TextFile(path) as file:
        try:
            for _ in range(2):
                n_atoms = int(file.line())
                found = _CP2K.search(file.lines(n_atoms + 1)[0])
                if found is None or found[2] is None:
                    return None
                pairs.append((int(found[1]), float(found[2])))
        except (ValueError, TruncatedFrameError):
            return None
    steps = pairs[1][0] - pairs[0][0]
    return (pairs[1][1] - pairs[0][1]) / steps if steps > 0 else None


def _lammps_comment(cell_A: Floats, comment: bytes) -> _Comment:
    found = _LAMMPS.search(comment)
    return _Comment(cell_A, int(found[1]) if found else None)
