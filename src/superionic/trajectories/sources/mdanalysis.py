"""Binary trajectories that MDAnalysis reads (xtc, trr, dcd, ...), with a topology that names the elements."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from superionic.errors import InputError
from superionic.trajectories.sources.base import Floats, Frame, Source, TruncatedFrameError
from superionic.trajectories.sources.lammps_data import read_data_file

_NM = 10.0
_XDR = {".xtc", ".trr"}


def mdanalysis_source(
    path: Path, topology: Path | None, cell_A: Floats | None, elements: Sequence[str] | None
) -> Source:
    """The frames of a binary trajectory.

    xtc and trr are read forward without MDAnalysis's index file, which would be written beside the trajectory.

    Parameters
    ----------
    path
        The trajectory.
    topology
        A LAMMPS data file, or anything that ASE or MDAnalysis reads elements from.
    cell_A
        Cell for a format that holds none.
    elements
        Elements of the types of a LAMMPS data file.

    Raises
    ------
    InputError
        If there is no topology or it does not fit, or the trajectory holds no readable frame.
    """
    if topology is None:
        raise InputError(f"{path} holds no elements: give a structure file of the same atoms as --topology")
    species = _species(topology, elements)
    read = partial(_xdr_frames if path.suffix in _XDR else _frames, path, species, cell_A)
    frames = list(islice(_whole(read(0)), 2))
    if not frames:
        raise InputError(f"{path} holds no readable frame of {len(species)} atoms")
    return Source(
        str(path), "mdanalysis", species, read, numbers_are_steps=path.suffix in _XDR, time_step_fs=_time_step_fs(path)
    )


def _whole(frames: Iterator[Frame]) -> Iterator[Frame]:
    try:
        yield from frames
    except TruncatedFrameError:
        return


def _species(topology: Path, elements: Sequence[str] | None) -> list[str]:
    if not topology.is_file():
        raise InputError(f"topology {str(topology)!r} does not exist")
    if topology.suffix in {".data", ".lmp"}:
        return read_data_file(topology, elements).species
    from ase.io import read

    try:
        return list(read(str(topology)).get_chemical_symbols())
    except Exception:  # noqa: BLE001 - not a format of ASE
        return _elements(topology)


def _elements(topology: Path) -> list[str]:
    import MDAnalysis
    from MDAnalysis.topology.guessers import guess_types

    try:
        atoms = MDAnalysis.Universe(str(topology)).atoms
    except Exception as error:
        raise InputError(f"topology {str(topology)!r} names no elements: give a structure file ({error})") from error
    elements = atoms.elements if hasattr(atoms, "elements") else guess_types(atoms.names)
    return [str(element).capitalize() for element in elements]


def _xdr_frames(path: Path, species: list[str], cell_A: Floats | None, start: int) -> Iterator[Frame]:
    with _open_xdr(path) as file:
        if file.n_atoms != len(species):
            raise InputError(f"{path} holds {file.n_atoms} atoms, the topology {len(species)}")
        index = 0
        while True:
            try:
                frame = file.read()
            except StopIteration:
                return
            except OSError:
                raise TruncatedFrameError from None
            index += 1
            if index > start:
                box = np.asarray(frame.box, dtype=np.float64) * _NM
                cell = box if abs(np.linalg.det(box)) > 1e-6 else cell_A
                yield Frame(np.asarray(frame.x, dtype=np.float64) * _NM, _require(cell, path), index, int(frame.step))


def _frames(path: Path, species: list[str], cell_A: Floats | None, start: int) -> Iterator[Frame]:
    from MDAnalysis.coordinates.core import get_reader_for

    try:
        with warnings.catch_warnings():  # MDAnalysis announces changes to come
            warnings.simplefilter("ignore", DeprecationWarning)
            reader = get_reader_for(str(path))(str(path), n_atoms=len(species))
    except Exception as error:
        raise InputError(f"{path} is not readable: {error}") from error
    with reader:
        if reader.n_atoms != len(species):
            raise InputError(f"{path} holds {reader.n_atoms} atoms, the topology {len(species)}")
        for index in range(start, len(reader)):
            try:
                step = reader[index]
            except OSError:
                if index + 1 == len(reader):
                    raise TruncatedFrameError from None
                raise InputError(f"{path}: frame {index + 1} is not readable") from None
            cell = cell_A if step.dimensions is None else np.asarray(step.triclinic_dimensions, dtype=np.float64)
            yield Frame(np.array(step.positions, dtype=np.float64), _require(cell, path), index + 1)
        if path.suffix == ".dcd" and _dcd_is_cut(path, reader):
            raise TruncatedFrameError


def _dcd_is_cut(path: Path, reader: Any) -> bool:
    file = reader._file
    frames = path.stat().st_size - file._header_size - file._firstframesize
    return bool(frames % file._framesize) if frames > 0 and file._framesize else False


def _require(cell_A: Floats | None, path: Path) -> Floats:
    if cell_A is None:
        raise InputError(f"{path} holds no cell: give --cell")
    return cell_A


def _open_xdr(path: Path) -> Any:
    from MDAnalysis.lib.formats.libmdaxdr import TRRFile, XTCFile

    try:
        return (XTCFile if path.suffix == ".xtc" else TRRFile)(str(path))
    except OSError as error:
        raise InputError(f"{path} is not readable: {error}") from error


def _time_step_fs(path: Path) -> float | None:
    """From the times and steps of the first two frames; None for formats whose times mean little."""
    if path.suffix not in _XDR:
        return None
    with _open_xdr(path) as file:
        try:
            first, second = file.read(), file.read()
        except (OSError, StopIteration):
            return None
    steps, time = second.step - first.step, float(second.time) - float(first.time)
    if steps <= 0 or time <= 0:
        return None
    step, resolution = 1e3 * time / steps, 1e3 * float(np.spacing(np.float32(second.time))) / steps
    return next((round(step, n) for n in range(6) if abs(round(step, n) - step) <= resolution), round(step, 6))
