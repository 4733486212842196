"""Differences and means of posteriors against what is known in closed form."""

import numpy as np
import pytest
from scipy import stats

from superionic.analysis.temperature.posterior import Posterior, mean


def normal(centre, width):
    points = centre + width * np.linspace(-8, 8, 1601)
    weight = stats.norm.pdf(points, centre, width)
    return Posterior(points, weight / weight.sum())


@pytest.mark.parametrize("widths", [(1.0, 1.0), (1.0, 0.02), (3e-3, 40.0)])
def test_the_difference_of_normals_is_normal(widths):
    difference = normal(3.0, widths[0]).minus(normal(1.0, widths[1]))
    width = np.hypot(*widths)
    found = difference.estimate()
    assert found.value == pytest.approx(2.0, abs=0.01 * width)
    assert found.standard_error == pytest.approx(width, rel=0.01)
    assert found.interval_95[1] == pytest.approx(2.0 + 1.96 * width, abs=0.02 * width)
    z, p_value = difference.significance()
    assert z == pytest.approx(2.0 / width, abs=0.01 + 0.01 * 2 / width)
    assert p_value == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-6)


@pytest.mark.parametrize("counts", [(4, 4), (30, 3), (1000, 0.5), (250, 400)])
def test_the_ratio_of_two_counts_follows_f(counts):
    """ln of a ratio of gamma variables, whose probabilities are those of Fisher's F."""
    n, m = counts
    difference = Posterior.log_of_counts(n, n / 2.0).minus(Posterior.log_of_counts(m, m / 1.5))
    ratio = stats.f(2 * n, 2 * m)
    for probability in (0.025, 0.16, 0.5, 0.84, 0.975):
        wanted = np.log(ratio.ppf(probability) * 2.0 / 1.5)
        found = np.interp(probability, np.cumsum(difference.weight), difference.points)
        assert found == pytest.approx(wanted, abs=0.03 * np.sqrt(1 / n + 1 / m))
    below = ratio.cdf(1.5 / 2.0)
    assert difference.significance()[1] == pytest.approx(2 * min(below, 1 - below), abs=0.01)


def test_a_difference_turned_round_is_its_negative():
    rng = np.random.default_rng(0)
    one = Posterior.of_points(rng.gamma(3.0, size=5000), np.full(5000, 1 / 5000))
    two = Posterior.of_points(rng.normal(2.0, 0.3, size=5000), rng.dirichlet(np.ones(5000)))
    there, back = one.minus(two), two.minus(one)
    assert there.estimate().value == pytest.approx(-back.estimate().value, abs=1e-10)
    assert there.estimate().interval_95 == pytest.approx([-end for end in back.estimate().interval_95[::-1]], abs=1e-10)
    assert there.significance() == pytest.approx((-back.significance()[0], back.significance()[1]), abs=1e-9)


def test_the_mean_of_normals_is_narrower():
    found = mean([normal(1.0, 0.6), normal(2.0, 0.8), normal(6.0, 1e-3)]).estimate()
    assert found.value == pytest.approx(3.0, abs=0.01)
    assert found.standard_error == pytest.approx(1 / 3, rel=0.01)


def test_points_of_any_order_are_thinned_and_keep_their_quantiles():
    rng = np.random.default_rng(1)
    points = rng.lognormal(size=80_000)
    thin = Posterior.of_points(points, np.full(len(points), 1 / len(points)))
    found = thin.estimate()
    assert found.value == pytest.approx(np.median(points), rel=0.02)
    assert found.interval_95 == pytest.approx(np.quantile(points, [0.025, 0.975]), rel=0.03)


def test_certainty_has_a_bound():
    z, p_value = normal(100.0, 1.0).significance()
    assert p_value == 1e-12
    assert 7.0 < z < 7.2
