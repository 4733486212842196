"""One segment of molecular dynamics by VASP: its vasprun.xml becomes the frames of a stored segment."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Structure
from pymatgen.io.vasp import Poscar

from superionic.documents import Cost, MDProtocol, MDState, PotentialSettings, VaspState
from superionic.documents.cost import Stopwatch
from superionic.documents.potential import VaspSettings
from superionic.dynamics.builtin.start import initial_state
from superionic.dynamics.contract import Frame, PackedSegment
from superionic.dynamics.progress import Progress
from superionic.dynamics.stopping import trouble, watching_sigterm
from superionic.dynamics.vasp.engine import md_tags
from superionic.dynamics.vasp.watch import watched
from superionic.errors import InputError
from superionic.potentials import PotentialError
from superionic.trajectories.codec import FrameWriter, pack
from superionic.trajectories.sources.vasp import vasprun_source

Floats = NDArray[np.float64]

_SAME_POSITION_A = 1e-4
"""vasprun.xml has eight decimals of a fraction of the cell."""


def run_segment(
    structure: Structure,
    protocol: MDProtocol,
    potential: PotentialSettings,
    state: MDState | None,
    title: str,
    folder: Path,
    walltime_s: float | None = None,
) -> PackedSegment:
    """Run one segment with VASP; parameters as of `superionic.dynamics.segment.run_segment`.

    Raises
    ------
    InputError
        If VASP or a POTCAR is not there, or the state is of another engine.
    PotentialError
        If VASP failed, custodian changed what is calculated, or frames are missing.
    """
    from atomate2.vasp.jobs.md import MDMaker

    from superionic.potentials.vasp.family import reference
    from superionic.potentials.vasp.inputs import grouped, input_set
    from superionic.potentials.vasp.installed import (
        potcar_sha256,
        require_command,
        require_even_electrons,
        require_potcars,
    )
    from superionic.potentials.vasp.run import VASP_SPEED, run_vasp

    if not isinstance(potential, VaspSettings):
        raise InputError(f"engine = 'vasp' integrates with its own forces only, not with {potential.family}")
    symbols = [site.specie.symbol for site in structure]
    require_command()
    potcars = require_potcars(potential, symbols)
    require_even_electrons(potcars, symbols)

    start = _start(structure, protocol, state)
    last_step = _last_step(protocol, start.step)
    n_steps = last_step - start.step + 1
    positions, cell = np.array(start.positions_A), np.array(start.cell_A)
    now = Structure(cell, structure.species, positions, coords_are_cartesian=True)
    atoms, order = grouped(now, np.array(start.velocities_A_per_fs))
    maker = MDMaker(input_set_generator=input_set(potential, "aimd", md_tags(protocol, n_steps, len(atoms), cell)))
    maker.run_vasp_kwargs |= VASP_SPEED

    place = folder / f"vasp-from-step-{start.step}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    watch = Stopwatch()
    progress = Progress(title, start.step, last_step, protocol.n_steps, protocol.time_step_fs, folder)
    with watching_sigterm(walltime_s) as request, watched(place, progress, start.step, len(atoms), request):
        outcome = run_vasp(maker, atoms, place)
        asked_to_stop = request.reason() is not None
    read = _read(place, protocol, start, order, int(outcome.task.calcs_reversed[0].input.parameters.get("NELM", 60)))
    if read.n_steps < n_steps and not asked_to_stop and read.stop_reason is None:
        raise PotentialError(f"VASP ended after {read.n_steps} of {n_steps} steps: see {place}")
    cost = watch.cost()
    if outcome.cores is not None:
        cost = Cost.of(cost.wall_s, None, outcome.cores)
    return PackedSegment(
        first_step=start.step,
        frames=read.frames,
        packed=read.packed,
        state=read.state,
        stop_reason=read.stop_reason,
        ns_per_day=progress.ns_per_day(read.state.step),
        cost=cost,
        potential=reference(potential, "aimd", outcome.version, potcar_sha256(potcars)),
        corrections=outcome.corrections,
    )


def _start(structure: Structure, protocol: MDProtocol, state: MDState | None) -> VaspState:
    """Where the segment starts: at first the structure's positions with velocities from the protocol's seed."""
    if isinstance(state, VaspState):
        return state
    if state is not None:
        raise InputError("engine = 'vasp' cannot go on from a state of another engine: keep the engine of a run")
    from ase import units
    from ase.data import atomic_masses

    first = initial_state(structure, protocol)
    masses = atomic_masses[list(structure.atomic_numbers)][:, None]
    return VaspState(
        step=0,
        positions_A=first.positions_A,
        velocities_A_per_fs=(np.array(first.momenta) / masses * units.fs).tolist(),
        cell_A=first.cell_A,
    )


def _last_step(protocol: MDProtocol, first_step: int) -> int:
    """Segments end at multiples of their length, whose frame they still calculate."""
    length = protocol.segment_steps
    return min((first_step // length + 1) * length, protocol.n_steps)


@dataclass(frozen=True)
class _Read:
    """What VASP's files say of a segment."""

    n_steps: int
    frames: list[Frame]
    packed: bytes
    state: VaspState
    stop_reason: str | None


