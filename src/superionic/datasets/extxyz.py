"""Extended xyz in and out, with the keys under which different codes look for labels.

========  =============================================  =========================
dialect   keys                                           stress
========  =============================================  =========================
ase       energy, forces, stress, magmoms                eV/Å^3, ASE's sign
sevennet  as ase (SevenNet reads what ASE reads)         eV/Å^3, ASE's sign
mace      REF_energy, REF_forces, REF_stress             eV/Å^3, ASE's sign
matgl     energies, forces, stresses                     GPa, ASE's sign
========  =============================================  =========================

Energies are of the whole cell. Numbers are written so that they come back to the last bit, and origins with them.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

import numpy as np
from ase import Atoms, units
from ase.data import chemical_symbols

from superionic.datasets.candidates import Candidate
from superionic.datasets.frames import BareFrame, Floats, ReferenceFrame
from superionic.datasets.origins import numbered_within_runs, origin_of
from superionic.documents.dataset import SPLIT_NAMES, LabelReference, SplitName
from superionic.errors import InputError


@dataclass(frozen=True)
class Dialect:
    """Under which keys labels stand, and what a stress is multiplied by to be eV/Å^3."""

    energy: str
    forces: str
    stress: str
    stress_unit: float = 1.0


DIALECTS = {
    "ase": Dialect("energy", "forces", "stress"),
    "sevennet": Dialect("energy", "forces", "stress"),
    "mace": Dialect("REF_energy", "REF_forces", "REF_stress"),
    "matgl": Dialect("energies", "forces", "stresses", units.GPa),
}
_RECOGNISED = ("ase", "mace", "matgl")  # by the key of the energy, each its own
_ORIGIN, _SPLIT = "origin", "split"


def write_extxyz(frames: Iterable[ReferenceFrame], path: Path, dialect: str = "ase") -> int:
    """Write labelled frames; compressed if the file's name ends in .gz.

    Returns
    -------
    int
        Frames written.

    Raises
    ------
    InputError
        If there is no such dialect.
    """
    keys = _dialect(dialect)
    count = 0
    with _opened(path) as file:
        for frame in frames:
            _write_frame(file, frame, keys)
            count += 1
    return count


def read_extxyz(path: Path, reference: LabelReference, dialect: str | None = None) -> list[Candidate]:
    """Frames of an extended xyz file with what it says of them, unchecked.

    Parameters
    ----------
    path
        The file, plain or compressed.
    reference
        What gave the labels: the file does not say.
    dialect
        Whose keys to read; told by the key of the energy if None.

    Raises
    ------
    InputError
        If the file cannot be read, a frame has no cell, or the keys of two dialects are there and none was chosen.
    """
    from ase.io import read

    if not path.is_file():
        raise InputError(f"{str(path)!r} does not exist")
    try:
        atoms = read(path, ":", format="extxyz")
    except Exception as error:  # ASE raises whatever the text leads to
        raise InputError(f"{path} is not readable as extended xyz: {type(error).__name__}: {error}") from error
    if not atoms:
        raise InputError(f"{path} holds no frame")
    chosen = _dialect(dialect) if dialect else _told(atoms, path)
    found = [_candidate(frame, index, len(atoms), path, reference, chosen) for index, frame in enumerate(atoms)]
    origins = numbered_within_runs([candidate.frame.origin for candidate in found])
    return [candidate.of(origin) for candidate, origin in zip(found, origins, strict=True)]


def split_of(path: Path) -> list[SplitName | None]:
    """The part of the split that each frame of a file of ours says it is in."""
    from ase.io import read

    parts = [frame.info.get(_SPLIT) for frame in read(path, ":", format="extxyz")]
    return [part if part in SPLIT_NAMES else None for part in parts]


def _dialect(name: str) -> Dialect:
    if name not in DIALECTS:
        raise InputError(f"dialect {name!r} is unknown: choose one of {', '.join(DIALECTS)}")
    return DIALECTS[name]


def _told(frames: list[Atoms], path: Path) -> Dialect:
    """The dialect whose energies the file holds."""
    found = sorted({name for frame in frames for name in _RECOGNISED if DIALECTS[name].energy in _values(frame)})
    if len(found) > 1:
        keys = " and ".join(DIALECTS[name].energy for name in found)
        raise InputError(f"{path} holds {keys}: say which to read (--dialect {' or '.join(found)})")
    return DIALECTS[found[0] if found else "ase"]


def _values(atoms: Atoms) -> dict[str, Any]:
    """Everything that stands with a frame, where ASE put it."""
    return {**atoms.arrays, **atoms.info, **(atoms.calc.results if atoms.calc is not None else {})}


def _candidate(
    atoms: Atoms, index: int, n_frames: int, path: Path, reference: LabelReference, keys: Dialect
) -> Candidate:
    where = f"{path}: frame {index}"
    cell = np.asarray(atoms.cell[:], dtype=np.float64)
    if not atoms.pbc.all() or abs(np.linalg.det(cell)) < 1e-6:
        raise InputError(f"{where} has no cell that is periodic along three vectors: give Lattice and pbc")
    values = _values(atoms)
    numbers = np.asarray(atoms.numbers, dtype=np.int64)
    stress = _tensor(values.get(keys.stress), where, keys.stress)
    if stress is not None:
        stress = stress * keys.stress_unit
    elif (virial := _tensor(values.get("virial"), where, "virial")) is not None:
        stress = -virial / abs(float(np.linalg.det(cell)))
    origin = origin_of(atoms.info, path.name, index, n_frames, numbers)
    frame = BareFrame(numbers, np.array(atoms.positions), cell, origin)
    return Candidate(
        frame,
        reference,
        _number(values.get(keys.energy), where, keys.energy),
        _rows(values.get(keys.forces), where, keys.forces),
        stress,
        _rows(values.get("magmoms"), where, "magmoms"),
    )


def _number(value: object, where: str, key: str) -> float | None:
    if value is None:
        return None
    try:
        return float(np.asarray(value, dtype=np.float64).reshape(()))
    except (TypeError, ValueError):
        raise InputError(f"{where}: {key} is no number") from None


def _rows(value: object, where: str, key: str) -> Floats | None:
    if value is None:
        return None
    try:
        return np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{where}: {key} are no numbers") from None


def _tensor(value: object, where: str, key: str) -> Floats | None:
    """A symmetric matrix of 9 numbers, or of 6 in Voigt's order; None if it is not there."""
    from superionic.trajectories.sources.base import full_stress

    values = _rows(value, where, key)
    return None if values is None else full_stress(values, where)


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    """A file that has its name only when it is whole; the same frames give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    if path.suffix == ".gz":
        with (
            part.open("wb") as raw,
            gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
            TextIOWrapper(packed, encoding="utf-8") as file,
        ):
            yield file
    else:
        with part.open("w") as file:
            yield file
    part.replace(path)


def _write_frame(file: IO[str], frame: ReferenceFrame, keys: Dialect) -> None:
    columns = [frame.positions_A, frame.forces_eV_per_A]
    properties = f"species:S:1:pos:R:3:{keys.forces}:R:3"
    if frame.magnetic_moments_muB is not None:
        columns.append(frame.magnetic_moments_muB[:, None])
        properties += ":magmoms:R:1"
    comment = [
        f'Lattice="{_words(frame.cell_A)}"',
        f"Properties={properties}",
        f"{keys.energy}={frame.energy_eV!r}",
    ]
    if frame.stress_eV_per_A3 is not None:
        comment.append(f'{keys.stress}="{_words(frame.stress_eV_per_A3.T / keys.stress_unit)}"')
    origin = json.dumps(frame.origin.model_dump(mode="json", exclude_defaults=True), separators=(",", ":"))
    comment.append(f"{_ORIGIN}={_quoted('_JSON ' + origin)}")
    if frame.split is not None:
        comment.append(f"{_SPLIT}={frame.split}")
    file.write(f'{frame.n_atoms}\n{" ".join(comment)} pbc="T T T"\n')
    for number, row in zip(frame.numbers, np.hstack(columns), strict=True):
        file.write(f"{chemical_symbols[number]} {_words(row)}\n")


def _words(values: Floats) -> str:
    """The shortest decimals that come back as the same numbers."""
    return " ".join(repr(float(value)) for value in np.ravel(values))


def _quoted(text: str) -> str:
    """Text between quotes, as ASE reads it back."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
