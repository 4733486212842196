"""The usual ways to keep a trajectory, to be measured in a process of their own (see :mod:`superionic.bench.in_child`).

Every function is set up to its first yield; what it does then is measured, and it yields the bytes it wrote or the
number of frames it read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from superionic.bench.long_run import LongRun
from superionic.trajectories.codec import CHUNK_FRAMES
from superionic.trajectories.differences import difference, to_integers

_BLOCK = 5120
_PRECISION_A, _ORDER = 1e-4, 3


class Peer(NamedTuple):
    """How one format is written and read, and how many frames are enough to measure it (None: all)."""

    name: str
    write: Callable[[LongRun, Path], Iterator[int]]
    read: Callable[[Path], Iterator[int]]
    frames: int | None = None


def peers() -> list[Peer]:
    """Those that are installed."""
    found = [
        Peer("pymatgen JSON", _write_json, _read_json, 10_000),
        Peer("ASE traj", _write_ase, _read_ase, 10_000),
    ]
    if find_spec("h5py"):
        found += [
            Peer("HDF5 gzip, float32", _write_h5_floats, _read_h5),
            Peer("HDF5 gzip, our integers", _write_h5_integers, _read_h5),
        ]
    if find_spec("pyarrow"):
        found.append(Peer("parquet zstd, our integers", _write_parquet, _read_parquet))
    return found


def _write_json(run: LongRun, file: Path) -> Iterator[int]:
    from monty.serialization import dumpfn
    from pymatgen.core import Lattice
    from pymatgen.core.trajectory import Trajectory

    coords = run.frames()
    yield 0
    interval = run.protocol.frame_interval_ps * 1e-12
    species: list[Any] = [*run.species]
    trajectory = Trajectory(
        species, coords, lattice=Lattice(run.cell_A).matrix, coords_are_displacement=False, time_step=interval
    )
    dumpfn(trajectory, file)
    yield file.stat().st_size


def _read_json(file: Path) -> Iterator[int]:
    from monty.serialization import loadfn

    yield 0
    yield len(loadfn(file))


def _write_ase(run: LongRun, file: Path) -> Iterator[int]:
    from ase import Atoms
    from ase.io.trajectory import Trajectory

    frames = run.frames()
    yield 0
    with Trajectory(str(file), "w") as trajectory:
        for positions in frames:
            trajectory.write(Atoms(run.species, positions, cell=run.cell_A, pbc=True))
    yield file.stat().st_size


def _read_ase(file: Path) -> Iterator[int]:
    from ase.io.trajectory import Trajectory

    yield 0
    with Trajectory(str(file)) as trajectory:
        yield len(np.array([atoms.positions for atoms in trajectory]))


def _write_h5_floats(run: LongRun, file: Path) -> Iterator[int]:
    yield 0
    yield _write_h5(run, file, (block.astype(np.float32) for block in run.blocks(_BLOCK)), "float32")


def _write_h5_integers(run: LongRun, file: Path) -> Iterator[int]:
    yield 0
    yield _write_h5(run, file, map(_integers, run.blocks(_BLOCK)), "uint32")


def _write_h5(run: LongRun, file: Path, blocks: Iterator[NDArray[Any]], dtype: str) -> int:
    import h5py

    with h5py.File(file, "w") as opened:
        positions = opened.create_dataset(
            "positions", (run.n_frames, run.n_atoms, 3), dtype, chunks=(CHUNK_FRAMES, run.n_atoms, 3),
            compression="gzip", shuffle=True,
        )  # fmt: skip
        first = 0
        for block in blocks:
            positions[first : first + len(block)] = block
            first += len(block)
    return file.stat().st_size


def _read_h5(file: Path) -> Iterator[int]:
    import h5py

    yield 0
    with h5py.File(file) as opened:
        yield len(opened["positions"][:])


def _write_parquet(run: LongRun, file: Path) -> Iterator[int]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    yield 0
    names = [f"{atom}{axis}" for atom in range(run.n_atoms) for axis in "xyz"]
    schema = pa.schema([(name, pa.uint32()) for name in names])
    with pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=False) as writer:
        for block in map(_integers, run.blocks(_BLOCK)):
            columns = block.reshape(len(block), -1).T
            writer.write_table(pa.table([pa.array(column) for column in columns], schema=schema))
    yield file.stat().st_size


def _read_parquet(file: Path) -> Iterator[int]:
    import pyarrow.parquet as pq

    yield 0
    table = pq.read_table(file, use_threads=False)
    yield len(np.stack([column.to_numpy() for column in table.columns], axis=1))


def _integers(positions_A: NDArray[np.float64]) -> NDArray[np.uint32]:
    """As the codec stores them."""
    integers = to_integers(positions_A, _PRECISION_A)
    chunks = range(0, len(integers), CHUNK_FRAMES)
    return np.concatenate([difference(integers[n : n + CHUNK_FRAMES], _ORDER) for n in chunks])
