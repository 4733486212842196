"""Collective transport of walkers whose correlation is known."""

import numpy as np
import pytest

from superionic.analysis import diffusivity
from superionic.analysis.motion import SpeciesSums
from superionic.analysis.spectral.collective import estimate_collective
from superionic.analysis.spectral.diffusion import estimate_diffusion


def collective(positions):
    wholes = SpeciesSums(["Li"], np.array([positions.shape[1]]), positions.sum(axis=1, keepdims=True))
    return estimate_collective(wholes, {"Li": 1.0}, 1.0, estimate_diffusion(positions, 1.0))


def test_independent_walkers_have_haven_ratio_one():
    """200 repeats: right on average, and the intervals hold."""
    covered, values = [], []
    for seed in range(200):
        walk = np.cumsum(np.random.default_rng(seed).normal(size=(400, 12, 3)), axis=0)
        haven = collective(walk).haven_ratio
        values.append(haven.value)
        covered.append([low <= 1 <= high for low, high in (haven.interval_68, haven.interval_95)])
    assert np.mean(values) == pytest.approx(1.0, abs=4 * np.std(values) / np.sqrt(200))
    share_68, share_95 = np.mean(covered, axis=0)
    assert abs(share_68 - 0.68) < 0.07
    assert abs(share_95 - 0.95) < 0.03


def test_walkers_in_step_have_haven_ratio_one_over_n(rng):
    one = np.cumsum(rng.normal(size=(3000, 1, 3)), axis=0)
    result = collective(np.repeat(one, 8, axis=1))
    assert result.haven_ratio.value == pytest.approx(1 / 8, rel=0.4)
    assert result.charge_diffusivity.value == pytest.approx(8 * 0.5, rel=0.25)


def test_onsager_matrix_of_two_species_moving_against_each_other(rng):
    walk = np.cumsum(rng.normal(size=(4000, 1, 3)), axis=0)
    wholes = SpeciesSums(["Cl", "Li"], np.array([1, 1]), np.concatenate([walk, -walk], axis=1))
    tracer = estimate_diffusion(walk, 1.0)
    onsager = estimate_collective(wholes, {"Cl": -1.0}, 1.0, tracer).onsager
    np.testing.assert_allclose(onsager, 0.25 * np.array([[1, -1], [-1, 1]]), rtol=0.2)


def test_document_of_independent_ions(make_run):
    document = diffusivity(make_run(n_frames=4000)[0])
    low, high = document.collective.haven_ratio.interval_95
    assert low < 1 < high
    assert document.collective.onsager_species == ["Cl", "In", "Li"]
    charge = document.collective.charge_diffusivity_cm2_per_s.value
    assert document.collective.conductivity_mS_per_cm.value / document.conductivity_mS_per_cm.value == pytest.approx(
        charge / document.diffusivity_cm2_per_s.value
    )
    onsager = np.array(document.collective.onsager_A2_per_ps)
    assert onsager[2, 2] * 80 / 24 * 1e-4 == pytest.approx(charge, rel=1e-6)
