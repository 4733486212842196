"""The phase-space point of a run and one step of it: NVE, NVT or NPT."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ase import units
from numpy.typing import NDArray

from superionic.documents import BarostatState, BuiltinState, MDProtocol
from superionic.dynamics.builtin.barostat import Barostat
from superionic.dynamics.builtin.nose_hoover import Chain, degrees_of_freedom, kinetic_energy_eV
from superionic.dynamics.contract import Frame, Snapshot
from superionic.dynamics.masses import masses_u
from superionic.potentials import Evaluation

EnergyAndForces = Callable[[NDArray[np.float64], NDArray[np.float64]], Evaluation]


class Integrator:
    """A run at one moment; `advance` takes it one step on.

    Parameters
    ----------
    state
        Where to start, from a document.
    numbers
        Atomic numbers, shape (n_atoms,).
    protocol
        Ensemble, time step, thermostat and barostat.
    evaluate
        Energy, forces and stress for positions and cell.
    """

    def __init__(
        self, state: BuiltinState, numbers: NDArray[np.int64], protocol: MDProtocol, evaluate: EnergyAndForces
    ) -> None:
        self.protocol = protocol
        self.evaluate = evaluate
        self.step = state.step
        self.random_state = state.random_state
        self.masses = masses_u(numbers, protocol)
        self.positions = np.array(state.positions_A)
        self.momenta = np.array(state.momenta)
        self.cell = np.array(state.cell_A)
        self.chain = _chain(state, protocol, len(numbers))
        self.barostat = _barostat(state, protocol, len(numbers))
        self.now = evaluate(self.positions, self.cell)

    def advance(self, n_steps: int = 1) -> None:
        """Time steps, each half of every coupling, the motion, and the other half in reverse order."""
        time_step = self.protocol.time_step_fs * units.fs
        for _ in range(n_steps):
            self._thermostats(time_step)
            self._kick(time_step / 2, cell_first=True)
            self._drift(time_step)
            self.now = self.evaluate(self.positions, self.cell)
            self._kick(time_step / 2, cell_first=False)
            self._thermostats(time_step)
            self.step += 1

    def _thermostats(self, time_step: float) -> None:
        if self.barostat is not None:
            self.barostat.thermostat_half_step(time_step)
        if self.chain is not None:
            self.momenta *= self.chain.half_step(kinetic_energy_eV(self.momenta, self.masses), time_step)

    def _kick(self, delta: float, *, cell_first: bool) -> None:
        if self.barostat is None:
            self.momenta += delta * self.now.forces_eV_per_A
            return
        if cell_first:
            self._kick_cell(delta)
        self.momenta = self.barostat.kick_particles(self.momenta, self.now.forces_eV_per_A, delta)
        if not cell_first:
            self._kick_cell(delta)

    def _kick_cell(self, delta: float) -> None:
        assert self.barostat is not None  # noqa: S101 - for the type checker
        self.barostat.kick(self.momenta, self.masses, self.now.require_stress(), self.volume_A3, delta)

    def _drift(self, time_step: float) -> None:
        velocities = self.momenta / self.masses[:, None]
        if self.barostat is None:
            self.positions += time_step * velocities
        else:
            self.positions, self.cell = self.barostat.drift(self.positions, velocities, self.cell, time_step)

    @property
    def volume_A3(self) -> float:
        """Volume of the cell in Å^3."""
        return abs(float(np.linalg.det(self.cell)))

    @property
    def velocities_A_per_ps(self) -> NDArray[np.float64]:
        """Velocities, shape (n_atoms, 3), in Å/ps."""
        return np.asarray(self.momenta / self.masses[:, None] * (1e3 * units.fs))

    def frame(self) -> Frame:
        """Temperature and energies now."""
        kinetic = kinetic_energy_eV(self.momenta, self.masses)
        conserved = self.now.energy_eV + kinetic
        if self.chain is not None:
            conserved += self.chain.energy_eV
        if self.barostat is not None:
            conserved += self.barostat.energy_eV(self.volume_A3)
        temperature = 2 * kinetic / (degrees_of_freedom(len(self.masses)) * units.kB)
        return Frame(self.step, temperature, self.now.energy_eV, conserved)

    def snapshot(self) -> Snapshot:
        """All that can be stored of this moment."""
        return Snapshot(
            self.frame(),
            self.positions,
            self.cell,
            self.velocities_A_per_ps,
            self.now.forces_eV_per_A,
            self.now.stress_eV_per_A3,
        )

    def state(self) -> BuiltinState:
        """All that the next step depends on, as a document."""
        barostat = None
        if self.barostat is not None:
            barostat = BarostatState(
                momentum=self.barostat.momentum.tolist(),
                chain_positions=self.barostat.chain.positions.tolist(),
                chain_momenta=self.barostat.chain.momenta.tolist(),
            )
        return BuiltinState(
            step=self.step,
            positions_A=self.positions.tolist(),
            momenta=self.momenta.tolist(),
            cell_A=self.cell.tolist(),
            thermostat_positions=self.chain.positions.tolist() if self.chain else [],
            thermostat_momenta=self.chain.momenta.tolist() if self.chain else [],
            barostat=barostat,
            random_state=self.random_state,
        )


def _chain(state: BuiltinState, protocol: MDProtocol, n_atoms: int) -> Chain | None:
    if protocol.ensemble == "nve":
        return None
    chain = Chain.at_rest(
        protocol.temperature_K,
        degrees_of_freedom(n_atoms),
        protocol.thermostat_time_constant_fs,
        protocol.thermostat_chain_length,
    )
    if state.thermostat_positions:
        chain.positions[:] = state.thermostat_positions
        chain.momenta[:] = state.thermostat_momenta
    return chain


def _barostat(state: BuiltinState, protocol: MDProtocol, n_atoms: int) -> Barostat | None:
    if protocol.ensemble != "npt":
        return None
    barostat = Barostat.at_rest(
        protocol.temperature_K,
        protocol.pressure_GPa,
        degrees_of_freedom(n_atoms),
        protocol.barostat_time_constant_fs,
        protocol.thermostat_chain_length,
        isotropic=protocol.cell_motion == "isotropic",
    )
    if state.barostat is not None:
        barostat.momentum = np.array(state.barostat.momentum)
        barostat.chain.positions[:] = state.barostat.chain_positions
        barostat.chain.momenta[:] = state.barostat.chain_momenta
    return barostat
