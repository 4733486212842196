"""VASP: vasprun.xml, XDATCAR, and directories that hold them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree as ET

import numpy as np
from monty.io import zopen

from superionic.errors import InputError
from superionic.trajectories.sources.base import (
    NAN,
    Ensemble,
    Floats,
    Frame,
    Source,
    TextFile,
    TruncatedFrameError,
    floats,
    temperature_K,
)

_CHUNK_BYTES = 1 << 20
_HEAD_BYTES = 1 << 28
_KB_IN_ASES_SIGN = -0.1 * 0.006241509074460763  # VASP's kB to eV/Å^3; VASP counts compression as positive
_TAGS = re.compile(rb"<[^>]*>")


def directory_source(folder: Path) -> Source:
    """The run in a VASP directory: its vasprun.xml, or its XDATCAR.

    Raises
    ------
    InputError
        If it holds neither.
    """
    for name, reader in (("vasprun.xml", vasprun_source), ("XDATCAR", xdatcar_source)):
        for file in (folder / name, folder / f"{name}.gz"):
            if file.is_file():
                return reader(file)
    raise InputError(f"directory {str(folder)!r} holds neither vasprun.xml nor XDATCAR: name the file to import")


def vasprun_source(path: Path) -> Source:
    """The ionic steps of a vasprun.xml, plain or compressed.

    Raises
    ------
    InputError
        If it is no vasprun.xml of a molecular dynamics run.
    """
    root = vasprun_head(path)
    values = vasprun_parameters(root)
    species = vasprun_species(root, path)
    if values.get("IBRION", 0) != 0:
        raise InputError(f"{path} is not molecular dynamics: IBRION = {values['IBRION']:g}")
    selective = root.find("./structure[@name='initialpos']/varray[@name='selective']") is not None
    source = Source(str(path), "vasp", species, partial(_vasprun_frames, path, len(species), selective))
    return _with_incar(source, values, path, _vasprun_stride(root, values))


def vasprun_species(root: ET.Element, path: Path) -> list[str]:
    """Element of each atom.

    Raises
    ------
    InputError
        If none are named.
    """
    names = [row[0].text for row in root.findall("./atominfo/array[@name='atoms']/set/rc")]
    species = [str(name).strip().rstrip("_") for name in names]
    if not species:
        raise InputError(f"{path} is not readable as vasprun.xml: it has no atoms before its first step")
    return species


def vasprun_head(path: Path) -> ET.Element:
    """Everything before the first ionic step.

    Raises
    ------
    InputError
        If it is no XML.
    """
    with zopen(path, "rb") as stream:
        head = b""
        while b"<calculation>" not in head and len(head) < _HEAD_BYTES:
            chunk = _read(stream)
            if not chunk:
                break
            head += chunk
    head = head.partition(b"<calculation>")[0]
    try:
        return ET.fromstring(head.rstrip().removesuffix(b"</modeling>") + b"</modeling>")  # noqa: S314 - one's own run
    except ET.ParseError as error:
        raise InputError(f"{path} is not readable as vasprun.xml: {error}") from error


def vasprun_parameters(root: ET.Element) -> dict[str, Any]:
    """What VASP used, with INCAR's own values last; numbers as float."""
    values: dict[str, Any] = {}
    for entry in [*root.findall("./parameters//i"), *root.findall("./incar/i")]:
        name, text = entry.attrib["name"].strip(), (entry.text or "").strip()  # VASP 6.4.3 fills up names with blanks
        try:
            values[name] = float(text)
        except ValueError:
            values[name] = text
    return values


def _read(stream: IO[bytes]) -> bytes:
    try:
        return stream.read1(_CHUNK_BYTES)  # type: ignore[attr-defined]  # what there is, even of a file that was cut
    except EOFError:
        return b""


def _vasprun_frames(path: Path, n_atoms: int, selective: bool, start: int) -> Iterator[Frame]:
    for number, (block, place) in enumerate(ionic_blocks(path, start), start=1):
        yield ionic_step(block, n_atoms, selective, place, f"{path}: ionic step {number} after byte {start}")


