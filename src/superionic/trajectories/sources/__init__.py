"""Readers of trajectories that other codes wrote, one file a code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from superionic.errors import InputError
from superionic.trajectories.sources.base import Floats, Frame, Source, TextFile, TruncatedFrameError

_BINARY = {".xtc", ".trr", ".dcd", ".nc", ".ncdf"}

__all__ = ["Frame", "Source", "TruncatedFrameError", "open_source"]


def open_source(
    path: Path,
    topology: Path | None = None,
    cell_A: Floats | None = None,
    elements: Sequence[str] | None = None,
) -> Source:
    """Open one file or VASP directory, its format told by its content.

    Parameters
    ----------
    path
        The file or directory.
    topology
        LAMMPS data file, CP2K cell file, or structure file that names the elements.
    cell_A
        Cell vectors as rows in Å for a format that holds none.
    elements
        Elements of LAMMPS's types 1, 2, ...

    Raises
    ------
    InputError
        If there is no such file, its format is none of those known, or it lacks something.
    """
    from superionic.trajectories.sources import ase, mdanalysis, vasp

    if not path.exists():
        raise InputError(f"trajectory {str(path)!r} does not exist")
    if path.is_dir():
        return vasp.directory_source(path)
    if path.suffix in _BINARY:
        return mdanalysis.mdanalysis_source(path, topology, cell_A, elements)
    if _is_ulm(path):
        return ase.traj_source(path)
    return _text_source(path, topology, cell_A, elements)


def _text_source(path: Path, topology: Path | None, cell_A: Floats | None, elements: Sequence[str] | None) -> Source:
    from superionic.trajectories.sources import cp2k, lammps, vasp, xyz

    start = _start(path)
    if start[0].startswith(b"ITEM:"):
        return lammps.dump_source(path, topology, elements)
    if b"<?xml" in start[0] or b"<modeling" in start[0]:
        return vasp.vasprun_source(path)
    if start[0].strip().isdigit():
        if cp2k.CP2K_COMMENT.search(start[1]):
            return cp2k.cp2k_source(path, topology, cell_A)
        if xyz.LAMMPS_COMMENT.search(start[1]):
            return xyz.lammps_xyz_source(path, topology, elements)
        return xyz.extxyz_source(path, cell_A)
    if any(line.lower().startswith(b"direct") for line in start):
        return vasp.xdatcar_source(path)
    raise InputError(
        f"trajectory {str(path)!r} is of no known format: give vasprun.xml, XDATCAR, a LAMMPS dump, xyz, .traj, .xtc "
        "or .dcd"
    )


def _is_ulm(path: Path) -> bool:
    """Whether ASE wrote the file; LAMMPS dumps are called .traj too."""
    with path.open("rb") as stream:
        return stream.read(8) == b"- of Ulm"


def _start(path: Path) -> list[bytes]:
    try:
        with TextFile(path) as file:
            return [file.line() for _ in range(8)]
    except (OSError, TruncatedFrameError) as error:
        raise InputError(f"trajectory {str(path)!r} is not readable: {error}") from error
