"""The chain samples NVT with 3N - 3 degrees of freedom and conserves what it must."""

import numpy as np
import pytest
from ase import units

from superionic.dynamics.builtin.nose_hoover import Chain, degrees_of_freedom, kinetic_energy_eV, maxwell_boltzmann

TIME_STEP = 2 * units.fs


def coupled_oscillators(n_atoms, seed=0):
    """Force and energy of anharmonic springs between all atoms of a ring: translation invariant."""
    rng = np.random.default_rng(seed)
    stiffness = rng.uniform(1.0, 4.0, size=(n_atoms, 1))

    def evaluate(x):
        stretch = np.roll(x, -1, axis=0) - x
        energy = np.sum(stiffness * (stretch**2 / 2 + stretch**4))
        pull = stiffness * (stretch + 4 * stretch**3)
        return energy, pull - np.roll(pull, 1, axis=0)

    return evaluate


def run(n_atoms, n_steps, temperature_K=700.0, seed=1, degrees=None):
    rng = np.random.default_rng(seed)
    masses = rng.uniform(5.0, 40.0, n_atoms)
    evaluate = coupled_oscillators(n_atoms)
    x = np.zeros((n_atoms, 3))
    p = maxwell_boltzmann(masses, temperature_K, rng)
    chain = Chain.at_rest(temperature_K, degrees or degrees_of_freedom(n_atoms), 50.0, 3)
    energy, force = evaluate(x)
    kinetic, conserved = [], []
    for _ in range(n_steps):
        p *= chain.half_step(kinetic_energy_eV(p, masses), TIME_STEP)
        p += TIME_STEP / 2 * force
        x += TIME_STEP * p / masses[:, None]
        energy, force = evaluate(x)
        p += TIME_STEP / 2 * force
        p *= chain.half_step(kinetic_energy_eV(p, masses), TIME_STEP)
        kinetic.append(kinetic_energy_eV(p, masses))
        conserved.append(energy + kinetic[-1] + chain.energy_eV)
    return np.array(kinetic), np.array(conserved), p, masses


@pytest.fixture(scope="module")
def sampled():
    return run(n_atoms=8, n_steps=40_000)


def test_mean_temperature_is_the_target(sampled):
    kinetic = sampled[0][20_000:]
    temperature = 2 * kinetic.mean() / (degrees_of_freedom(8) * units.kB)
    assert temperature == pytest.approx(700, rel=0.02)  # 3N degrees of freedom would give 800 K


def test_kinetic_energy_fluctuates_as_nvt_demands(sampled):
    kinetic = sampled[0][10_000:]
    assert kinetic.var() / kinetic.mean() ** 2 == pytest.approx(2 / degrees_of_freedom(8), rel=0.15)


def test_conserved_quantity_does_not_drift(sampled):
    conserved = sampled[1]
    slope = np.polyfit(np.arange(len(conserved)) * 2e-3, conserved, 1)[0]  # eV/ps
    assert abs(slope) / 8 < 1e-6
    assert np.ptp(conserved) / 8 < 2e-3


def test_total_momentum_stays_zero(sampled):
    assert np.abs(sampled[2].sum(axis=0)).max() < 1e-9


def test_initial_momenta_have_the_temperature_and_no_drift():
    masses = np.array([6.9, 6.9, 35.4, 114.8])
    momenta = maxwell_boltzmann(masses, 500.0, np.random.default_rng(3))
    assert 2 * kinetic_energy_eV(momenta, masses) / (9 * units.kB) == pytest.approx(500)
    assert np.allclose(momenta.sum(axis=0), 0, atol=1e-12)


def test_time_reversal_brings_a_thermostatted_step_back():
    masses = np.array([10.0, 20.0])
    chain = Chain.at_rest(300.0, 3, 40.0, 3)
    chain.momenta[:] = [0.3, -0.2, 0.1]
    before = (chain.positions.copy(), chain.momenta.copy())
    p = np.array([[1.0, 0.5, -0.2], [-1.0, -0.5, 0.2]])
    forward = p * chain.half_step(kinetic_energy_eV(p, masses), TIME_STEP)
    chain.momenta *= -1
    back = -forward * chain.half_step(kinetic_energy_eV(forward, masses), TIME_STEP)
    assert np.allclose(back, -p, rtol=1e-9)
    assert np.allclose(chain.momenta, -before[1], atol=1e-10)
    assert np.allclose(chain.positions, before[0], atol=1e-10)
