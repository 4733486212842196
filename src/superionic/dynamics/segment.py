"""One segment of molecular dynamics, from a state to a state, whoever integrates."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pymatgen.core import Structure

from superionic.documents import MDProtocol, MDState, PotentialSettings
from superionic.documents.cost import Stopwatch
from superionic.dynamics.contract import Checks, Engine, Frame, PackedSegment, Run
from superionic.dynamics.progress import Progress
from superionic.dynamics.stopping import trouble, watching_sigterm
from superionic.potentials import PotentialError
from superionic.trajectories.codec import FrameWriter, pack


def engine_named(name: str) -> Checks:
    """What the engine that a protocol names can be asked before anything runs."""
    if name == "vasp":
        from superionic.dynamics.vasp import engine as vasp

        return vasp
    return _stepping(name)


def _stepping(name: str) -> Engine:
    if name == "lammps":
        from superionic.dynamics.lammps import engine as lammps

        return lammps
    from superionic.dynamics.builtin import engine as builtin

    return builtin


def run_segment(
    structure: Structure,
    protocol: MDProtocol,
    potential: PotentialSettings,
    state: MDState | None,
    title: str,
    folder: Path,
    walltime_s: float | None = None,
) -> PackedSegment:
    """Run one segment of a run with the engine that its protocol names.

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

    Raises
    ------
    InputError
        If the engine cannot do what the protocol or the potential asks for.
    """
    engine_named(protocol.engine).check(structure, protocol, potential)
    if protocol.engine == "vasp":
        from superionic.dynamics.vasp.segment import run_segment as run_with_vasp

        return run_with_vasp(structure, protocol, potential, state, title, folder, walltime_s)
    engine = _stepping(protocol.engine)
    n_atoms, first_step = len(structure), 0 if state is None else state.step
    n_steps = min(protocol.segment_steps, protocol.n_steps - first_step)
    scratch = folder / f"frames-from-step-{first_step}"
    shutil.rmtree(scratch, ignore_errors=True)
    watch = Stopwatch(potential.cores)
    with (
        engine.opened(structure, protocol, potential, state) as (run, reference),
        watching_sigterm(walltime_s) as request,
    ):
        progress = Progress(title, first_step, first_step + n_steps, protocol.n_steps, protocol.time_step_fs, folder)
        followed = follow(
            run, protocol, n_steps, FrameWriter(scratch, n_atoms), _reporting(progress, n_atoms), request.reason
        )
        ns_per_day = progress.ns_per_day(followed.state.step)
    packed = pack(scratch)
    shutil.rmtree(scratch)
    return PackedSegment(
        first_step, followed.frames, packed, followed.state, followed.stop_reason, ns_per_day, watch.cost(), reference
    )


def _reporting(progress: Progress, n_atoms: int) -> Callable[[Frame], None]:
    first: list[Frame] = []

    def report(frame: Frame) -> None:
        first.append(frame) if not first else None
        drift = frame.conserved_energy_eV - first[0].conserved_energy_eV
        progress.update(frame.step, frame.temperature_K, frame.potential_energy_eV / n_atoms, drift / n_atoms * 1e3)

    return report


@dataclass(frozen=True)
class Followed:
    """Where following a run ended: its last good state, what its frames reported, why it must not go on or None."""

    state: MDState
    frames: list[Frame]
    stop_reason: str | None


def _silent(_: Frame) -> None:
    """Tell nobody."""


def follow(
    run: Run,
    protocol: MDProtocol,
    n_steps: int,
    writer: FrameWriter,
    report: Callable[[Frame], None] = _silent,
    interrupted: Callable[[], str | None] = lambda: None,
) -> Followed:
    """Let a run go on for `n_steps`, storing every ``protocol.stride``-th frame, and frame 0 of the run.

    Parameters
    ----------
    run
        The run at its start or at a stored frame.
    protocol
        Its protocol.
    n_steps
        Steps to do, a multiple of the stride.
    writer
        Takes the stored frames.
    report
        Called after every stored frame but that at the start.
    interrupted
        Asked after every stored frame; a reason ends the segment there, and the run may go on from it.
    """
    last_step = run.step + n_steps
    frames = [_store(run, protocol, writer)] if run.step == 0 else []
    first = frames[0] if frames else None  # a run that goes on is not asked before its first step: bits could change
    good, stop_reason = run.state(), None
    try:
        while run.step < last_step:
            run.advance(protocol.stride)
            now = run.snapshot().frame
            first = first or now
            stop_reason = trouble(now, first, protocol, writer.n_atoms)
            if stop_reason:
                break
            frames.append(_store(run, protocol, writer))
            good = run.state()
            report(frames[-1])
            if interrupted():
                break
    except PotentialError as error:
        stop_reason = f"exploded at step {run.step}: {error}"
    writer.close()
    return Followed(good, frames, stop_reason)


def _store(run: Run, protocol: MDProtocol, writer: FrameWriter) -> Frame:
    now = run.snapshot()
    frame = now.frame
    labelled = protocol.has_labels(frame.step)
    writer.append(
        frame.step,
        now.positions_A,
        now.cell_A,
        velocities_A_per_ps=now.velocities_A_per_ps if protocol.has_velocities(frame.step) else None,
        forces_eV_per_A=now.forces_eV_per_A if labelled else None,
        stress_eV_per_A3=now.stress_eV_per_A3 if labelled else None,
        potential_energy_eV=frame.potential_energy_eV,
        conserved_energy_eV=frame.conserved_energy_eV,
        temperature_K=frame.temperature_K,
    )
    return frame
