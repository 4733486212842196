"""Means over data that come in groups, with errors from the scatter between groups.

Atoms of a frame and frames of a run are no independent data: an error from all of them would be far too small. Runs, or
blocks of a run, are. What is resampled here is groups, in closed form: the variance of infinitely many resamplings of
a ratio of sums is that of its linearisation (Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 22).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from superionic.documents.estimate import Estimate

Floats = NDArray[np.float64]

_LEVELS = (0.6827, 0.95)
_MOST = 20.0  # natural logarithms: what no data bound


def grouped_ratio(numerator: Floats, denominator: Floats, groups: Sequence[Hashable]) -> tuple[float, float, int]:
    """Ratio of two sums, and its standard error from the scatter between groups.

    Parameters
    ----------
    numerator, denominator
        One value a datum, shape (n,); the sum of the denominators is not zero.
    groups
        Group of each datum, shape (n,).

    Returns
    -------
    The ratio, its standard error (0 of one group, which tells nothing), and the number of groups.
    """
    index = {name: number for number, name in enumerate(dict.fromkeys(groups))}
    of = np.array([index[name] for name in groups])
    above, below = np.bincount(of, numerator), np.bincount(of, denominator)
    n, ratio = len(index), float(above.sum() / below.sum())
    if n < 2:
        return ratio, 0.0, n
    residual = above - ratio * below
    return ratio, float(np.sqrt(n / (n - 1) * np.sum(residual**2)) / abs(below.sum())), n


def normal_estimate(value: float, error: float, n_groups: int) -> Estimate:
    """A value with the intervals of Student's t for the error from so many groups; one group bounds nothing."""
    reach = [_reach(level, n_groups) * error for level in _LEVELS]
    return _estimate(value, error, (value - reach[0], value + reach[0]), (value - reach[1], value + reach[1]))


def positive_estimate(value: float, error: float, n_groups: int) -> Estimate:
    """The same for what cannot be negative, with intervals of its logarithm."""
    if value <= 0 or error <= 0:
        return normal_estimate(value, error, n_groups)
    spread = [float(np.exp(min(_reach(level, n_groups) * error / value, _MOST))) for level in _LEVELS]
    return _estimate(value, error, (value / spread[0], value * spread[0]), (value / spread[1], value * spread[1]))


def _reach(level: float, n_groups: int) -> float:
    return float(stats.t.ppf(0.5 + level / 2, n_groups - 1)) if n_groups > 1 else 0.0


def _estimate(value: float, error: float, inner: tuple[float, float], outer: tuple[float, float]) -> Estimate:
    return Estimate(value=value, standard_error=error, interval_68=inner, interval_95=outer)
