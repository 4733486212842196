"""Errors from groups: those of a mean where groups are equal, and intervals that hold with few of them."""

import numpy as np
import pytest
from scipy import stats

from superionic.validation.ratios import grouped_ratio, normal_estimate, positive_estimate


def test_of_equal_groups_it_is_the_error_of_a_mean():
    random = np.random.default_rng(0)
    values, groups = random.normal(size=30), np.repeat(np.arange(6), 5).tolist()
    ratio, error, n = grouped_ratio(values, np.ones(30), groups)
    means = values.reshape(6, 5).mean(axis=1)
    assert (ratio, n) == (pytest.approx(values.mean()), 6)
    assert error == pytest.approx(means.std(ddof=1) / np.sqrt(6))


def test_groups_of_one_datum_each_and_a_ratio():
    above, below = np.array([2.0, 6.0, 4.0]), np.array([1.0, 3.0, 2.0])
    assert grouped_ratio(above, below, ["a", "b", "c"]) == (2.0, 0.0, 3)


def test_one_group_tells_nothing_of_its_error():
    assert grouped_ratio(np.ones(4), np.ones(4), ["a"] * 4) == (1.0, 0.0, 1)


@pytest.mark.parametrize("n_groups", [3, 5, 10])
def test_intervals_of_few_groups_hold(n_groups):
    random, held, n = np.random.default_rng(1000 + n_groups), np.zeros(2), 2000
    for _ in range(n):
        ratio, error, found = grouped_ratio(random.normal(size=n_groups), np.ones(n_groups), list(range(n_groups)))
        estimate = normal_estimate(ratio, error, found)
        held += [low < 0 < high for low, high in (estimate.interval_68, estimate.interval_95)]
    assert held / n == pytest.approx([0.6827, 0.95], abs=0.03)


def test_what_cannot_be_negative_has_no_negative_interval():
    estimate = positive_estimate(1.0, 0.6, 5)
    assert estimate.interval_95[0] > 0
    assert estimate.interval_95[0] * estimate.interval_95[1] == pytest.approx(1)
    assert estimate.interval_95[1] == pytest.approx(np.exp(0.6 * stats.t.ppf(0.975, 4)))
    assert positive_estimate(0.0, 0.0, 5).interval_95 == (0, 0)