def ionic_blocks(path: Path, start: int = 0) -> Iterator[tuple[bytes, int]]:
    """What a vasprun.xml holds of each ionic step, and where the next one begins.

    Raises
    ------
    TruncatedFrameError
        If the file ends within a step, or before VASP ended.
    """
    opening, closing = b"<calculation>", b"</calculation>"
    with zopen(path, "rb") as stream:
        stream.seek(start)
        buffer, place = b"", start
        while True:
            end = buffer.find(closing)
            if end < 0:
                chunk = _read(stream)
                if not chunk:
                    break
                buffer += chunk
                continue
            end += len(closing)
            place += end
            yield buffer[buffer.find(opening) : end], place
            buffer = buffer[end:]
    if opening in buffer or b"</modeling>" not in buffer:
        raise TruncatedFrameError


def ionic_step(block: bytes, n_atoms: int, selective: bool, end: int, where: str) -> Frame:
    """One ionic step of its part of a vasprun.xml.

    Raises
    ------
    InputError
        If it has no cell, positions and energy of so many atoms.
    """
    try:
        text = block[block.rindex(b"<structure") : block.rindex(b"</structure>") + len(b"</structure>")]
        structure = ET.fromstring(text)  # noqa: S314
        cell, positions = (
            np.array([row.text.split() for row in structure.findall(query)], dtype=np.float64)  # type: ignore[union-attr]
            for query in ("./crystal/varray[@name='basis']/v", "./varray[@name='positions']/v")
        )
        after = block[block.rindex(b"</structure>") :]
        energy = ET.fromstring(  # noqa: S314
            after[after.index(b"<energy>") : after.index(b"</energy>") + len(b"</energy>")]
        )
    except (ValueError, ET.ParseError, AttributeError) as error:
        raise InputError(f"{where} is not readable: {error}") from error
    if positions.shape != (n_atoms, 3) or cell.shape != (3, 3):
        raise InputError(f"{where} holds {len(positions)} of {n_atoms} atoms")
    values = {entry.attrib["name"]: _number(entry.text) for entry in energy.findall("i")}
    temperature = NAN if selective else temperature_K(values.get("kinetic", NAN), n_atoms)
    potential = values.get("e_fr_energy", NAN)
    forces, stress_kB = _varray(after, b"forces", n_atoms), _varray(after, b"stress", 3)
    stress = None if stress_kB is None else stress_kB * _KB_IN_ASES_SIGN
    total, scf_steps = values.get("total", NAN), block.count(b"<scstep>")
    return Frame(positions @ cell, cell, end, None, potential, total, temperature, forces, stress, scf_steps)


def _varray(block: bytes, name: bytes, rows: int) -> Floats | None:
    """Rows of three numbers; None if they are not there, or VASP wrote asterisks into too narrow a field."""
    start = block.find(b'<varray name="' + name + b'"')
    if start < 0:
        return None
    words = _TAGS.sub(b" ", block[start : block.index(b"</varray>", start)]).split()
    try:
        return np.array(words, dtype=np.float64).reshape(rows, 3)
    except ValueError:
        return None


