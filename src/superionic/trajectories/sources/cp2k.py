"""CP2K: ``PROJECT-pos-1.xyz`` with the files that it writes beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from monty.io import zopen

from superionic.errors import InputError
from superionic.trajectories.sources.base import Floats, Frame, Source, TextFile, TruncatedFrameError, floats
from superionic.trajectories.sources.xyz import Columns, Comment, first_comment, xyz_frames

CP2K_COMMENT = re.compile(rb"i\s*=\s*(\d+),(?:\s*time\s*=\s*([-+.\deE]+),)?.*?E\s*=\s*([-+.\deE]+)")
HARTREE_EV = 27.211386245988
_FORCE_EV_PER_A = HARTREE_EV / 0.529177210903  # of CP2K's own unit, Hartree/bohr


def cp2k_source(path: Path, topology: Path | None, cell_A: Floats | None) -> Source:
    """The frames of CP2K's ``PROJECT-pos-1.xyz``.

    The cell comes from `cell_A`, from the cell file given as `topology`, or from ``PROJECT-1.cell`` beside it;
    energies and temperatures from ``PROJECT-1.ener`` beside it, forces from ``PROJECT-frc-1.xyz``, which CP2K writes in
    Hartree/bohr unless its input says otherwise. ``PROJECT-1.stress`` holds the motion of the ions too and is not read.

    Raises
    ------
    InputError
        If the cell is nowhere to be found.
    """
    _, names = first_comment(path)
    cells = topology or _beside(path, ".cell")
    cell_table = None if cell_A is not None or cells is None else _by_step(cells)
    if cell_A is None and cell_table is None:
        raise InputError(f"{path} holds no cell: give --cell, or CP2K's .cell file as --topology")
    energies = _beside(path, ".ener")
    read = partial(_cp2k_comment, str(path), cell_A, cell_table, _by_step(energies) if energies else None)
    interval = _cp2k_time_step_fs(path)
    frames: Callable[[int], Iterator[Frame]] = partial(xyz_frames, path, Columns(), names, None, read)
    forces = path.with_name(path.name.replace("-pos-", "-frc-"))
    if forces != path and forces.is_file():
        frames = partial(_with_forces, frames, forces, len(names))
    return Source(str(path), "cp2k", names, frames, numbers_are_steps=True, time_step_fs=interval)


def _cp2k_comment(
    name: str, cell_A: Floats | None, cells: Floats | None, energies: Floats | None, comment: bytes
) -> Comment:
    found = CP2K_COMMENT.search(comment)
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
        return Comment(cell_A, step, potential)
    return Comment(cell_A, step, potential, float(energy[5]) * HARTREE_EV, float(energy[3]))


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
                found = CP2K_COMMENT.search(file.lines(n_atoms + 1)[0])
                if found is None or found[2] is None:
                    return None
                pairs.append((int(found[1]), float(found[2])))
        except (ValueError, TruncatedFrameError):
            return None
    steps = pairs[1][0] - pairs[0][0]
    return (pairs[1][1] - pairs[0][1]) / steps if steps > 0 else None


def _with_forces(frames: Callable[[int], Iterator[Frame]], path: Path, n_atoms: int, start: int) -> Iterator[Frame]:
    """Frames with the forces that ``PROJECT-frc-1.xyz`` holds of their steps, in CP2K's default unit."""
    with TextFile(path) as file:
        step, forces = _next_forces(file, n_atoms, path)
        for frame in frames(start):
            while step is not None and frame.number is not None and step < frame.number:
                step, forces = _next_forces(file, n_atoms, path)
            yield frame._replace(forces_eV_per_A=forces) if step is not None and step == frame.number else frame


def _next_forces(file: TextFile, n_atoms: int, path: Path) -> tuple[int | None, Floats | None]:
    """The next step and its forces; None at the end of the file, or where it was cut."""
    try:
        head = file.line()
        if not head.strip():
            return None, None
        comment, *lines = file.lines(n_atoms + 1)
    except TruncatedFrameError:
        return None, None
    found = CP2K_COMMENT.search(comment)
    if head.strip() != str(n_atoms).encode() or found is None:
        raise InputError(f"{path} is not readable as the forces of {n_atoms} atoms that CP2K writes: move it away")
    rows = [line.partition(line.split()[0])[2] for line in lines]
    return int(found[1]), floats(rows, 3, f"{path}: step {int(found[1])}") * _FORCE_EV_PER_A
