"""One segment of molecular dynamics, from a state to a state."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from ase.data import atomic_masses
from numpy.typing import NDArray
from pymatgen.core import Structure

from superionic.documents import MDProtocol, MDState
from superionic.dynamics.builtin.integrator import EnergyAndForces, Frame, Integrator
from superionic.dynamics.builtin.nose_hoover import maxwell_boltzmann
from superionic.potentials import PotentialError
from superionic.trajectories.codec import FrameWriter

# A run this much hotter than its thermostat asks for is no longer integrating anything physical.
_EXPLODED_TEMPERATURE_RATIO = 10.0


@dataclass(frozen=True)
class SegmentResult:
    """Where a segment ended.

    Attributes
    ----------
    state
        Where the next segment starts: the last stored frame.
    frames
        What every stored frame reported.
    stop_reason
        Why the run must not go on, None if it may.
    """

    state: MDState
    frames: list[Frame]
    stop_reason: str | None

    def drift_meV_per_ps(self, protocol: MDProtocol) -> float:
        """Slope of the conserved quantity over the stored frames, in meV/ps."""
        if len(self.frames) < 2:
            return 0.0
        time_ps = np.array([frame.step for frame in self.frames]) * protocol.time_step_fs * 1e-3
        conserved = np.array([frame.conserved_energy_eV for frame in self.frames])
        return float(np.polyfit(time_ps - time_ps[0], conserved - conserved[0], 1)[0] * 1e3)


def initial_state(structure: Structure, protocol: MDProtocol) -> MDState:
    """State at step 0: the structure's positions, Maxwell-Boltzmann momenta from the protocol's seed."""
    generator = np.random.default_rng(protocol.seed)
    masses = atomic_masses[list(structure.atomic_numbers)]
    momenta = maxwell_boltzmann(masses, protocol.temperature_K, generator)
    return MDState(
        step=0,
        positions_A=structure.cart_coords.tolist(),
        momenta=momenta.tolist(),
        cell_A=structure.lattice.matrix.tolist(),
        thermostat_positions=[],
        thermostat_momenta=[],
        random_state=json.dumps(generator.bit_generator.state),
    )


def run_segment(
    state: MDState,
    numbers: NDArray[np.int64],
    protocol: MDProtocol,
    n_steps: int,
    evaluate: EnergyAndForces,
    writer: FrameWriter,
    report: Callable[[Frame], None],
    interrupted: Callable[[], str | None] = lambda: None,
) -> SegmentResult:
    """Integrate `n_steps` from `state`, storing every ``protocol.stride``-th frame.

    Parameters
    ----------
    state
        Where to start; frame 0 of the run is stored too.
    numbers
        Atomic numbers, shape (n_atoms,).
    protocol
        Ensemble, time step, thermostat and barostat.
    n_steps
        Steps to do, a multiple of the stride.
    evaluate
        Gives energy, forces and stress for positions and cell, the same bits for the same input whatever came before.
    writer
        Takes the stored frames.
    report
        Called after every stored frame.
    interrupted
        Asked after every stored frame; a reason ends the segment there, and the run may go on from it.
    """
    run = Integrator(state, numbers, protocol, evaluate)
    frames: list[Frame] = []
    stop_reason = None
    good = state
    if state.step == 0:
        frames.append(_store(run, writer))
    try:
        while run.step < state.step + n_steps:
            run.advance()
            if run.step % protocol.stride == 0:
                stop_reason = _trouble(run)
                if stop_reason:
                    break
                frames.append(_store(run, writer))
                good = run.state(state.random_state)
                report(frames[-1])
                if interrupted():
                    break
    except PotentialError as error:
        stop_reason = f"exploded at step {run.step}: {error}"
    writer.close()
    return SegmentResult(good, frames, stop_reason)


def _trouble(run: Integrator) -> str | None:
    temperature = run.frame().temperature_K
    target = run.protocol.temperature_K
    if np.isfinite(temperature) and temperature < _EXPLODED_TEMPERATURE_RATIO * target:
        return None
    return f"exploded at step {run.step}: the kinetic temperature is {temperature:.4g} K at a target of {target:g} K"


def _store(run: Integrator, writer: FrameWriter) -> Frame:
    frame = run.frame()
    writer.append(
        frame.step,
        run.positions,
        run.cell,
        run.velocities_A_per_ps if run.protocol.has_velocities(frame.step) else None,
        potential_energy_eV=frame.potential_energy_eV,
        conserved_energy_eV=frame.conserved_energy_eV,
        temperature_K=frame.temperature_K,
    )
    return frame
