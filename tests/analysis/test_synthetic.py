"""The ruler itself: rates in, truth out."""

import numpy as np
import pytest

from superionic.analysis.distributions.displacement import mean_squared_displacement
from superionic.analysis.synthetic import hopping_model, simulate


def test_cubic_walk_has_the_textbook_diffusivity():
    model = hopping_model(np.eye(3) * 3.0, [(0, 0, 0)], ["A"], 3.1, {("A", "A"): 0.1})
    assert len(model.source) == 6
    np.testing.assert_allclose(model.diffusion_tensor(), np.eye(3) * 0.6 * 9 / 6, atol=1e-12)


def test_one_dimensional_chain_of_fast_and_slow_hops_has_the_harmonic_mean():
    """D = L^2 / (1/k1 + 1/k2) for alternating rates k1, k2 over a period L (two sites)."""
    model = hopping_model(np.diag([6.0, 50.0, 50.0]), [(0, 0, 0), (0.4, 0, 0)], ["A", "B"], 4.0, {("A", "B"): 1.0})
    fast = np.isclose(np.abs(model.displacement_A[:, 0]), 2.4)
    k1, k2 = 5.0, 0.5
    model = type(model)(**{**model.__dict__, "rate_per_ps": np.where(fast, k1, k2)})
    assert model.diffusion_tensor()[0, 0] == pytest.approx(0.5 * 36.0 * k1 * k2 / (k1 + k2))
    assert 3 * model.jump_diffusivity() > 1.5 * model.diffusion_tensor()[0, 0]  # 1D: hops go back


def test_simulated_displacement_grows_with_the_analytic_tensor(rng, layered_model):
    model = layered_model(0.3, pair_factor=5.0)
    run = simulate(model, 600, 2000, 0.1, rng)
    msd = mean_squared_displacement(run.positions_A)
    slope = (msd[600] - msd[200]) / (2 * 400 * 0.1)
    np.testing.assert_allclose(slope, model.diffusion_tensor(), atol=0.05 * model.diffusion_tensor().max())


def test_hops_come_at_the_given_rate(rng, layered_model):
    model = layered_model(0.1)
    run = simulate(model, 200, 2000, 0.1, rng)
    expected = model.hop_rate_per_ps() * 200 * 199.9
    assert abs(run.n_hops - expected) < 4 * np.sqrt(expected)


def test_vibration_has_the_given_amplitude_and_no_diffusion(rng, layered_model):
    model = layered_model(1e-9)
    run = simulate(model, 50, 4000, 0.05, rng, vibration_A=0.3)
    assert run.positions_A.std(axis=0).mean() == pytest.approx(0.3, rel=0.02)


def test_same_seed_same_walk(layered_model):
    runs = [simulate(layered_model(), 5, 100, 0.1, np.random.default_rng(3)).positions_A for _ in range(2)]
    assert np.array_equal(*runs)
