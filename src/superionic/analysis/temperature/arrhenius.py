"""Arrhenius fit with the full posterior of its extrapolation.

Every diffusivity is in essence a count of hops, so its likelihood is that of a Poisson count: a run with few hops
pulls the line less than its logarithm would, and never downwards without bound. The posterior of (ln D at the mean
inverse temperature, Ea), with a flat prior, is summed on a grid; nothing is assumed normal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import digamma, polygamma

from superionic.analysis.units import BOLTZMANN_EV_PER_K
from superionic.documents import Estimate
from superionic.errors import InputError

Floats = NDArray[np.float64]

MAX_DECADES = 30.0
"""A 95 % interval wider than this says nothing and is not stated."""
_LARGEST_DECADE = 250.0  # leaves room for a change of units
_GRID = np.linspace(-7.0, 7.0, 281)
_SIGNIFICANT = 0.05
_LEAST_HOPS = 0.25


@dataclass(frozen=True)
class ArrheniusFit:
    """Posterior of ln D = level - Ea (1/kT - centre), as weighted points.

    Attributes
    ----------
    level, activation_energy_eV, weight
        Points of the posterior, each shape (n,); the level is ln D at the centre, in the unit that D was given in.
    centre_per_eV
        Weighted mean of 1/kT in 1/eV.
    chi_squared
        Misfit; its expectation is the degrees of freedom.
    degrees_of_freedom
        Number of points minus two.
    curvature_z
        Curvature of ln D against 1/T in units of its error, None with fewer than four points.
    """

    level: Floats
    activation_energy_eV: Floats
    weight: Floats
    centre_per_eV: float
    chi_squared: float
    degrees_of_freedom: int
    curvature_z: float | None

    @property
    def is_arrhenius(self) -> bool:
        """Whether the points scatter about a straight line no more than their errors allow."""
        if self.degrees_of_freedom < 1:
            return True
        misfit = stats.chi2.sf(self.chi_squared, self.degrees_of_freedom) < _SIGNIFICANT
        return not misfit and (self.curvature_z is None or abs(self.curvature_z) < stats.norm.isf(_SIGNIFICANT / 2))

    def activation_energy(self) -> Estimate:
        """Activation energy in eV."""
        return estimate_of_points(self.activation_energy_eV, self.weight)

    def log_diffusivity(self, temperature_K: float) -> Floats:
        """Ln D at a temperature in K, a value for each point of the posterior, shape (n,)."""
        return self.level - self.activation_energy_eV * (1 / (BOLTZMANN_EV_PER_K * temperature_K) - self.centre_per_eV)

    def prefactor(self) -> Estimate | None:
        """Diffusivity at infinite temperature; None as for :meth:`diffusivity`."""
        return self.diffusivity(np.inf)

    def diffusivity(self, temperature_K: float, scale: float = 1.0) -> Estimate | None:
        """Diffusivity at a temperature in K, in the unit that D was given in, times `scale`.

        None if the data leave it open: its 95 % interval spans more than `MAX_DECADES`, or leaves what a float holds.
        """
        decades = (_quantiles(self.log_diffusivity(temperature_K), self.weight) + np.log(scale)) / np.log(10)
        if not np.ptp(decades) <= MAX_DECADES or np.abs(decades).max() > _LARGEST_DECADE:
            return None
        return _estimate(10**decades)


def fit_arrhenius(temperatures_K: Sequence[float], diffusivities: Sequence[Estimate]) -> ArrheniusFit:
    """Fit ln D = ln D0 - Ea / kT.

    Parameters
    ----------
    temperatures_K
        Temperature of each point in K.
    diffusivities
        Diffusivity of each point, positive; its value and standard error are used.

    Raises
    ------
    InputError
        If there are fewer than two different temperatures, or a diffusivity is not positive.

    Notes
    -----
    If the points scatter more than their errors allow (5 % level), the posterior is widened by the root of the
    reduced chi^2.
    """
    temperature = np.asarray(temperatures_K, dtype=float)
    value = np.array([d.value for d in diffusivities])
    error = np.array([d.standard_error for d in diffusivities])
    if len(set(temperature.tolist())) < 2:
        raise InputError(
            f"temperatures_K = {temperature.tolist()} holds fewer than two different temperatures: add runs"
        )
    if np.any(value <= 0) or np.any(error <= 0):
        raise InputError("diffusivities must be positive with positive errors: leave out runs without diffusion")
    inverse = 1 / (BOLTZMANN_EV_PER_K * temperature)
    hops = effective_hops(value, error)
    log = np.log(value) - np.log(hops) + digamma(hops + 0.5)
    variance = polygamma(1, hops + 0.5)
    centre = float(np.average(inverse, weights=1 / variance))
    design = np.stack([np.ones_like(inverse), -(inverse - centre)], axis=1)
    covariance = np.linalg.inv(design.T @ (design / variance[:, None]))
    best = covariance @ (design.T @ (log / variance))
    degrees = len(value) - 2
    chi_squared = float(np.sum((log - design @ best) ** 2 / variance))
    significant = degrees > 0 and stats.chi2.sf(chi_squared, degrees) < _SIGNIFICANT
    tempering = chi_squared / degrees if significant else 1.0
    level, energy, weight = _posterior(best, covariance * tempering, inverse - centre, value, hops, tempering)
    return ArrheniusFit(
        level, energy, weight, centre, chi_squared, degrees, _curvature_z(inverse - centre, log, variance)
    )


def effective_hops(value: Floats, standard_error: Floats) -> Floats:
    """Number of equal hops that would have the same relative error: a variance of v on d is that of d^2 / v of them."""
    return np.maximum((value / standard_error) ** 2, _LEAST_HOPS)


def _posterior(
    best: Floats, covariance: Floats, shifted: Floats, value: Floats, hops: Floats, tempering: float
) -> tuple[Floats, Floats, Floats]:
    """Weighted points on a grid along the principal axes of the normal approximation."""
    axes = np.linalg.cholesky(covariance)
    u, v = (grid.ravel() for grid in np.meshgrid(_GRID, _GRID, indexing="ij"))
    level = best[0] + axes[0, 0] * u
    energy = best[1] + axes[1, 0] * u + axes[1, 1] * v
    log_likelihood = np.zeros_like(level)
    for x, measured, count in zip(shifted, value, hops, strict=True):
        log_ratio = (level - energy * x) - np.log(measured)
        log_likelihood += count * (log_ratio - np.exp(np.minimum(log_ratio, 500.0)))
    weight = np.exp((log_likelihood - log_likelihood.max()) / tempering)
    kept = weight > 1e-12
    return level[kept], energy[kept], weight[kept] / weight[kept].sum()


def _curvature_z(shifted: Floats, log: Floats, variance: Floats) -> float | None:
    if len(set(shifted.tolist())) < 4:
        return None
    design = np.stack([np.ones_like(shifted), shifted, shifted**2], axis=1)
    covariance = np.linalg.inv(design.T @ (design / variance[:, None]))
    return float((covariance @ (design.T @ (log / variance)))[2] / np.sqrt(covariance[2, 2]))


def estimate_of_points(points: Floats, weight: Floats) -> Estimate:
    """Median, half the 68 % interval and both intervals of weighted points."""
    return _estimate(_quantiles(points, weight))


def _quantiles(points: Floats, weight: Floats) -> Floats:
    """Median, ends of the central 68 % and of the central 95 % of weighted points."""
    order = np.argsort(points)
    cumulative = np.cumsum(weight[order])
    return np.interp([0.5, 0.15866, 0.84134, 0.025, 0.975], cumulative - 0.5 * weight[order], points[order])


def _estimate(quantiles: Floats) -> Estimate:
    """Median, half the 68 % interval and both intervals."""
    median, low_68, high_68, low_95, high_95 = (float(q) for q in quantiles)
    return Estimate(
        value=median,
        standard_error=(high_68 - low_68) / 2,
        interval_68=(low_68, high_68),
        interval_95=(low_95, high_95),
    )
