"""Estimates of what is in essence a count of hops: asymmetric intervals, and the variance of a table of parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from superionic.documents import Estimate

Floats = NDArray[np.float64]

_LEVELS = (0.6827, 0.95)
_SIGNIFICANT = 0.02
_IMPROBABLE = 1e-3


def count_estimate(value: float, variance: float, dof: float = np.inf, scale: float = 1.0) -> Estimate:
    """Estimate of a quantity that is in essence a count of hops, from its value and variance.

    Parameters
    ----------
    value
        The unbiased estimate.
    variance
        Its variance, which rests on `dof` degrees of freedom; those widen the intervals as Student's t does.
    dof
        Degrees of freedom of the variance.
    scale
        Factor to other units.

    Notes
    -----
    A variance of v on a value d is that of d^2 / v equal hops; the truth is then gamma distributed with shape
    d^2 / v + 1/2, the posterior of a Poisson count with Jeffreys' prior. Without hops it is an upper limit.
    """
    value, one = max(value, 0.0), np.ones(1)
    intervals = [_mixture_interval(value * one, variance * one, dof * one, one, level) for level in _LEVELS]
    return _scaled(value, float(np.sqrt(variance)), intervals, scale)


@dataclass(frozen=True)
class CountMixture:
    """A truth under several hypotheses, distributed as the mixture of their counts.

    Attributes
    ----------
    values, variances, dofs
        What each hypothesis has for :func:`count_estimate`, shape (n_hypotheses,).
    probability
        Probability of each hypothesis for the value and its standard error, shape (n_hypotheses,).
    in_intervals
        The same for the intervals.
    """

    values: Floats
    variances: Floats
    dofs: Floats
    probability: Floats
    in_intervals: Floats

    @property
    def mean(self) -> float:
        """Mean of the values."""
        return float(self.probability @ np.maximum(self.values, 0.0))

    def median(self) -> float:
        """Median of the mixture, less moved than its mean by hypotheses that are improbable and far off.

        Medians of gamma variables lie 1/3 below their shape, so those of the parts are taken to be the values.
        """
        likely = self.probability > _IMPROBABLE
        if self.mean <= 0 or likely.sum() < 2:
            return self.mean
        values, error = np.maximum(self.values[likely], 0.0), np.sqrt(self.variances[likely])
        shares = self.probability[likely] / self.probability[likely].sum()
        unit = error**2 / np.maximum(values, error)
        shape = values / unit + 1 / 3

        def excess(truth: float) -> float:
            return float(shares @ special.gammainc(shape, truth / unit)) - 0.5

        high = float(np.max(unit * special.gammaincinv(shape, 0.6)))
        return float(optimize.brentq(excess, 0.0, high, xtol=1e-12 * high))

    def estimate(self, value: float, scale: float = 1.0) -> Estimate:
        """Estimate with intervals of the mixture about a value; its error is half the 68 % under `probability`.

        Parameters
        ----------
        value
            The value to state, near the mean or the median.
        scale
            Factor to other units.
        """
        values = np.maximum(self.values, 0.0)
        if value <= 0 or np.sum(self.in_intervals > _IMPROBABLE) < 2:
            only = int(np.argmax(self.in_intervals)) if value > 0 else 0
            return count_estimate(value, float(self.variances[only]), float(self.dofs[only]), scale)

        def interval(shares: Floats, level: float) -> tuple[float, float]:
            likely = shares > _IMPROBABLE
            return _mixture_interval(
                values[likely],
                self.variances[likely],
                self.dofs[likely],
                shares[likely] / shares[likely].sum(),
                level,
            )

        low, high = interval(self.probability, _LEVELS[0])  # not the far wings of what is improbable
        return _scaled(value, (high - low) / 2, [interval(self.in_intervals, level) for level in _LEVELS], scale)


def _scaled(value: float, error: float, intervals: list[tuple[float, float]], scale: float) -> Estimate:
    (low_68, high_68), (low_95, high_95) = intervals
    return Estimate(
        value=value * scale,
        standard_error=error * scale,
        interval_68=(low_68 * scale, high_68 * scale),
        interval_95=(low_95 * scale, high_95 * scale),
    )


def _mixture_interval(
    values: Floats, variances: Floats, dofs: Floats, shares: Floats, level: float
) -> tuple[float, float]:
    """Central interval of a mixture of gamma variables: each value / unit + 1/2 hops, worth one unit each."""
    tail = 0.5 * (1 - level)
    error = np.sqrt(variances) * stats.t.isf(tail, dofs) / stats.norm.isf(tail)
    unit = error**2 / np.maximum(values, error)
    shape = values / unit + 0.5
    lows, highs = (unit * special.gammaincinv(shape, p) for p in (tail, 1 - tail))
    if len(values) == 1:
        return float(lows[0]), float(highs[0])

    def excess(truth: float, share: float) -> float:
        return float(shares @ special.gammainc(shape, truth / unit)) - share

    bracket = 0.5 * float(lows.min()), 2 * float(highs.max())
    low, high = (optimize.brentq(excess, *bracket, args=(p,), xtol=1e-9 * bracket[1]) for p in (tail, 1 - tail))
    return float(low), float(high)


def two_way_variance(parts: Floats) -> tuple[float, float]:
    """Variance of the mean of a table whose rows (times) and columns (ions) may each be correlated.

    Scatter of all parts is enough if they are independent. An excess of the scatter of the ions' means (ions that
    differ) or of the blocks' means (ions that move together) is added when it is significant at 98 %, as in two-way
    clustered errors (Cameron, Gelbach and Miller, J. Bus. Econ. Stat. 29, 238 (2011)).

    Parameters
    ----------
    parts
        One estimate per block and ion, shape (n_blocks, n_ions).

    Returns
    -------
    Variance of the mean, and its degrees of freedom.
    """
    n_blocks, n_ions = parts.shape
    if parts.size < 2:
        return float(2 * parts.mean() ** 2), 1.0
    variance = parts.var(ddof=1) / parts.size
    total, dof = variance, float(parts.size - 1)
    for axis, n in ((0, n_ions), (1, n_blocks)):
        if n < 2 or n == parts.size:
            continue
        between = parts.mean(axis=axis).var(ddof=1) / n
        if between > variance * stats.f.isf(_SIGNIFICANT, n - 1, parts.size - n):
            total += between - variance
            dof = min(dof, float(n - 1))
    return float(total), dof
