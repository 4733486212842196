"""An ideal gas in an elastic box: its volume has a distribution that is known exactly."""

import numpy as np
from ase import units
from pymatgen.core import Lattice, Structure

from superionic.potentials import Evaluation

N_ATOMS = 12
VOLUME0_A3 = 600.0
STIFFNESS = 4e-6  # eV/Å^6


def gas_in_an_elastic_box(positions, cell):
    """No forces; U = k (V - V0)^2 / 2 + a term that keeps the box cubic."""
    volume = abs(np.linalg.det(cell))
    metric = cell @ cell.T / np.cbrt(volume) ** 2 - np.eye(3)
    energy = STIFFNESS / 2 * (volume - VOLUME0_A3) ** 2 + 20 * np.sum(metric**2)
    stress = STIFFNESS * (volume - VOLUME0_A3) * np.eye(3)
    # d metric / d strain for row vectors, traceless part: the shape term does not feel the volume
    scaled = cell / np.cbrt(volume)
    shape = scaled.T @ metric @ scaled
    stress = stress + 80 * (shape - np.trace(shape) / 3 * np.eye(3)) / volume
    return Evaluation(float(energy), np.zeros_like(positions), stress)


def gas():
    """The atoms at the start."""
    return Structure(
        Lattice.cubic(np.cbrt(VOLUME0_A3)), ["Ne"] * N_ATOMS, np.random.default_rng(0).random((N_ATOMS, 3))
    )


def exact_mean_and_deviation(pressure_GPa):
    """p(V) ~ V^(N-1) exp(-(U + P V)/kT): N - 1 because the centre of mass is at rest."""
    thermal = units.kB * 600
    volume = np.linspace(100, 1500, 20_001)
    exponent = (N_ATOMS - 1) * np.log(volume) - (
        STIFFNESS / 2 * (volume - VOLUME0_A3) ** 2 + pressure_GPa * units.GPa * volume
    ) / thermal
    weight = np.exp(exponent - exponent.max())
    weight /= weight.sum()
    mean = np.sum(weight * volume)
    return mean, np.sqrt(np.sum(weight * (volume - mean) ** 2))
