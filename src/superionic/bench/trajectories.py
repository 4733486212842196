"""`superionic bench trajectories`: room, time, memory and error of stored trajectories, against the usual formats."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from jobflow import JobStore

from superionic.bench.in_child import Measured, measured
from superionic.bench.long_run import TEMPERATURE_K, LongRun, long_run, molecular_dynamics
from superionic.bench.mongod import mongod
from superionic.bench.rows import row
from superionic.bench.trajectory_peers import Peer, peers
from superionic.documents import (
    LENGTH_REACHED,
    AnalysisSettings,
    MDRunDocument,
    PotentialReference,
    RunIdentity,
    TrajectorySegment,
)
from superionic.managers.configuration import mongo_job_store, parse_mongo_uri
from superionic.managers.store_run import store_run
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.stores.kinds import DATA_STORE
from superionic.stores.runs import iter_segments, load_segments
from superionic.trajectories.codec import FrameWriter, pack
from superionic.trajectories.differences import to_integers
from superionic.trajectories.segments import RunRecord, write_segment, write_summary
from superionic.trajectories.stitch import open_frames, stitch
from superionic.trajectories.trajectory import from_arrays

RUN_ID = "5a7d0d06-0f5e-4a49-9c3c-0a8f6d1c2b3e"
_READS = 3
_IDENTITY = RunIdentity(
    label="bench", formula="bench", host="bench", mobile_species="Li", mobile_charge_e=1, engine="bench",
    potential=PotentialReference(family="CHGNet", model="bench", sha256="0" * 64),
)  # fmt: skip


def run(large: bool = False) -> list[dict[str, Any]]:
    """Store 80 atoms x 100,000 frames at every step and at every tenth, as a run would, and read them back.

    Parameters
    ----------
    large
        Instead, 160 atoms x 500,000 frames (1 ns at every step), compared integer by integer with what went in.

    Returns
    -------
    list[dict[str, Any]]
        Rows with ``name``, ``value``, ``unit``, ``target`` and ``met``.
    """
    with tempfile.TemporaryDirectory() as name, mongod(Path(name) / "mongod") as uri:
        folder = Path(name)
        stores = {"MontyStore": str(folder / "monty"), **({"GridFS": uri} if uri else {})}
        molecular_dynamics(folder / "md.npy")
        if large:
            a_run = long_run(folder / "md.npy", folder / "walk.npy", 160, 500_000, stride=1)
            return [line for where in stores for line in _large(a_run, where, stores[where])]
        rows = _memory_of_writing(folder)
        for stride in (10, 1):
            a_run = long_run(folder / "md.npy", folder / "walk.npy", 80, 100_000, stride)
            case = f"100,000 frames, every {stride * 2} fs"
            for where, address in stores.items():
                rows += _stored(a_run, f"{case}, {where}", f"{address}-{stride}")
            rows += _error_of_D(a_run, case, f"{stores['MontyStore']}-{stride}")
            if stride == 10:
                rows += [line for peer in peers() for line in _peer(a_run, case, peer, folder / "peer")]
        return rows


def _stored(a_run: LongRun, name: str, address: str) -> list[dict[str, Any]]:
    writing = measured(_write, a_run, address)
    readings = [measured(_read, address) for _ in range(_READS)]
    return [
        row(f"{name}, stored", writing.value / 1e6, "MB", at_most=60),
        row(f"{name}, written in", writing.seconds, "s"),
        row(f"{name}, read in", min(reading.seconds for reading in readings), "s", at_most=2),
        row(f"{name}, read in", min(reading.cpu_seconds for reading in readings), "CPU s"),
        row(f"{name}, memory to write", writing.memory_MB, "MB"),
        row(f"{name}, memory to read / positions", readings[0].memory_MB / _positions_MB(a_run), "x"),
    ]


def _large(a_run: LongRun, where: str, address: str) -> list[dict[str, Any]]:
    name = f"160 x 500,000 frames, {where}"
    writing = measured(_write, a_run, address)
    reading: Measured = measured(_compare, a_run, address)
    return [
        row(f"{name}, stored", writing.value / 1e6, "MB"),
        row(f"{name}, written in", writing.seconds, "s"),
        row(f"{name}, memory to write", writing.memory_MB, "MB", at_most=500),
        row(f"{name}, read and compared in", reading.seconds, "s"),
        row(f"{name}, memory to read", reading.memory_MB, "MB", at_most=500),
        row(f"{name}, integers that differ", reading.value, "", at_most=0),
    ]


def _memory_of_writing(folder: Path) -> list[dict[str, Any]]:
    """Memory of a writer for ten times the frames; a first turn takes what is allocated once."""
    short, long = (
        measured(_append, long_run(folder / "md.npy", folder / "walk.npy", 80, n_frames, 1), folder / "frames")
        for n_frames in (10_000, 100_000)
    )
    return [
        row("one segment of 10,000 frames, memory to write", short.memory_MB, "MB"),
        row("one segment of 100,000 frames, memory to write", long.memory_MB, "MB", at_most=short.memory_MB + 20),
    ]


def _error_of_D(a_run: LongRun, name: str, address: str) -> list[dict[str, Any]]:
    from superionic.analysis import diffusivity

    original = from_arrays(
        a_run.frames(), a_run.cell_A, a_run.species, a_run.protocol.frame_interval_ps, TEMPERATURE_K, "Li",
        equilibration_ps=a_run.protocol.equilibration_ps,
    )  # fmt: skip
    exact = diffusivity(original).diffusivity_cm2_per_s.value
    with _open(address) as jobs:
        stored = diffusivity(stitch(load_segments(jobs, RUN_ID))).diffusivity_cm2_per_s.value
    return [row(f"{name}, error of D", abs(stored / exact - 1), "relative", at_most=1e-4)]


def _peer(a_run: LongRun, case: str, peer: Peer, file: Path) -> list[dict[str, Any]]:
    """What a format takes; for one that is measured on fewer frames, times the ratio."""
    n_frames = peer.frames or a_run.n_frames
    part = LongRun(a_run.md_file, a_run.walk_file, a_run.cell_A, a_run.species, n_frames, a_run.stride)
    file = file.with_suffix(".json" if "JSON" in peer.name else ".peer")
    file.unlink(missing_ok=True)
    writing, reading = measured(peer.write, part, file), measured(peer.read, file)
    factor = a_run.n_frames / n_frames
    name = f"{case}, {peer.name}" + (f" (x {factor:g} from {n_frames:,})" if factor > 1 else "")
    return [
        row(f"{name}, stored", writing.value * factor / 1e6, "MB"),
        row(f"{name}, written in", writing.seconds * factor, "s"),
        row(f"{name}, read in", reading.seconds * factor, "s"),
        row(f"{name}, memory to read / positions", reading.memory_MB * factor / _positions_MB(a_run), "x"),
    ]


def _positions_MB(a_run: LongRun) -> float:
    return a_run.n_frames * a_run.n_atoms * 3 * 8 / 2**20


def _append(a_run: LongRun, folder: Path) -> Iterator[int]:
    """Memory of a writer alone: what makes the frames is set up before, and takes the same for any length."""
    warm_up = FrameWriter(folder, a_run.n_atoms)
    _append_frames(warm_up, a_run.frames(0, 1500), a_run.cell_A, 0, a_run.stride)
    warm_up.close()
    yield 0
    writer = FrameWriter(folder, a_run.n_atoms)
    for number, block in enumerate(a_run.blocks(500)):
        _append_frames(writer, block, a_run.cell_A, number * 500, a_run.stride)
    writer.close()
    yield a_run.n_frames


def _append_frames(writer: FrameWriter, frames: Any, cell_A: Any, first: int, stride: int) -> None:
    for offset, positions in enumerate(frames):
        energy = -300.0 + np.sin(first + offset)  # noise, as energies are
        writer.append(
            (first + offset) * stride, positions, cell_A,
            potential_energy_eV=energy, conserved_energy_eV=energy / 7, temperature_K=energy * energy / 128,
        )  # fmt: skip


def _write(a_run: LongRun, address: str) -> Iterator[int]:
    with _open(address) as jobs:
        before = _stored_bytes(jobs, address)
        yield 0
        store_run(jobs, RUN_ID, "bench", _outputs(a_run))
        yield _stored_bytes(jobs, address) - before


def _read(address: str) -> Iterator[int]:
    with _open(address) as jobs:
        open_frames(next(iter_segments(jobs, RUN_ID))).positions_A()  # loads the kernels
        yield 0
        yield len(np.asarray(stitch(iter_segments(jobs, RUN_ID)).positions_A))


def _compare(a_run: LongRun, address: str) -> Iterator[int]:
    with _open(address) as jobs:
        yield 0
        first = wrong = 0
        for segment in iter_segments(jobs, RUN_ID):
            stored = to_integers(open_frames(segment).positions_A(), 1e-4)
            wrong += int(np.sum(stored != to_integers(a_run.frames(first, first + len(stored)), 1e-4)))
            first += len(stored)
        yield wrong + abs(a_run.n_frames - first)


def _outputs(a_run: LongRun) -> Iterator[TrajectorySegment | MDRunDocument]:
    """What the jobs of a run return."""
    protocol = a_run.protocol
    each = protocol.segment_steps // protocol.stride
    n_segments = -(-a_run.n_frames // each)
    record = RunRecord(RUN_ID, _IDENTITY, protocol, AnalysisSettings(), a_run.species)
    for number, frames in enumerate(a_run.blocks(each)):
        with tempfile.TemporaryDirectory() as folder:
            writer = FrameWriter(Path(folder) / "frames", a_run.n_atoms)
            _append_frames(writer, frames, a_run.cell_A, number * each, a_run.stride)
            writer.close()
            packed = pack(Path(folder) / "frames")
        yield write_segment(record, number, n_segments, packed)
    yield write_summary(record, n_segments, protocol.n_steps, LENGTH_REACHED)


@contextmanager
def _open(address: str) -> Iterator[JobStore]:
    """The JobStore in a folder or at a URI, connected, as `superionic init` sets it up."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "jobflow.yaml"
        if address.startswith("mongodb://"):
            config.write_text(yaml.safe_dump({"JOB_STORE": mongo_job_store(parse_mongo_uri(address))}))
            settings = SuperionicSettings(jobflow_config=config)
        else:
            settings = SuperionicSettings(store_dir=Path(address), jobflow_config=None)
        with open_stores(settings).connected() as stores:
            yield stores.jobs


def _stored_bytes(jobs: JobStore, address: str) -> int:
    if address.startswith("mongodb://"):
        database = jobs.additional_stores[DATA_STORE]._files_collection.database
        return int(database.command("dbStats")["dataSize"])
    return sum(file.stat().st_size for file in Path(address).rglob("*") if file.is_file())
