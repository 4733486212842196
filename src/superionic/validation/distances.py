"""How far two distributions are apart, and how much of that their statistical errors make.

A distribution is a mean over blocks of runs. The distance is half the sum of absolute differences: the share that is
elsewhere. Two samples of one distribution are never at distance zero, so the distance that noise alone makes is
simulated; and as the distance is a norm, the true one is within that noise of the one seen (triangle inequality).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_DRAWS = 2000
_SEED = 0
_NOISE_QUANTILE = 95.0


@dataclass(frozen=True)
class Distance:
    """Distance of two distributions.

    Attributes
    ----------
    value
        Between the two means: 0 for the same, 1 where nothing is common.
    noise
        Mean distance that the errors alone make.
    interval_95
        Where the distance of the true distributions is, with at least 95 % probability.
    """

    value: float
    noise: float
    interval_95: tuple[float, float]


def distance(one: Floats, other: Floats) -> Distance:
    """Distance of two distributions that are each known from blocks.

    Parameters
    ----------
    one, other
        Share of each bin in each block, shapes (n_blocks, n_bins) with the same bins; at least two blocks each.
    """
    value = _norm(one.mean(axis=0) - other.mean(axis=0))
    random = np.random.default_rng(_SEED)
    noise = np.array([_norm(row) for row in _noise(one, random) - _noise(other, random)])
    reach = float(np.percentile(noise, _NOISE_QUANTILE))
    return Distance(value, float(noise.mean()), (max(value - reach, 0.0), min(value + reach, 1.0)))


def standard_error(blocks: Floats) -> Floats:
    """Standard error of the mean over blocks, of each bin, shape (n_bins,)."""
    return np.asarray(blocks.std(axis=0, ddof=1) / np.sqrt(len(blocks)))


def _norm(difference: Floats) -> float:
    return float(0.5 * np.abs(difference).sum())


def _noise(blocks: Floats, random: np.random.Generator) -> Floats:
    """Errors of the mean as its covariance has them, with the tails that an error from few blocks has (Student's)."""
    n = len(blocks)
    residuals = (blocks - blocks.mean(axis=0)) / np.sqrt(n * (n - 1))
    tails = np.sqrt((n - 1) / random.chisquare(n - 1, _DRAWS))
    return np.asarray(random.standard_normal((_DRAWS, n)) @ residuals * tails[:, None])
