"""Barostat for NPT runs: the cell as a dynamical variable, isotropic or in full."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import units
from numpy.typing import NDArray

from superionic.dynamics.builtin.nose_hoover import Chain

Floats = NDArray[np.float64]


@dataclass
class Barostat:
    """Martyna-Tobias-Klein barostat with a thermostat chain of its own.

    Martyna, Tobias, Klein, J. Chem. Phys. 101, 4177 (1994); propagators as in Yu et al., Chem. Phys. 370, 294 (2010).
    The strain rate is kept symmetric, so that the cell never rotates.

    Attributes
    ----------
    pressure_eV_per_A3
        External pressure.
    mass
        W = (N_f + 3) k T tau^2 / 3, in eV x ASE time squared.
    degrees_of_freedom
        N_f of the particles.
    isotropic
        Whether the cell keeps its shape.
    momentum
        W times the strain rate, symmetric, shape (3, 3).
    chain
        Thermostat of the barostat.
    """

    pressure_eV_per_A3: float
    mass: float
    degrees_of_freedom: int
    isotropic: bool
    momentum: Floats
    chain: Chain

    @classmethod
    def at_rest(
        cls,
        temperature_K: float,
        pressure_GPa: float,
        degrees_of_freedom: int,
        time_constant_fs: float,
        chain_length: int,
        isotropic: bool,
    ) -> Barostat:
        """A barostat whose cell does not move."""
        mass = (degrees_of_freedom + 3) * units.kB * temperature_K * (time_constant_fs * units.fs) ** 2 / 3
        chain = Chain.at_rest(temperature_K, 1 if isotropic else 6, time_constant_fs, chain_length)
        return cls(pressure_GPa * units.GPa, mass, degrees_of_freedom, isotropic, np.zeros((3, 3)), chain)

    @property
    def strain_rate(self) -> Floats:
        """Rate at which the cell deforms, in inverse ASE time, shape (3, 3)."""
        return self.momentum / self.mass

    @property
    def kinetic_energy_eV(self) -> float:
        """Kinetic energy of the cell."""
        return float(np.sum(self.momentum**2) / (2 * self.mass))

    def energy_eV(self, volume_A3: float) -> float:
        """What barostat and external pressure add to the conserved quantity."""
        return self.kinetic_energy_eV + self.chain.energy_eV + self.pressure_eV_per_A3 * volume_A3

    def thermostat_half_step(self, time_step: float) -> None:
        """Propagate the barostat's own chain by half a time step."""
        self.momentum = self.momentum * self.chain.half_step(self.kinetic_energy_eV, time_step)

    def kick(self, momenta: Floats, masses: Floats, stress_eV_per_A3: Floats, volume_A3: float, delta: float) -> None:
        """Accelerate the cell by the difference of internal and external pressure for the time `delta`."""
        kinetic = (momenta / masses[:, None]).T @ momenta
        force = kinetic - volume_A3 * (stress_eV_per_A3 + self.pressure_eV_per_A3 * np.eye(3))
        force += np.trace(kinetic) / self.degrees_of_freedom * np.eye(3)
        force = np.trace(force) / 3 * np.eye(3) if self.isotropic else (force + force.T) / 2
        self.momentum = self.momentum + delta * force

    def kick_particles(self, momenta: Floats, forces: Floats, delta: float) -> Floats:
        """Momenta after forces and the drag of the deforming cell have acted for the time `delta`."""
        rates, axes = np.linalg.eigh(self.strain_rate)
        rates = rates + rates.sum() / self.degrees_of_freedom
        decay, response = np.exp(-delta * rates), delta * _exprel(-delta * rates)
        return np.asarray(((momenta @ axes) * decay + (forces @ axes) * response) @ axes.T)

    def drift(self, positions: Floats, velocities: Floats, cell: Floats, delta: float) -> tuple[Floats, Floats]:
        """Positions and cell after moving and deforming for the time `delta`."""
        rates, axes = np.linalg.eigh(self.strain_rate)
        growth = np.exp(delta * rates)
        moved = (positions @ axes) * growth + (velocities @ axes) * (delta * _exprel(delta * rates))
        return np.asarray(moved @ axes.T), np.asarray((cell @ axes) * growth @ axes.T)


def _exprel(x: Floats) -> Floats:
    """(exp(x) - 1) / x, exact at 0."""
    small = np.abs(x) < 1e-12
    return np.where(small, 1.0, np.expm1(x) / np.where(small, 1.0, x))
