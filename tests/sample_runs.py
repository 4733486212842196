"""Stored runs of synthetic random walks, as MltpMdMaker would leave them in a JobStore."""

import base64
import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np
from jobflow import JobStore
from maggma.stores import MemoryStore
from monty.json import MontyEncoder, jsanitize
from pymatgen.core import Lattice, Structure

from superionic.documents import (
    BuiltinState,
    MDProtocol,
    MDRunDocument,
    OrderingDocument,
    PotentialReference,
    Provenance,
    RunIdentity,
    TrajectorySegment,
)
from superionic.stores.connecting import Stores
from superionic.trajectories.codec import FrameWriter, pack

IDENTITY = RunIdentity(
    label="O",
    formula="LiCl",
    host="nowhere",
    mobile_species="Li",
    mobile_charge_e=1.0,
    engine="built-in",
    potential=PotentialReference(family="CHGNet", model="0.3.0", sha256="0" * 64),
    study="synthetic",
)
CELL = np.array([[12.0, 0, 0], [0, 11.0, 0], [-4.0, 0, 12.0]])
N_IONS = 12


def memory_stores():
    jobs = JobStore(MemoryStore("jobs"), additional_stores={"data": MemoryStore("data", key="blob_uuid")})
    return Stores(jobs, *map(MemoryStore, ("diffusivity", "arrhenius", "comparison", "studies", "validation")))


def walk(n_frames, step_A, seed):
    """Li on a random walk of `step_A` a frame and axis, Cl vibrating about its sites."""
    rng = np.random.default_rng(seed)
    li = np.cumsum(rng.normal(scale=step_A, size=(n_frames, N_IONS, 3)), axis=0) + rng.random((N_IONS, 3)) * 12
    grid = np.stack(np.meshgrid([0.25, 0.75], [0.25, 0.75], [0.2, 0.5, 0.8], indexing="ij"), -1).reshape(-1, 3) @ CELL
    cl = grid + rng.normal(scale=0.1, size=(n_frames, N_IONS, 3))
    return np.concatenate([li, cl], axis=1)


def segments(run_id="run", temperature_K=700.0, step_A=0.2, n_segments=2, frames_each=500, seed=0, **identity):
    """Segments of one run; the first holds frame 0 too."""
    protocol = MDProtocol(
        temperature_K=temperature_K, length_ps=n_segments * frames_each * 0.02, equilibration_ps=0.02,
        segment_length_ps=frames_each * 0.02, seed=seed,
    )  # fmt: skip
    positions = walk(n_segments * frames_each + 1, step_A, seed)
    who = IDENTITY.model_copy(update=identity)
    first = 0
    for number in range(n_segments):
        last = (number + 1) * frames_each
        steps = np.arange(0 if number == 0 else first + 1, last + 1)
        yield _segment(run_id, number, n_segments, steps, positions, protocol, who)
        first = last


def _segment(run_id, number, n_segments, frames, positions, protocol, identity):
    with tempfile.TemporaryDirectory() as folder:
        writer = FrameWriter(Path(folder) / "s", positions.shape[1])
        for frame in frames:
            writer.append(
                int(frame) * protocol.stride, positions[frame], CELL,
                potential_energy_eV=-1.0, conserved_energy_eV=0.0, temperature_K=protocol.temperature_K,
            )  # fmt: skip
        writer.close()
        packed = pack(Path(folder) / "s")
    zeros = np.zeros((positions.shape[1], 3)).tolist()
    last = int(frames[-1]) * protocol.stride
    return TrajectorySegment(
        run_id=run_id, segment=number, n_segments=n_segments, first_step=0 if number == 0 else int(frames[0] - 1) * 10,
        last_step=last, n_frames=len(frames), n_atoms=positions.shape[1], species=["Li"] * N_IONS + ["Cl"] * N_IONS,
        site_labels=["?"] * positions.shape[1], identity=identity, protocol=protocol,
        mean_temperature_K=protocol.temperature_K, mean_potential_energy_eV_per_atom=-1.0,
        conserved_drift_meV_per_atom_per_ps=0.0, ns_per_day=1.0,
        end_state=BuiltinState(step=last, positions_A=zeros, momenta=zeros, cell_A=CELL.tolist(),
                               thermostat_positions=[], thermostat_momenta=[], random_state="{}"),
        sha256=hashlib.sha256(packed).hexdigest(), n_bytes=len(packed), payload=base64.b64encode(packed).decode(),
        provenance=Provenance(seed=0),
    )  # fmt: skip


def small_ordering():
    structure = Structure(Lattice.cubic(5), ["Li+", "Cl-"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    return OrderingDocument(
        label="O", formula="LiCl", structure=structure, host="nowhere", supercell=(1, 1, 1), site_labels=["a", "b"],
        mobile_species="Li", provenance=Provenance(),
    )  # fmt: skip


def store_segment(jobs, segment, completed_at="2026-01-01T00:00:00"):
    """Put a segment where jobflow would: document and blob apart."""
    jobs.update(_job_document(segment.run_id, segment.segment + 1, segment, completed_at), save={"data": "payload"})


def store_end(jobs, last, stop_reason="length reached"):
    summary = MDRunDocument(
        run_id=last.run_id, identity=last.identity, protocol=last.protocol, analysis=last.analysis,
        n_segments=last.segment + 1, n_steps=last.last_step, length_ps=last.last_step * 2e-3, stop_reason=stop_reason,
        provenance=Provenance(),
    )  # fmt: skip
    jobs.update(_job_document(last.run_id, last.segment + 2, summary, "2026-01-02T00:00:00"))


def store_run(jobs, stop_reason="length reached", **kwargs):
    stored = list(segments(**kwargs))
    for segment in stored:
        store_segment(jobs, segment)
    store_end(jobs, stored[-1], stop_reason)
    return stored


def _job_document(uuid, index, output, completed_at):
    plain = jsanitize(json.loads(json.dumps(output, cls=MontyEncoder)))
    return {
        "uuid": uuid, "index": index, "output": plain, "completed_at": completed_at, "metadata": {}, "hosts": [],
        "name": "md",
    }  # fmt: skip