def _number(text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:  # VASP writes asterisks into too narrow a field
        return NAN


def xdatcar_source(path: Path) -> Source:
    """The configurations of an XDATCAR; an INCAR beside it tells time step, stride and temperature.

    Raises
    ------
    InputError
        If it is no XDATCAR with element names.
    """
    with TextFile(path) as file:
        try:
            _, species = _xdatcar_header(file.lines(7), str(path))
        except TruncatedFrameError:
            raise InputError(f"{path} is not readable as XDATCAR: it ends within its header") from None
    source = Source(str(path), "vasp", species, partial(_xdatcar_frames, path, species))
    for incar in (path.parent / "INCAR", path.parent / "INCAR.gz"):
        if incar.is_file():
            from pymatgen.io.vasp import Incar

            values = Incar.from_file(incar)
            return _with_incar(source, values, incar, _xdatcar_stride(values))
    return source


def _xdatcar_frames(path: Path, species: list[str], start: int) -> Iterator[Frame]:
    n_atoms = len(species)
    with TextFile(path) as file:
        cell, _ = _xdatcar_header(file.lines(7), str(path))
    fresh = start == 0  # whether a header stood before the configuration
    repeated = True
    with TextFile(path, start) as file:
        while True:
            line = file.line()
            if not line.strip():
                if not line:
                    return
                continue
            if not line.lower().startswith((b"direct", b"cart")):
                new, again = _xdatcar_header([line, *file.lines(6)], str(path))
                if again != species:
                    raise InputError(f"{path}: atoms change before byte {file.place}: import the parts on their own")
                if not repeated and not np.allclose(new, cell, atol=1e-6):
                    raise InputError(
                        f"{path}: the cell changes before byte {file.place}: import the parts on their own"
                    )
                cell, fresh = new, True
                continue
            word, _, label = line.partition(b"=")
            where = f"{path}: configuration {label.decode(errors='replace').strip()}"
            if word.lower().startswith(b"cart"):
                raise InputError(f"{where} is in Cartesian coordinates: VASP writes direct ones")
            frac = floats(file.lines(n_atoms), 3, where)
            number = int(label) if label.strip().isdigit() else None
            yield Frame(frac @ cell, cell, file.place, number)
            repeated, fresh = fresh, False


def _xdatcar_header(lines: list[bytes], name: str) -> tuple[Floats, list[str]]:
    try:
        scale = float(lines[1])
        cell = np.array([line.split()[:3] for line in lines[2:5]], dtype=np.float64)
        symbols = [word.decode().split("/")[0].split("_")[0] for word in lines[5].split()]
        counts = [int(word) for word in lines[6].split()]
        species = [symbol for symbol, count in zip(symbols, counts, strict=True) for _ in range(count)]
    except (ValueError, IndexError) as error:
        raise InputError(f"{name} is not readable as XDATCAR: its header has no cell, elements and counts") from error
    if scale < 0:
        scale = float((-scale / abs(np.linalg.det(cell))) ** (1 / 3))
    return cell * scale, species


def _with_incar(source: Source, values: Mapping[str, Any], path: Path, stride: int) -> Source:
    begin, end = values.get("TEBEG"), values.get("TEEND")
    if begin is not None and end not in {None, begin, -1}:
        raise InputError(f"{path}: the temperature runs from TEBEG = {begin} to TEEND = {end}: import one temperature")
    return replace(
        source,
        time_step_fs=values.get("POTIM"),
        stride=stride,
        temperature_K=begin,
        ensemble=vasp_ensemble(values),
        model=vasp_functional(values),
    )


def _vasprun_stride(root: ET.Element, values: dict[str, Any]) -> int:
    """NBLOCK does not thin vasprun.xml; ML_OUTBLOCK does, from VASP 6.4.3 on (VASP wiki, ML_OUTBLOCK)."""
    version = (root.findtext("./generator/i[@name='version']") or "").strip()
    numbers = tuple(int(word) for word in version.split(".")[:3] if word.isdigit())
    return int(values.get("ML_OUTBLOCK", 1)) if numbers >= (6, 4, 3) else 1


def _xdatcar_stride(values: Mapping[str, Any]) -> int:
    """The larger of NBLOCK and ML_OUTBLOCK (VASP wiki, ML_OUTBLOCK)."""
    return max(int(values.get("NBLOCK", 1)), int(values.get("ML_OUTBLOCK", 1)))


def vasp_functional(values: Mapping[str, Any]) -> str | None:
    """METAGGA or else GGA, in capitals, which pymatgen's Incar does not keep."""
    tags = (str(values.get(tag) or "--").upper() for tag in ("METAGGA", "GGA"))
    return next((tag for tag in tags if tag not in {"--", "NONE"}), None)


def vasp_ensemble(values: Mapping[str, Any]) -> Ensemble:
    """What ISIF and the thermostat make of a run: MDALGO 1 is Andersen's, off at probability 0 (VASP wiki, MDALGO)."""
    if values.get("ISIF", 2) >= 3:
        return "npt"
    algorithm = values.get("MDALGO", 0)
    off = values.get("ANDERSEN_PROB", 0) == 0 if algorithm == 1 else values.get("SMASS", -3) == -3
    return "nve" if off and algorithm in {0, 1, 2} else "nvt"
