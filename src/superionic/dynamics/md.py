"""One segment of molecular dynamics, from a state to a state."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from ase import units
from ase.data import atomic_masses
from numpy.typing import NDArray
from pymatgen.core import Structure

from superionic.documents import MDProtocol, MDState
from superionic.dynamics.nose_hoover import Chain, degrees_of_freedom, kinetic_energy_eV, maxwell_boltzmann
from superionic.potentials import Evaluation, PotentialError
from superionic.trajectories.codec import FrameWriter

# A run this much hotter than its thermostat asks for is no longer integrating anything physical.
_EXPLODED_TEMPERATURE_RATIO = 10.0

EnergyAndForces = Callable[[NDArray[np.float64], NDArray[np.float64]], Evaluation]


@dataclass(frozen=True)
class Frame:
    """What a step reports."""

    step: int
    temperature_K: float
    potential_energy_eV: float
    conserved_energy_eV: float


@dataclass(frozen=True)
class SegmentResult:
    """Where a segment ended, and why if it ended early."""

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
    length = protocol.thermostat_chain_length if protocol.ensemble == "nvt" else 0
    return MDState(
        step=0,
        positions_A=structure.cart_coords.tolist(),
        momenta=momenta.tolist(),
        cell_A=structure.lattice.matrix.tolist(),
        thermostat_positions=[0.0] * length,
        thermostat_momenta=[0.0] * length,
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
) -> SegmentResult:
    """Integrate `n_steps` from `state`, storing every ``protocol.stride``-th frame.

    Parameters
    ----------
    state
        Where to start; frame 0 of the run is stored too.
    numbers
        Atomic numbers, shape (n_atoms,).
    protocol
        Ensemble, time step and thermostat.
    n_steps
        Steps to do, a multiple of the stride.
    evaluate
        Gives energy and forces for positions and cell, the same bits for the same input whatever came before.
    writer
        Takes the stored frames.
    report
        Called after every stored frame.
    """
    run = _Integration(state, numbers, protocol, evaluate)
    frames: list[Frame] = []
    stop_reason = None
    run.start()
    if state.step == 0:
        frames.append(_store(run, writer))
    try:
        while run.step < state.step + n_steps:
            run.advance()
            if run.step % protocol.stride == 0:
                stop_reason = run.trouble()
                if stop_reason:
                    break
                frames.append(_store(run, writer))
                report(frames[-1])
    except PotentialError as error:
        stop_reason = f"exploded at step {run.step}: {error}"
    writer.close()
    return SegmentResult(run.state(state.random_state), frames, stop_reason)


class _Integration:
    """Mutable phase-space point of a run."""

    def __init__(
        self, state: MDState, numbers: NDArray[np.int64], protocol: MDProtocol, evaluate: EnergyAndForces
    ) -> None:
        self.protocol = protocol
        self.evaluate = evaluate
        self.step = state.step
        self.masses = atomic_masses[numbers]
        self.positions = np.array(state.positions_A)
        self.momenta = np.array(state.momenta)
        self.cell = np.array(state.cell_A)
        self.chain: Chain | None = None
        if protocol.ensemble == "nvt":
            self.chain = Chain.at_rest(
                protocol.temperature_K,
                degrees_of_freedom(len(numbers)),
                protocol.thermostat_time_constant_fs,
                protocol.thermostat_chain_length,
            )
            self.chain.positions[:] = state.thermostat_positions
            self.chain.momenta[:] = state.thermostat_momenta

    def start(self) -> None:
        self.now = self.evaluate(self.positions, self.cell)

    def advance(self) -> None:
        time_step = self.protocol.time_step_fs * units.fs
        self._thermostat(time_step)
        self.momenta += time_step / 2 * self.now.forces_eV_per_A
        self.positions += time_step * self.momenta / self.masses[:, None]
        self.now = self.evaluate(self.positions, self.cell)
        self.momenta += time_step / 2 * self.now.forces_eV_per_A
        self._thermostat(time_step)
        self.step += 1

    def _thermostat(self, time_step: float) -> None:
        if self.chain is not None:
            self.momenta *= self.chain.half_step(kinetic_energy_eV(self.momenta, self.masses), time_step)

    def frame(self) -> Frame:
        kinetic = kinetic_energy_eV(self.momenta, self.masses)
        return Frame(
            step=self.step,
            temperature_K=2 * kinetic / (degrees_of_freedom(len(self.masses)) * units.kB),
            potential_energy_eV=self.now.energy_eV,
            conserved_energy_eV=self.now.energy_eV + kinetic + (self.chain.energy_eV if self.chain else 0.0),
        )

    def trouble(self) -> str | None:
        temperature = self.frame().temperature_K
        limit = _EXPLODED_TEMPERATURE_RATIO * self.protocol.temperature_K
        if np.isfinite(temperature) and temperature < limit:
            return None
        return (
            f"exploded at step {self.step}: the kinetic temperature is {temperature:.4g} K "
            f"at a target of {self.protocol.temperature_K:g} K"
        )

    def state(self, random_state: str) -> MDState:
        return MDState(
            step=self.step,
            positions_A=self.positions.tolist(),
            momenta=self.momenta.tolist(),
            cell_A=self.cell.tolist(),
            thermostat_positions=self.chain.positions.tolist() if self.chain else [],
            thermostat_momenta=self.chain.momenta.tolist() if self.chain else [],
            random_state=random_state,
        )


def _store(run: _Integration, writer: FrameWriter) -> Frame:
    frame = run.frame()
    writer.append(
        frame.step,
        run.positions,
        run.cell,
        potential_energy_eV=frame.potential_energy_eV,
        conserved_energy_eV=frame.conserved_energy_eV,
        temperature_K=frame.temperature_K,
    )
    return frame
