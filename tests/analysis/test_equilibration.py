"""Where analysis starts: moved when the energy settles late, left alone when it does not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter

from superionic.analysis.equilibration import settled
from superionic.analysis.quality import equilibration_check
from superionic.trajectories.trajectory import from_arrays


def run_with(energies, equilibration_ps=0.0):
    positions = np.zeros((len(energies), 2, 3)) + np.array([[0.0, 0, 0], [3.0, 0, 0]])
    run = from_arrays(positions, np.eye(3) * 9.0, ["Li", "Cl"], 0.1, 700.0, "Li", equilibration_ps=equilibration_ps)
    return replace(run, potential_energies_eV=energies)


def noise(seed, phi=0.9, n=2000):
    return lfilter([1.0], [1.0, -phi], np.random.default_rng(seed).normal(size=n + 200))[200:]


@pytest.mark.parametrize("phi", [0.0, 0.9])
def test_a_settled_run_is_left_alone(phi):
    found = [settled(run_with(noise(seed, phi))) for seed in range(100)]
    assert sum(run.equilibration_ps > 0 for run, _ in found) <= 5
    assert sum(not settling.found for _, settling in found) <= 3


@pytest.mark.parametrize(("settling_ps", "given_ps"), [(10.0, 0.0), (20.0, 0.0), (10.0, 5.0)])
def test_the_start_is_moved_to_where_the_energy_has_settled(settling_ps, given_ps):
    time = np.arange(2000) * 0.1
    for seed in range(20):
        run, settling = settled(run_with(noise(seed) + 30 * np.exp(-time / settling_ps), given_ps))
        assert settling_ps < run.equilibration_ps < 8 * settling_ps
        check = equilibration_check(settling)
        assert check.value == pytest.approx(run.equilibration_ps - given_ps)
        assert check.passed, check.reason


def test_an_energy_that_never_settles_is_refused():
    drift = np.linspace(30, 0, 2000)
    assert sum(not settled(run_with(noise(seed) + drift))[1].found for seed in range(20)) >= 19


def test_many_frames_are_read_in_means():
    time = np.arange(100_000) * 0.1
    run, settling = settled(run_with(noise(0, n=100_000) + 30 * np.exp(-time / 300.0)))
    assert 600 < run.equilibration_ps < 4000
    assert settling.found


def test_nothing_is_said_without_energies_or_with_a_few():
    run = replace(run_with(noise(0)), potential_energies_eV=None)
    assert settled(run) == (run, None)
    assert settled(run_with(np.arange(30.0)))[1] is None
