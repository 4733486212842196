"""NPT samples the exact volume distribution of a system that has one, without rotating the cell."""

import numpy as np
import pytest

from elastic_gas import N_ATOMS, exact_mean_and_deviation, gas, gas_in_an_elastic_box
from superionic.documents import MDProtocol
from superionic.dynamics.builtin.integrator import Integrator
from superionic.dynamics.builtin.start import initial_state

FAST = {"thermostat_time_constant_fs": 20, "barostat_time_constant_fs": 60}
"""With a slow barostat the amplitude of the volume itself takes ps to change, and a short run samples few of them."""


def run(cell_motion, n_steps, pressure_GPa=0.0, seed=1, **protocol):
    structure = gas()
    settings = MDProtocol(
        ensemble="npt", temperature_K=600, pressure_GPa=pressure_GPa, cell_motion=cell_motion, length_ps=1,
        equilibration_ps=0, time_step_fs=2, seed=seed,
        **{"thermostat_time_constant_fs": 40, "barostat_time_constant_fs": 150, **protocol},
    )  # fmt: skip
    integrator = Integrator(
        initial_state(structure, settings), np.array(structure.atomic_numbers), settings, gas_in_an_elastic_box
    )
    volumes, conserved, temperatures = [], [], []
    for _ in range(n_steps):
        integrator.advance()
        frame = integrator.frame()
        volumes.append(integrator.volume_A3)
        conserved.append(frame.conserved_energy_eV)
        temperatures.append(frame.temperature_K)
    return np.array(volumes), np.array(conserved), np.array(temperatures), integrator


@pytest.mark.parametrize("pressure_GPa", [0.0, 0.1])
def test_isotropic_volume_distribution_is_exact(pressure_GPa):
    volumes, conserved, temperatures, _ = run("isotropic", 20_000, pressure_GPa)
    mean, deviation = exact_mean_and_deviation(pressure_GPa)
    assert volumes[4000:].mean() == pytest.approx(mean, rel=0.02)
    assert volumes[4000:].std() == pytest.approx(deviation, rel=0.1)
    assert temperatures[4000:].mean() == pytest.approx(600, rel=0.02)
    assert np.ptp(conserved) < 5e-3


@pytest.mark.slow
def test_volume_distribution_of_a_full_cell_is_exact():
    """Over three runs: where a single one goes depends on the last digits, which differ between processors."""
    runs = [run("full", 10_000, seed=seed, **FAST) for seed in (1, 2, 3)]
    volumes, temperatures = (np.concatenate([each[k][1500:] for each in runs]) for k in (0, 2))
    mean, deviation = exact_mean_and_deviation(0.0)
    assert volumes.mean() == pytest.approx(mean, rel=0.02)
    assert volumes.std() == pytest.approx(deviation, rel=0.15)
    assert temperatures.mean() == pytest.approx(600, rel=0.02)


def test_full_cell_keeps_its_orientation_and_its_energy():
    *_, conserved, _, integrator = run("full", 8000)
    assert np.ptp(conserved) < 2e-2
    # A symmetric strain of a cubic box: the deformation from the start has no rotation.
    rate = integrator.barostat.strain_rate
    assert np.allclose(rate, rate.T, atol=1e-15)
    assert np.abs(integrator.momenta.sum(axis=0)).max() < 1e-10


def test_an_isotropic_cell_keeps_its_shape():
    *_, integrator = run("isotropic", 500)
    assert np.allclose(integrator.cell, integrator.cell[0, 0] * np.eye(3), atol=1e-12)


def test_an_npt_run_goes_on_bit_for_bit_from_its_state():
    *_, whole = run("full", 300)
    *_, half = run("full", 150)
    resumed = Integrator(half.state(), np.array([10] * N_ATOMS), half.protocol, gas_in_an_elastic_box)
    for _ in range(150):
        resumed.advance()
    assert np.array_equal(resumed.positions, whole.positions)
    assert np.array_equal(resumed.cell, whole.cell)
    assert resumed.state() == whole.state()
