"""Van Hove, non-Gaussian parameter, radial distribution and vibration against closed forms."""

import numpy as np
import pytest
from scipy.stats import chi

from superionic.analysis.distributions.displacement_distribution import non_gaussian_parameter, van_hove_self
from superionic.analysis.distributions.rdf import radial_distribution
from superionic.analysis.distributions.vibration import attempt_frequency_THz
from superionic.errors import InputError
from superionic.trajectories.trajectory import from_arrays


def test_gaussian_walk_has_no_non_gaussian_parameter(rng):
    walk = np.cumsum(rng.normal(size=(4000, 30, 3)), axis=0)
    assert np.abs(non_gaussian_parameter(walk, [1, 5, 20])).max() < 0.05


def test_rare_jumps_have_a_large_one(rng):
    """Jumps of one length with probability p per frame: alpha_2 = 3 / (5 p) - 1 at lag 1."""
    jumps = rng.random(size=(20000, 10)) < 0.1
    axis = np.eye(3)[rng.integers(0, 3, size=jumps.shape)] * rng.choice([-1, 1], size=jumps.shape)[..., None]
    walk = np.cumsum(jumps[..., None] * axis, axis=0)
    assert non_gaussian_parameter(walk.astype(float), [1])[0] == pytest.approx(3 / (5 * 0.1) - 1, rel=0.05)


def test_van_hove_of_a_gaussian_walk_is_maxwellian(rng):
    walk = np.cumsum(rng.normal(size=(3000, 20, 3)), axis=0)
    edges = np.linspace(0, 12, 25)
    result = van_hove_self(walk, [4], edges)[0]
    expected = np.diff(chi(3, scale=2.0).cdf(edges)) / np.diff(edges)
    np.testing.assert_allclose(result, expected, atol=0.01)
    with pytest.raises(InputError, match="lag = 3000"):
        van_hove_self(walk, [3000], edges)


def test_ideal_gas_has_a_flat_radial_distribution(rng):
    cell = np.array([[12.0, 0, 0], [-4.0, 11.0, 0], [3.0, 2.0, 13.0]])
    gas = rng.uniform(size=(200, 40, 3)) @ cell
    run = from_arrays(gas, cell, ["Li"] * 20 + ["Cl"] * 20, 1.0, 300, "Li")
    for pair in (("Li", "Cl"), ("Li", "Li")):
        r, g = radial_distribution(run, *pair, bin_A=0.25)
        np.testing.assert_allclose(g[r > 2.0], 1.0, atol=0.1)


def test_crystal_has_its_shells(rng):
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3), axis=-1).reshape(-1, 3) * 3.0
    run = from_arrays(np.repeat(grid[None], 3, axis=0), np.eye(3) * 12, ["Cl"] * 64, 1.0, 300, "Cl")
    r, g = radial_distribution(run, "Cl", "Cl", bin_A=0.1)
    shells = g * 4 * np.pi * r**2 * 0.1 * 64 / 12**3
    assert shells[(r > 2.9) & (r < 3.2)].sum() == pytest.approx(6, rel=0.05)
    assert shells[(r > 4.1) & (r < 4.4)].sum() == pytest.approx(12, rel=0.05)
    with pytest.raises(InputError, match="half the smallest height"):
        radial_distribution(run, "Cl", "Cl", r_max_A=7.0)
    with pytest.raises(InputError, match="'Br' is not in the run"):
        radial_distribution(run, "Cl", "Br")


def vibration(interval, n_frames=4000):
    """Ions that vibrate with frequencies about 3 THz."""
    rng = np.random.default_rng(1)
    frequency, phase = rng.normal(3.0, 0.4, size=(10, 3, 20)), rng.uniform(0, 2 * np.pi, size=(10, 3, 20))
    time = np.arange(n_frames)[:, None, None, None] * interval
    return 0.05 * np.cos(2 * np.pi * frequency * time + phase).sum(axis=-1)


@pytest.mark.parametrize("interval", [0.01, 0.02, 0.05, 0.1])
def test_attempt_frequency_does_not_depend_on_the_sampling(interval):
    assert attempt_frequency_THz(vibration(interval), interval) == pytest.approx(3.05, rel=0.05)


def test_attempt_frequency_is_refused_at_coarse_sampling():
    with pytest.raises(InputError, match="too coarse"):
        attempt_frequency_THz(vibration(0.15), 0.15)
    with pytest.raises(InputError, match="too few"):
        attempt_frequency_THz(vibration(0.02, 50), 0.02)
