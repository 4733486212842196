"""Velocity Verlet with a Nose-Hoover chain, on arrays.

ASE's chain counts 3N degrees of freedom, which heats a run without total momentum by 3N/(3N-3), and keeps its state to
itself; a run that must go on bit for bit from a stored state needs its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import units
from numpy.typing import NDArray

_YOSHIDA = (1 / (2 - 2 ** (1 / 3)), -(2 ** (1 / 3)) / (2 - 2 ** (1 / 3)), 1 / (2 - 2 ** (1 / 3)))


@dataclass
class Chain:
    """Nose-Hoover chain thermostat.

    Martyna, Tuckerman, Tobias, Klein, Mol. Phys. 87, 1117 (1996), with the fourth-order Suzuki-Yoshida splitting.

    Attributes
    ----------
    thermal_energy_eV
        k T in eV.
    degrees_of_freedom
        N_f, the momentum components that the thermostat drives.
    masses
        Q_1 = N_f k T tau^2 and Q_j = k T tau^2, in eV x ASE time squared.
    positions, momenta
        The chain's own state, one entry a thermostat.
    """

    thermal_energy_eV: float
    degrees_of_freedom: int
    masses: NDArray[np.float64]
    positions: NDArray[np.float64]
    momenta: NDArray[np.float64]

    @classmethod
    def at_rest(cls, temperature_K: float, degrees_of_freedom: int, time_constant_fs: float, length: int) -> Chain:
        """A chain with zero positions and momenta."""
        thermal_energy = units.kB * temperature_K
        masses = np.full(length, thermal_energy * (time_constant_fs * units.fs) ** 2)
        masses[0] *= degrees_of_freedom
        return cls(thermal_energy, degrees_of_freedom, masses, np.zeros(length), np.zeros(length))

    @property
    def energy_eV(self) -> float:
        """What the chain adds to the conserved quantity."""
        kinetic = 0.5 * np.sum(self.momenta**2 / self.masses)
        potential = self.degrees_of_freedom * self.positions[0] + np.sum(self.positions[1:])
        return float(kinetic + self.thermal_energy_eV * potential)

    def half_step(self, kinetic_energy_eV: float, time_step: float) -> float:
        """Propagate the chain by half a time step.

        Returns
        -------
        float
            The factor that all particle momenta are to be multiplied by.
        """
        scale = 1.0
        for weight in _YOSHIDA:
            delta = weight * time_step / 2
            self._kick(kinetic_energy_eV * scale**2, delta, range(len(self.masses) - 1, -1, -1))
            scale *= float(np.exp(-delta * self.momenta[0] / self.masses[0]))
            self.positions += delta * self.momenta / self.masses
            self._kick(kinetic_energy_eV * scale**2, delta, range(len(self.masses)))
        return scale

    def _kick(self, kinetic_energy_eV: float, delta: float, order: range) -> None:
        last = len(self.masses) - 1
        for j in order:
            drag = np.exp(-delta / 4 * self.momenta[j + 1] / self.masses[j + 1]) if j < last else 1.0
            if j == 0:
                force = 2 * kinetic_energy_eV - self.degrees_of_freedom * self.thermal_energy_eV
            else:
                force = self.momenta[j - 1] ** 2 / self.masses[j - 1] - self.thermal_energy_eV
            self.momenta[j] = (self.momenta[j] * drag + delta / 2 * force) * drag


def kinetic_energy_eV(momenta: NDArray[np.float64], masses: NDArray[np.float64]) -> float:
    """Kinetic energy of momenta, shape (n_atoms, 3), in ASE units."""
    return float(0.5 * np.sum(momenta**2 / masses[:, None]))


def maxwell_boltzmann(
    masses: NDArray[np.float64], temperature_K: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Momenta at exactly `temperature_K` without total momentum, shape (n_atoms, 3), in ASE units."""
    momenta = generator.normal(size=(len(masses), 3)) * np.sqrt(masses * units.kB * temperature_K)[:, None]
    momenta -= masses[:, None] * momenta.sum(axis=0) / masses.sum()
    target = 0.5 * degrees_of_freedom(len(masses)) * units.kB * temperature_K
    return np.asarray(momenta * np.sqrt(target / kinetic_energy_eV(momenta, masses)))


def degrees_of_freedom(n_atoms: int) -> int:
    """3N - 3: total momentum is conserved and zero."""
    return 3 * n_atoms - 3
