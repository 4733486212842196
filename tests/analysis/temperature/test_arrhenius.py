"""Arrhenius fit: exact lines, honest posteriors."""

import numpy as np
import pytest

from superionic.analysis.spectral.counts import count_estimate
from superionic.analysis.temperature.arrhenius import fit_arrhenius
from superionic.analysis.units import BOLTZMANN_EV_PER_K
from superionic.errors import InputError

TEMPERATURES = np.array([700.0, 775.0, 850.0, 925.0, 1000.0])


def line(energy, prefactor, temperatures=TEMPERATURES):
    return prefactor * np.exp(-energy / (BOLTZMANN_EV_PER_K * temperatures))


def fit(values, relative, temperatures=TEMPERATURES):
    return fit_arrhenius(temperatures, [count_estimate(v, (relative * v) ** 2) for v in values])


def test_exact_line_comes_back():
    result = fit(line(0.3, 1e-3), 0.01)
    assert result.activation_energy().value == pytest.approx(0.3, abs=1e-3)
    assert result.prefactor().value == pytest.approx(1e-3, rel=0.02)
    assert result.diffusivity(300).value == pytest.approx(line(0.3, 1e-3, 300.0), rel=0.03)
    assert result.is_arrhenius


def test_small_errors_give_the_least_squares_error():
    relative = 0.02
    inverse = 1 / (BOLTZMANN_EV_PER_K * TEMPERATURES)
    expected = relative / np.sqrt(np.sum((inverse - inverse.mean()) ** 2))
    assert fit(line(0.3, 1e-3), relative).activation_energy().standard_error == pytest.approx(expected, rel=0.01)


def test_extrapolation_is_asymmetric():
    estimate = fit(line(0.3, 1e-3), 0.2).diffusivity(300)
    assert estimate.interval_68[1] - estimate.value > 1.3 * (estimate.value - estimate.interval_68[0])


@pytest.mark.parametrize("hops", [10, 100])
def test_intervals_cover_the_truth(hops):
    """Poisson counts of hops as diffusivities, 400 repeats."""
    rng = np.random.default_rng(5)
    truth = line(0.3, 1.0)
    mean_hops = hops * truth / truth.min()
    shares = np.zeros((2, 2))
    for _ in range(400):
        counts = np.maximum(rng.poisson(mean_hops), 1)
        values = counts / mean_hops * truth
        result = fit_arrhenius(TEMPERATURES, [count_estimate(v, v**2 / n) for v, n in zip(values, counts, strict=True)])
        pairs = ((result.activation_energy(), 0.3), (result.diffusivity(300), line(0.3, 1.0, 300.0)))
        for row, (estimate, true) in enumerate(pairs):
            for column, (low, high) in enumerate((estimate.interval_68, estimate.interval_95)):
                shares[row, column] += low <= true <= high
    shares /= 400
    np.testing.assert_allclose(shares[:, 0], 0.68, atol=0.07)
    np.testing.assert_allclose(shares[:, 1], 0.95, atol=0.03)


def test_a_kink_is_flagged():
    values = line(0.3, 1e-3) * np.where(TEMPERATURES < 800, 0.2, 1.0)
    result = fit(values, 0.05)
    assert not result.is_arrhenius
    assert result.activation_energy().standard_error > 2 * fit(line(0.3, 1e-3), 0.05).activation_energy().standard_error


def test_two_points_fit_exactly_and_say_nothing_of_curvature():
    result = fit(line(0.3, 1e-3, TEMPERATURES[[0, -1]]), 0.1, TEMPERATURES[[0, -1]])
    assert result.degrees_of_freedom == 0
    assert result.curvature_z is None
    assert result.activation_energy().value == pytest.approx(0.3, abs=0.01)


def test_one_poor_point_pulls_less_than_good_ones():
    values = line(0.3, 1e-3) * np.array([0.2, 1, 1, 1, 1])
    estimates = [count_estimate(v, (r * v) ** 2) for v, r in zip(values, [1.0, 0.05, 0.05, 0.05, 0.05], strict=True)]
    assert fit_arrhenius(TEMPERATURES, estimates).activation_energy().value == pytest.approx(0.3, abs=0.02)


def test_what_the_data_leave_open_is_not_stated():
    close = np.array([700.0, 700.5])
    result = fit(line(0.3, 1e-3, close), 0.5, close)
    assert result.diffusivity(700.0) is not None
    assert result.diffusivity(300.0) is None
    assert result.prefactor() is None


def test_bad_input():
    with pytest.raises(InputError, match="two different temperatures"):
        fit(line(0.3, 1.0, np.array([700.0, 700.0])), 0.1, np.array([700.0, 700.0]))
    with pytest.raises(InputError, match="must be positive"):
        fit_arrhenius([700, 800], [count_estimate(0.0, 1.0), count_estimate(1.0, 0.1)])
