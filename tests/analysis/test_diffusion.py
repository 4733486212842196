"""The estimator: right on average, honest about its error, the same in any frame of reference."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from superionic.analysis.counts import count_estimate, two_way_variance
from superionic.analysis.diffusion import estimate_diffusion
from superionic.analysis.plateau import diffusive_regime
from superionic.analysis.spectrum import displacement_modes, squared_frequencies
from superionic.analysis.synthetic import simulate
from superionic.errors import InputError

SUPERCELL = (2, 1, 2)


def covered(estimate, truth):
    return [low <= truth <= high for low, high in (estimate.interval_68, estimate.interval_95)]


def test_modes_of_a_random_walk_with_noise_are_independent_with_the_exact_spectrum(rng):
    steps, noise = 2.0, 0.5
    walk = np.cumsum(rng.normal(size=(40, 40000)) * np.sqrt(2 * steps), axis=0)
    walk += rng.normal(size=walk.shape) * noise
    modes = displacement_modes(walk, 1.0)
    covariance = modes @ modes.T / modes.shape[1]
    expected = 2 * steps + noise**2 * squared_frequencies(40, 1.0, 39)
    np.testing.assert_allclose(np.diag(covariance), expected, rtol=0.05)
    off = covariance - np.diag(np.diag(covariance))
    assert np.abs(off).max() < 0.06 * expected.max()


def test_brownian_motion_uses_every_mode_and_comes_out_right(rng):
    tensor = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, -0.3], [0.0, -0.3, 0.5]])
    steps = rng.normal(size=(3000, 40, 3)) @ np.linalg.cholesky(2 * tensor).T
    estimate = estimate_diffusion(np.cumsum(steps, axis=0), 1.0)
    np.testing.assert_allclose(estimate.tensor_A2_per_ps, tensor, atol=0.03)
    assert estimate.regime.found
    assert estimate.lag_range_ps[0] < 4.0


def test_vibration_alone_is_no_diffusion(rng, layered_model):
    run = simulate(layered_model(1e-9), 24, 2000, 0.1, rng, supercell=SUPERCELL)
    estimate = estimate_diffusion(run.positions_A, 0.1).isotropic()
    assert estimate.value < 3e-4
    assert estimate.interval_95[1] > 3.0**2 / (6 * 24 * 200)  # one hop could have been missed


def test_correlated_jumps_are_seen_through(rng, layered_model):
    """Fast back-and-forth jumps raise D at short lags; the regime must start after them."""
    model = layered_model(0.3, pair_factor=15.0)
    truth = np.trace(model.diffusion_tensor()) / 3
    estimate = estimate_diffusion(simulate(model, 48, 10000, 0.1, rng, supercell=SUPERCELL).positions_A, 0.1)
    assert model.jump_diffusivity() > 1.3 * truth
    assert abs(estimate.isotropic().value - truth) < 3 * estimate.isotropic().standard_error
    assert estimate.lag_range_ps[0] > 3.0


@pytest.mark.parametrize(
    ("scale", "n_ions", "interval_ps", "n_frames", "seeds"),
    [
        (0.1, 24, 0.1, 2000, 60),
        pytest.param(0.03, 24, 0.1, 2000, 300, marks=pytest.mark.slow),
        pytest.param(0.1, 24, 0.1, 2000, 300, marks=pytest.mark.slow),
        pytest.param(0.03, 48, 0.2, 5000, 200, marks=pytest.mark.slow),
    ],
)
def test_intervals_cover_the_truth_and_scatter_is_near_the_best(
    layered_model, scale, n_ions, interval_ps, n_frames, seeds
):
    """Against the count of the true hops, which is the best that can be known of an uncorrelated walk."""
    model = layered_model(scale)
    tensor = model.diffusion_tensor()
    truth = np.trace(tensor) / 3
    squares = np.sum(model.displacement_A**2, axis=1)
    estimates, counted, axes = [], [], []
    for seed in range(seeds):
        run = simulate(model, n_ions, n_frames, interval_ps, np.random.default_rng(seed), supercell=SUPERCELL)
        estimate = estimate_diffusion(run.positions_A, interval_ps)
        estimates.append(estimate.isotropic())
        counted.append(squares[run.hop_edge].sum() / (6 * n_ions * (n_frames - 1) * interval_ps))
        axes += [covered(estimate.along(u), u @ tensor @ u) for u in np.eye(3)]
    values = np.array([e.value for e in estimates])
    spread = values.std(ddof=1)
    assert abs(values.mean() - truth) < 3.5 * spread / np.sqrt(seeds)
    assert spread < 1.3 * np.std(counted, ddof=1)
    noise = 3 * np.sqrt(0.25 / seeds) if seeds < 200 else 0.0
    share_68, share_95 = np.mean([covered(e, truth) for e in estimates], axis=0)
    assert abs(share_68 - 0.68) < 0.07 + noise
    assert abs(share_95 - 0.95) < 0.03 + noise / 2
    share_68, share_95 = np.mean(axes, axis=0)
    assert abs(share_68 - 0.68) < 0.07 + noise
    assert abs(share_95 - 0.95) < 0.03 + noise / 2


@pytest.mark.parametrize(
    ("scale", "pair_factor", "n_ions", "interval_ps", "n_frames", "seeds"),
    [
        (0.1, 15.0, 24, 0.1, 2000, 60),
        pytest.param(0.1, 15.0, 24, 0.1, 2000, 200, marks=pytest.mark.slow),
        pytest.param(0.03, 15.0, 48, 0.2, 5000, 200, marks=pytest.mark.slow),
    ],
)
def test_intervals_cover_the_truth_of_correlated_walks(
    layered_model, scale, pair_factor, n_ions, interval_ps, n_frames, seeds
):
    """Jumps that go back (D / D_J 0.71): the plateau lies below what most modes show."""
    model = layered_model(scale, pair_factor)
    truth = np.trace(model.diffusion_tensor()) / 3
    assert truth < 0.75 * model.jump_diffusivity()
    found = []
    for seed in range(seeds):
        run = simulate(model, n_ions, n_frames, interval_ps, np.random.default_rng(500 + seed), supercell=SUPERCELL)
        found.append(estimate_diffusion(run.positions_A, interval_ps).isotropic())
    values = np.array([estimate.value for estimate in found])
    assert abs(values.mean() / truth - 1) < 0.02 + 3 * values.std() / truth / np.sqrt(seeds)
    noise = 3 * np.sqrt(0.25 / seeds) if seeds < 200 else 0.0
    share_68, share_95 = np.mean([covered(estimate, truth) for estimate in found], axis=0)
    assert abs(share_68 - 0.68) < 0.07 + noise
    assert abs(share_95 - 0.95) < 0.03 + noise / 2


def test_nothing_depends_on_the_frame_of_reference(rng, layered_model):
    positions = simulate(layered_model(0.1), 24, 2000, 0.1, rng, supercell=SUPERCELL).positions_A
    before = estimate_diffusion(positions, 0.1)
    turn = Rotation.random(rng=rng).as_matrix()
    moved = (positions[:, rng.permutation(24)] + np.array([7.0, -3.0, 11.0])) @ turn
    after = estimate_diffusion(moved, 0.1)
    np.testing.assert_allclose(after.tensor_A2_per_ps, turn.T @ before.tensor_A2_per_ps @ turn, rtol=1e-7, atol=1e-9)
    for axis in np.eye(3):
        np.testing.assert_allclose(
            list(after.along(axis @ turn).model_dump().values())[:2],
            list(before.along(axis).model_dump().values())[:2],
            rtol=1e-6,
        )


def test_ions_that_move_as_one_do_not_count_as_many():
    """24 copies of 3 walkers: the stated error must be the true one, that of three."""
    found = []
    for seed in range(30):
        steps = np.random.default_rng(seed).normal(size=(2000, 3, 3))
        found.append(estimate_diffusion(np.repeat(np.cumsum(steps, axis=0), 8, axis=1), 0.1).isotropic())
    true_error = np.std([estimate.value for estimate in found])
    assert 0.6 < np.median([estimate.standard_error for estimate in found]) / true_error < 1.7


def test_persistent_differences_between_ions_widen_the_error(rng):
    steps = rng.normal(size=(2000, 24, 3)) * np.where(np.arange(24) < 4, 3.0, 0.3)[:, None]
    estimate = estimate_diffusion(np.cumsum(steps, axis=0), 0.1).isotropic()
    assert estimate.standard_error > 0.3 * estimate.value


def test_two_way_variance_of_independent_parts():
    parts = np.random.default_rng(0).normal(size=(10, 24))
    variance, _ = two_way_variance(parts)
    assert variance == pytest.approx(1 / 240, rel=0.3)


def test_gamma_interval_is_that_of_a_poisson_count():
    """A count of 9 events: exact central 68 % interval between the two one-sided ones, 6.1 .. 13.1."""
    estimate = count_estimate(9.0, 9.0)
    assert 6.0 < estimate.interval_68[0] < 7.0
    assert 12.0 < estimate.interval_68[1] < 13.5


def test_too_few_frames_are_refused(rng):
    with pytest.raises(InputError, match="9 analysed frames"):
        estimate_diffusion(rng.normal(size=(9, 4, 3)), 0.1)


def test_regime_of_a_spectrum_that_never_levels_is_not_found():
    frequency = np.arange(1, 400) ** 2.0
    falling = 1e4 / frequency**0.5
    noise = np.random.default_rng(2).gamma(36, 1 / 36, size=399)
    assert not diffusive_regime(falling * noise, frequency, 1 / 36, 1.0).found


@pytest.mark.parametrize("interval_ps", [1e-6, 1e-3])
@pytest.mark.parametrize("n_ions", [1, 3])
def test_a_run_shorter_than_any_vibration_still_has_finite_numbers(rng, interval_ps, n_ions):
    estimate = estimate_diffusion(np.cumsum(rng.normal(size=(10, n_ions, 3)), axis=0), interval_ps).isotropic()
    assert np.isfinite([estimate.value, *estimate.interval_95]).all()
    assert estimate.standard_error > 0.2 * estimate.value
