"""The CHGNet engine: the protocol as molecular dynamics with the package's own integrator."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pymatgen.core import Structure

from superionic.documents import MDProtocol, MDState, PotentialReference, PotentialSettings
from superionic.dynamics.builtin.integrator import Frame
from superionic.dynamics.builtin.md import SegmentResult, initial_state, run_segment
from superionic.dynamics.progress import Progress
from superionic.dynamics.stopping import watching_sigterm
from superionic.potentials import Potential
from superionic.potentials.checks import require_stress
from superionic.potentials.load import opened
from superionic.trajectories.codec import FrameWriter, pack


@dataclass(frozen=True)
class PackedSegment:
    """A segment that was run: where it began and ended, its frames as bytes, its speed and its potential."""

    first_step: int
    result: SegmentResult
    packed: bytes
    ns_per_day: float
    potential: PotentialReference


def run_chgnet_segment(
    structure: Structure,
    protocol: MDProtocol,
    potential: PotentialSettings,
    state: MDState | None,
    title: str,
    folder: Path,
    walltime_s: float | None = None,
) -> PackedSegment:
    """Run one segment of a run.

    Parameters
    ----------
    structure
        The atoms; the positions matter only if `state` is None.
    protocol
        The protocol of the whole run.
    potential
        The potential to run with.
    state
        End state of the segment before; None starts the run.
    title
        What the progress line calls the run.
    folder
        Where scratch and progress files go.
    walltime_s
        Time that the job has in s; the segment ends in time for it, as it does on SIGTERM.
    """
    with opened(potential) as chgnet:
        return _run(structure, protocol, chgnet, state or initial_state(structure, protocol), title, folder, walltime_s)


def _run(
    structure: Structure,
    protocol: MDProtocol,
    chgnet: Potential,
    state: MDState,
    title: str,
    folder: Path,
    walltime_s: float | None,
) -> PackedSegment:
    if protocol.ensemble == "npt":
        require_stress(chgnet, "ensemble = 'npt'")
    numbers = np.array(structure.atomic_numbers)
    n_steps = min(protocol.segment_steps, protocol.n_steps - state.step)
    progress = Progress(title, state.step, state.step + n_steps, protocol.n_steps, protocol.time_step_fs, folder)
    first_frame: list[Frame] = []

    def report(frame: Frame) -> None:
        first_frame.append(frame) if not first_frame else None
        drift = frame.conserved_energy_eV - first_frame[0].conserved_energy_eV
        progress.update(
            frame.step, frame.temperature_K, frame.potential_energy_eV / len(numbers), drift / len(numbers) * 1e3
        )

    scratch = folder / f"frames-from-step-{state.step}"
    shutil.rmtree(scratch, ignore_errors=True)
    writer = FrameWriter(scratch, len(numbers))
    session = chgnet.session(numbers)
    with watching_sigterm(walltime_s) as request:
        result = run_segment(state, numbers, protocol, n_steps, session.evaluate, writer, report, request.reason)
    packed = pack(scratch)
    shutil.rmtree(scratch)
    return PackedSegment(state.step, result, packed, progress.ns_per_day(result.state.step), chgnet.reference)