def _read(folder: Path, protocol: MDProtocol, start: VaspState, order: NDArray[np.int64], nelm: int) -> _Read:
    """Every step of vasprun.xml, unwrapped and in the order of the run's atoms; those to be stored are."""
    scratch = folder / "frames"
    writer = FrameWriter(scratch, len(order))
    frames: list[Frame] = []
    positions, first, stop_reason, n_steps = np.array(start.positions_A), None, None, 0
    for found in vasprun_source(_file(folder, "vasprun.xml")).frames(0):
        step = start.step + n_steps
        before, positions = positions, _unwrapped(found.positions_A, positions, found.cell_A, order)
        if n_steps == 0 and np.abs(positions - before).max() > _SAME_POSITION_A:
            raise PotentialError("custodian restarted VASP within the segment: its first steps are not in vasprun.xml")
        frame = Frame(step, found.temperature_K, found.potential_energy_eV, found.conserved_energy_eV)
        first = first or frame
        stop_reason = trouble(frame, first, protocol, len(order))
        if found.scf_steps is not None and found.scf_steps >= nelm:
            stop_reason = f"step {step} did not reach self-consistency in NELM = {nelm} steps"
        if stop_reason:
            break
        n_steps += 1
        if step % protocol.stride:
            continue
        if found.forces_eV_per_A is None or found.stress_eV_per_A3 is None:
            raise PotentialError(f"step {step} has no forces or no stress in vasprun.xml")
        labelled = protocol.has_labels(step)
        forces = np.empty_like(positions)
        forces[order] = found.forces_eV_per_A
        writer.append(
            step,
            positions,
            found.cell_A,
            forces_eV_per_A=forces if labelled else None,
            stress_eV_per_A3=found.stress_eV_per_A3 if labelled else None,
            potential_energy_eV=frame.potential_energy_eV,
            conserved_energy_eV=frame.conserved_energy_eV,
            temperature_K=frame.temperature_K,
        )
        frames.append(frame)
    writer.close()
    packed = pack(scratch)
    shutil.rmtree(scratch)
    return _Read(n_steps, frames, packed, _end(folder, positions, order, start.step + n_steps), stop_reason)


def _end(folder: Path, last_A: Floats, order: NDArray[np.int64], step: int) -> VaspState:
    """What CONTCAR holds: the positions after the last step, and their velocities."""
    contcar = Poscar.from_file(_file(folder, "CONTCAR"), check_for_potcar=False)
    if contcar.velocities is None:
        raise PotentialError("CONTCAR holds no velocities: the run cannot go on from it")
    velocities = np.empty_like(last_A)
    velocities[order] = np.asarray(contcar.velocities, dtype=np.float64)
    cell = contcar.structure.lattice.matrix
    return VaspState(
        step=step,
        positions_A=_unwrapped(contcar.structure.cart_coords, last_A, cell, order).tolist(),
        velocities_A_per_fs=velocities.tolist(),
        cell_A=cell.tolist(),
    )


def _unwrapped(wrapped_A: Floats, before_A: Floats, cell_A: Floats, order: NDArray[np.int64]) -> Floats:
    """Positions of POSCAR's atoms in the run's order, each in the image nearest to where the atom was before."""
    positions = np.empty_like(before_A)
    positions[order] = wrapped_A
    delta = (positions - before_A) @ np.linalg.inv(cell_A)
    return before_A + (delta - np.rint(delta)) @ cell_A


def _file(folder: Path, name: str) -> Path:
    """A file as VASP left it, or as atomate2 compressed it."""
    compressed = folder / f"{name}.gz"
    return compressed if compressed.is_file() else folder / name
