"""Distance of two distributions: what noise makes of it, and where the truth is."""

import numpy as np
import pytest
from scipy import stats

from superionic.validation.distances import _noise, distance, standard_error


def blocks(p, n_blocks, counts, random):
    return random.multinomial(counts, p, size=n_blocks) / counts


P = np.array([0.5, 0.3, 0.15, 0.05])
Q = np.array([0.4, 0.3, 0.2, 0.1])


def test_the_same_blocks_are_at_no_distance():
    one = blocks(P, 5, 200, np.random.default_rng(0))
    found = distance(one, one)
    assert found.value == 0
    assert found.noise > 0
    assert found.interval_95[0] == 0


def test_the_distance_is_the_share_that_is_elsewhere():
    one, other = np.tile(P, (5, 1)), np.tile(Q, (5, 1))
    found = distance(one, other)
    assert found.value == pytest.approx(0.1)
    assert found.interval_95 == pytest.approx((0.1, 0.1))
    assert distance(np.eye(2)[[0, 0]], np.eye(2)[[1, 1]]).value == 1


def test_noise_is_what_two_samples_of_one_distribution_are_apart():
    random = np.random.default_rng(1)
    found = [distance(blocks(P, 10, 300, random), blocks(P, 10, 300, random)) for _ in range(100)]
    assert np.mean([d.noise for d in found]) == pytest.approx(np.mean([d.value for d in found]), rel=0.15)


@pytest.mark.parametrize("n_blocks", [3, 5, 10])
@pytest.mark.parametrize("other", [P, Q])
def test_intervals_hold_the_truth(n_blocks, other):
    random, truth = np.random.default_rng(1000 + n_blocks), 0.5 * np.abs(P - other).sum()
    held = 0
    for _ in range(200):
        low, high = distance(blocks(P, n_blocks, 300, random), blocks(other, n_blocks, 300, random)).interval_95
        held += low <= truth <= high
    assert held >= 185


def test_the_standard_error_is_that_of_the_mean():
    random = np.random.default_rng(2)
    means = [blocks(P, 5, 400, random).mean(axis=0) for _ in range(500)]
    stated = np.mean([standard_error(blocks(P, 5, 400, random)) for _ in range(500)], axis=0)
    assert np.std(means, axis=0) == pytest.approx(stated, rel=0.15)


def test_noise_is_students():
    blocks_of_one_bin = np.random.default_rng(3).normal(size=(5, 1))
    drawn = np.concatenate([_noise(blocks_of_one_bin, np.random.default_rng(seed))[:, 0] for seed in range(20)])
    error = blocks_of_one_bin.std(ddof=1) / np.sqrt(5)
    for level in (0.68, 0.95):
        assert np.percentile(abs(drawn), 100 * level) == pytest.approx(
            error * stats.t.ppf(0.5 + level / 2, 4), rel=0.03
        )
