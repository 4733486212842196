"""Estimates of what is in essence a count of hops: asymmetric intervals, and the variance of a table of parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from superionic.documents import Estimate

Floats = NDArray[np.float64]

_SIGNIFICANT = 0.02
_IMPROBABLE = 1e-3


def count_estimate(
    value: float | Floats,
    variance: float,
    dof: float = np.inf,
    scale: float = 1.0,
    probability: Floats | None = None,
) -> Estimate:
    """Estimate of a quantity that is in essence a count of hops, from its value and variance.

    Parameters
    ----------
    value
        The unbiased estimate; or one per hypothesis, shape (n_hypotheses,).
    variance
        Its variance, which rests on `dof` degrees of freedom; those widen the intervals as Student's t does.
    dof
        Degrees of freedom of the variance.
    scale
        Factor to other units.
    probability
        Probability of each hypothesis, shape (n_hypotheses,).

    Notes
    -----
    A variance of v on a value d is that of d^2 / v equal hops; the truth is then gamma distributed with shape
    d^2 / v + 1/2, the posterior of a Poisson count with Jeffreys' prior. Without hops it is an upper limit. With
    several hypotheses the truth is distributed as their mixture.
    """
    values = np.maximum(np.atleast_1d(np.asarray(value, dtype=float)), 0.0)
    shares = np.ones(1) if probability is None else probability
    mean, error = float(shares @ values), float(np.sqrt(variance))
    likely = shares > _IMPROBABLE
    factors = values[likely] / mean if mean > 0 else np.ones(1)
    factors, shares = np.maximum(factors, _IMPROBABLE), shares[likely] / shares[likely].sum()
    if mean <= 0:
        shares = np.ones(1)
    low_68, high_68 = _count_interval(mean, error, dof, 0.6827, factors, shares)
    low_95, high_95 = _count_interval(mean, error, dof, 0.95, factors, shares)
    if len(factors) > 1:  # one sigma of a mixture: its central 68 %, not the far wings of what is improbable
        single = _count_interval(mean, error, dof, 0.6827, np.ones(1), np.ones(1))
        error *= max(1.0, (high_68 - low_68) / (single[1] - single[0]))
    return Estimate(
        value=mean * scale,
        standard_error=error * scale,
        interval_68=(low_68 * scale, high_68 * scale),
        interval_95=(low_95 * scale, high_95 * scale),
    )


def _count_interval(
    mean: float, error: float, dof: float, level: float, factors: Floats, shares: Floats
) -> tuple[float, float]:
    """Central interval of a mixture of gamma variables: mean / unit + 1/2 hops, each worth unit x factor."""
    tail = 0.5 * (1 - level)
    widening = float(stats.t.isf(tail, dof) / stats.norm.isf(tail)) if np.isfinite(dof) else 1.0
    unit = (error * widening) ** 2 / max(mean, error * widening)
    shape = mean / unit + 0.5
    low, high = (float(unit * special.gammaincinv(shape, p)) for p in (tail, 1 - tail))
    if len(factors) == 1:
        return low * float(factors[0]), high * float(factors[0])

    def below(truth: float) -> float:
        return float(shares @ special.gammainc(shape, truth / (unit * factors)))

    bracket = 0.5 * low * float(factors.min()), 2 * high * float(factors.max())
    ends = [optimize.bisect(lambda x, p=p: below(x) - p, *bracket, xtol=1e-6 * high) for p in (tail, 1 - tail)]
    return float(ends[0]), float(ends[1])


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
