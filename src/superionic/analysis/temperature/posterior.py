"""Posteriors of one number: their differences and means, without assuming that any of them is normal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from superionic.analysis.temperature.arrhenius import estimate_of_points
from superionic.documents import Estimate

Floats = NDArray[np.float64]

_CELLS_PER_SD = 16
_MAX_CELLS = 200_000
_LEAST_P = 1e-12  # beyond it the tails of a posterior on a grid say nothing
_TAIL = 1e-13


@dataclass(frozen=True)
class Posterior:
    """Weighted points of one number.

    Attributes
    ----------
    points
        Values, ascending, shape (n,).
    weight
        Their probabilities, shape (n,), sum 1.
    """

    points: Floats
    weight: Floats

    @classmethod
    def of_points(cls, points: Floats, weight: Floats) -> Posterior:
        """Posterior from points in any order, thinned to a regular grid far finer than its width."""
        rough = cls(points, weight)
        return rough._on_grid(rough.standard_deviation / (4 * _CELLS_PER_SD))

    @classmethod
    def log_of_counts(cls, hops: float, hops_per_value: float) -> Posterior:
        """Posterior of ln D with a flat prior: Poisson hops, `hops` of them seen where D = 1 gives `hops_per_value`."""
        gamma = stats.gamma(hops)
        low, high = (float(np.log(max(end, 1e-300))) for end in (gamma.ppf(_TAIL), gamma.isf(_TAIL)))
        log = np.linspace(low, high, 4001)
        density = hops * log - np.exp(log)
        weight = np.exp(density - density.max())
        return cls(log - np.log(hops_per_value), weight / weight.sum())

    @property
    def standard_deviation(self) -> float:
        """Standard deviation."""
        mean = np.sum(self.points * self.weight)
        return float(np.sqrt(np.sum((self.points - mean) ** 2 * self.weight)))

    def estimate(self) -> Estimate:
        """Median, half the 68 % interval and both intervals."""
        return estimate_of_points(self.points, self.weight)

    def shifted(self, by: float) -> Posterior:
        """The same posterior of the number plus a constant."""
        return Posterior(self.points + by, self.weight)

    def minus(self, other: Posterior) -> Posterior:
        """Posterior of the difference of two independent numbers."""
        return self._plus(Posterior(-other.points[::-1], other.weight[::-1]))

    def significance(self) -> tuple[float, float]:
        """How far the number is from zero.

        Returns
        -------
        z
            Standard normal deviate of the same probability, with the sign of the number.
        p_value
            Twice the probability of the other sign, at least 1e-12.
        """
        below = float(np.interp(0.0, self.points, np.cumsum(self.weight) - 0.5 * self.weight, left=0.0, right=1.0))
        p_value = min(1.0, max(2 * min(below, 1 - below), _LEAST_P))
        return float(np.copysign(stats.norm.isf(p_value / 2), 0.5 - below)), p_value

    def _plus(self, other: Posterior) -> Posterior:
        widths = self.standard_deviation, other.standard_deviation
        longest = max(np.ptp(self.points), np.ptp(other.points))
        step = max(min(widths) / _CELLS_PER_SD, longest / _MAX_CELLS)
        one, two = self._on_grid(step), other._on_grid(step)
        weight = np.convolve(one.weight, two.weight)
        return Posterior(one.points[0] + two.points[0] + step * np.arange(len(weight)), weight)

    def _on_grid(self, step: float) -> Posterior:
        """On a grid whose two ends are as far from the outermost points, each point shared by its two neighbours."""
        low, high = float(self.points.min()), float(self.points.max())
        n_cells = int(np.ceil((high - low) / step)) + 1
        start = 0.5 * (low + high) - 0.5 * n_cells * step
        position = (self.points - start) / step
        cell = np.clip(position.astype(np.int64), 0, n_cells - 1)
        share = position - cell
        weight = np.bincount(cell, self.weight * (1 - share), n_cells + 1)
        weight += np.bincount(cell + 1, self.weight * share, n_cells + 1)
        return Posterior(start + step * np.arange(n_cells + 1, dtype=float), weight / weight.sum())


def mean(posteriors: Sequence[Posterior]) -> Posterior:
    """Posterior of the mean of independent numbers, each with the same weight."""
    total = posteriors[0]
    for posterior in posteriors[1:]:
        total = total._plus(posterior)
    return Posterior(total.points / len(posteriors), total.weight)
