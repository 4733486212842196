"""Stored runs written for other tools: extended xyz, XDATCAR, LAMMPS dump, plain zarr; one chunk is in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np
from ase import units
from ase.data import atomic_masses, atomic_numbers
from numpy.typing import NDArray

from superionic.documents import TrajectorySegment
from superionic.errors import InputError, StoreError
from superionic.trajectories.codec import CHUNK_FRAMES, SCALARS, SOME_FRAMES
from superionic.trajectories.stitch import open_frames

Floats = NDArray[np.float64]


class _Chunk(NamedTuple):
    """Consecutive frames: steps (n,), positions (n, n_atoms, 3) and cells (n, 3, 3) in Å, and the values a frame.

    What some frames only hold is there by name and step (see SOME_FRAMES of superionic.trajectories.codec).
    """

    steps: NDArray[np.int64]
    positions_A: Floats
    cells_A: Floats
    scalars: dict[str, Floats]
    some: dict[str, dict[int, Floats]]


def export(segments: Iterable[TrajectorySegment], path: Path, file_format: str, wrap: bool = False) -> int:
    """Write a run.

    Parameters
    ----------
    segments
        Its segments in order.
    path
        New file, or new folder for zarr.
    file_format
        'extxyz' (with momenta, forces and stress as ASE reads them where they were stored), 'xdatcar' (atoms grouped by
        element), 'lammps' (rotated so that a lies along x and b in the xy plane, as LAMMPS asks) or 'zarr' (arrays as
        they are, with their units).
    wrap
        Put every position back into the cell; by default positions stay continuous.

    Returns
    -------
    int
        Frames written.

    Raises
    ------
    InputError
        If `path` exists already.
    StoreError
        If there is no segment, or one is corrupt.
    """
    if path.exists():
        raise InputError(f"{str(path)!r} exists already: choose another name with --out")
    iterator = iter(segments)
    first = next(iterator, None)
    if first is None:
        raise StoreError("the run has no stored segment")
    chunks = _chunks(chain([first], iterator), wrap)
    partial = path.with_name(path.name + ".part")
    if file_format == "zarr":
        count = _write_zarr(first, chunks, partial)
    else:
        with partial.open("w") as stream:
            count = _WRITERS[file_format](first, chunks, stream)
    partial.rename(path)
    return count


def _chunks(segments: Iterable[TrajectorySegment], wrap: bool) -> Iterator[_Chunk]:
    for segment in segments:
        reader = open_frames(segment)
        steps, cells = reader.scalar("step"), reader.scalar("cell_A")
        scalars = {name: reader.scalar(name) for name in SCALARS}
        some = {name: reader.some(name) for name in SOME_FRAMES}
        for start in range(0, len(reader), CHUNK_FRAMES):
            part = slice(start, start + CHUNK_FRAMES)
            positions = reader.positions_A(start, start + CHUNK_FRAMES)
            if wrap:
                positions = ((positions @ np.linalg.inv(cells[part])) % 1.0) @ cells[part]
            yield _Chunk(
                steps[part],
                positions,
                cells[part],
                {name: values[part] for name, values in scalars.items()},
                {
                    name: {int(at[k]): values[k] for k in np.flatnonzero(np.isin(at, steps[part]))}
                    for name, (at, values) in some.items()
                },
            )


def _write_extxyz(run: TrajectorySegment, chunks: Iterator[_Chunk], stream: TextIO) -> int:
    count = 0
    masses = np.array([atomic_masses[atomic_numbers[name]] for name in run.species])[:, None]
    for chunk in chunks:
        for index, step in enumerate(chunk.steps):
            velocities, forces, stress = (chunk.some[name].get(int(step)) for name in SOME_FRAMES)
            columns, names = [chunk.positions_A[index]], "pos:R:3"
            if velocities is not None:
                columns.append(masses * velocities / (1e3 * units.fs))
                names += ":momenta:R:3"
            if forces is not None:
                columns.append(forces)
                names += ":forces:R:3"
            lattice = " ".join(f"{value:.10g}" for value in chunk.cells_A[index].ravel())
            energy = chunk.scalars["potential_energy_eV"][index]
            stated = f" energy={energy:.10g}" if np.isfinite(energy) else ""
            if stress is not None:
                stated += ' stress="' + " ".join(f"{value:.10g}" for value in stress.ravel()) + '"'
            time = step * run.protocol.time_step_fs
            stream.write(
                f"{run.n_atoms}\n"
                f'Lattice="{lattice}" Properties=species:S:1:{names} step={step} time_fs={time:g}{stated} pbc="T T T"\n'
            )
            stream.writelines(_rows(run.species, np.hstack(columns)))
            count += 1
    return count


def _write_xdatcar(run: TrajectorySegment, chunks: Iterator[_Chunk], stream: TextIO) -> int:
    elements = list(dict.fromkeys(run.species))
    order = np.array([atom for element in elements for atom, name in enumerate(run.species) if name == element])
    counts = " ".join(str(run.species.count(element)) for element in elements)
    count, last = 0, None
    varies = False  # then VASP repeats the cell for every frame
    for chunk in chunks:
        varies = varies or not np.all(chunk.cells_A == chunk.cells_A[0])
        fractions = (chunk.positions_A @ np.linalg.inv(chunk.cells_A))[:, order]
        for frac, cell in zip(fractions, chunk.cells_A, strict=True):
            count += 1
            if varies or last is None or not np.array_equal(cell, last):
                rows = "\n".join(" ".join(f"{value:.10f}" for value in vector) for vector in cell)
                stream.write(f"{run.identity.formula}\n1.0\n{rows}\n{' '.join(elements)}\n{counts}\n")
                last = cell
            stream.write(f"Direct configuration={count:6d}\n")
            stream.writelines(" ".join(f"{value:.8f}" for value in row) + "\n" for row in frac.tolist())
    return count


def _write_lammps(run: TrajectorySegment, chunks: Iterator[_Chunk], stream: TextIO) -> int:
    types = {element: number for number, element in enumerate(dict.fromkeys(run.species), start=1)}
    names = [f"{atom} {types[name]} {name}" for atom, name in enumerate(run.species, start=1)]
    count = 0
    for chunk in chunks:
        for step, positions, cell in zip(chunk.steps, chunk.positions_A, chunk.cells_A, strict=True):
            box = restricted(cell)
            rotated = positions @ np.linalg.inv(cell) @ box
            xy, xz, yz = box[1, 0], box[2, 0], box[2, 1]
            bounds = (
                (min(0, xy, xz, xy + xz), box[0, 0] + max(0, xy, xz, xy + xz), xy),
                (min(0, yz), box[1, 1] + max(0, yz), xz),
                (0, box[2, 2], yz),
            )
            rows = "\n".join(" ".join(f"{value:.10g}" for value in row) for row in bounds)
            stream.write(
                f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{run.n_atoms}\n"
                f"ITEM: BOX BOUNDS xy xz yz pp pp pp\n{rows}\nITEM: ATOMS id type element xu yu zu\n"
            )
            stream.writelines(_rows(names, rotated))
            count += 1
    return count


def restricted(cell_A: Floats) -> Floats:
    """The same cell with a along x and b in the xy plane, as LAMMPS asks; right-handed cells only.

    Raises
    ------
    InputError
        If the cell is left-handed.
    """
    if np.linalg.det(cell_A) < 0:
        raise InputError("the cell is left-handed, which LAMMPS does not take: export another format")
    lower = np.linalg.qr(cell_A.T)[1].T
    return np.asarray(lower * np.sign(np.diag(lower)))


def _rows(names: list[str], columns: Floats) -> Iterator[str]:
    for name, values in zip(names, columns.tolist(), strict=True):
        yield f"{name} {' '.join(f'{value:.6f}' for value in values)}\n"


_WRITERS: dict[str, Callable[[TrajectorySegment, Iterator[_Chunk], TextIO], int]] = {
    "extxyz": _write_extxyz,
    "xdatcar": _write_xdatcar,
    "lammps": _write_lammps,
}


_WITHOUT_UNIT = {name: name.partition("_")[0] for name in SOME_FRAMES}


def _write_zarr(run: TrajectorySegment, chunks: Iterator[_Chunk], folder: Path) -> int:
    import zarr
    from zarr.storage import LocalStore

    group = zarr.create_group(LocalStore(folder))
    group.attrs.update(
        {
            "run_id": run.run_id,
            "species": run.species,
            "identity": run.identity.model_dump(mode="json"),
            "protocol": run.protocol.model_dump(mode="json"),
            "units": {
                "positions": "angstrom",
                "cell": "angstrom",
                "energy": "eV",
                "temperature": "K",
                "velocities": "angstrom/ps",
                "forces": "eV/angstrom",
                "stress": "eV/angstrom^3, (1/V) dE/d(strain)",
            },
        }
    )
    arrays: dict[str, Any] = {}
    count = 0
    for chunk in chunks:
        values = {"step": chunk.steps, "positions": chunk.positions_A, "cell": chunk.cells_A, **chunk.scalars}
        for name, found in chunk.some.items():
            if found:
                values[SOME_FRAMES[name][0]] = np.array(list(found))
                values[_WITHOUT_UNIT[name]] = np.array(list(found.values()))
        for name, block in values.items():
            if name not in arrays:
                shape = block.shape[1:]
                arrays[name] = group.create_array(
                    name, shape=(0, *shape), chunks=(CHUNK_FRAMES, *shape), dtype=block.dtype
                )
            arrays[name].append(block)
        count += len(chunk.steps)
    return count
