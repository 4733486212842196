"""Collective motion: charge diffusivity, Haven ratio and Onsager matrix.

The summed displacement of all mobile ions is one walker; its modes give the charge diffusivity exactly as those of
single ions give the tracer diffusivity. One walker has no scatter between ions, but its modes are independent normal
variables, so the error follows from the spectrum; what the finite number of hops adds is the same as for the tracer
and is taken from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from superionic.analysis.motion import SpeciesSums
from superionic.analysis.spectral.diffusion import DiffusionEstimate
from superionic.analysis.spectral.plateau import diffusive_regime
from superionic.analysis.spectral.spectrum import MAX_FREQUENCY_THZ, MIN_MODES, displacement_modes, squared_frequencies
from superionic.documents import Estimate

Floats = NDArray[np.float64]

_TAILS = [0.15866, 0.84134, 0.025, 0.975]
_LEAST = 1e-3
_UNKNOWN = 2.0
"""Relative variance of what was hardly seen."""


@dataclass(frozen=True)
class CollectiveEstimate:
    """Collective transport coefficients in Å^2/ps.

    Attributes
    ----------
    species
        Element symbols in the order of the matrix.
    charge_diffusivity
        lim <|sum_i dr_i|^2> / (6 N t) of the mobile ions.
    haven_ratio
        Tracer over charge diffusivity.
    onsager, onsager_error
        Matrix over all species and its standard errors, shape (n_species, n_species).
    all_mobile
        lim <|sum_s z_s R_s|^2> / (6 N z^2 t) of all mobile ions with their charges, N and z those of the first; None if
        there is one.
    """

    species: list[str]
    charge_diffusivity: Estimate
    haven_ratio: Estimate
    onsager: Floats
    onsager_error: Floats
    all_mobile: Estimate | None = None


def estimate_collective(
    wholes: SpeciesSums, mobile_charges_e: Mapping[str, float], frame_interval_ps: float, tracer: DiffusionEstimate
) -> CollectiveEstimate:
    """Estimate collective transport from the summed positions of each species.

    Parameters
    ----------
    wholes
        The species as wholes.
    mobile_charges_e
        Which of them are mobile, with their charges; `tracer` is of the first.
    frame_interval_ps
        Time between frames in ps.
    tracer
        Tracer estimate of the mobile ions.
    """
    sums_A, counts, mobile = wholes.sums_A, wholes.counts, wholes.species.index(next(iter(mobile_charges_e)))
    n_frames = len(sums_A)
    longest = max(2 * MIN_MODES, int(2 * n_frames * frame_interval_ps * MAX_FREQUENCY_THZ))
    n_modes = min(n_frames - 1, longest)
    squared = squared_frequencies(n_frames, frame_interval_ps, n_modes)
    modes = tracer.whitened(displacement_modes(sums_A, frame_interval_ps, n_modes), squared)
    length_ps, n_mobile = n_frames * frame_interval_ps, int(counts[mobile])
    own = _one_walker(modes[:, mobile] / np.sqrt(n_mobile), squared, length_ps, tracer)
    tracer_value = max(float(np.trace(tracer.tensor_A2_per_ps)) / 3, 0.0)
    tracer_error = tracer.isotropic().standard_error
    tracer_relative = (tracer_error / tracer_value) ** 2 if tracer_value > 0 else 1.0
    charge = _variance_estimate(own.value, own.relative_variance + tracer_relative)
    # independent ions: each one's own motion is part of both, with covariance 1/N of the variance of the charge's
    independent = own.relative_variance * max(1 - 1 / n_mobile, _LEAST)
    haven = _ratio(tracer_value / own.value if own.value > 0 else 1.0, independent)
    onsager, error = _onsager(modes[: len(own.weights)], own.weights, own.smooth, int(counts.sum()))
    together = None
    if len(mobile_charges_e) > 1:
        first, *_ = mobile_charges_e.values()
        charges = np.array([mobile_charges_e.get(name, 0.0) / first for name in wholes.species])
        summed = np.einsum("ksa,s->ka", modes, charges) / np.sqrt(n_mobile)
        all_ions = _one_walker(summed, squared, length_ps, tracer)
        together = _variance_estimate(all_ions.value, all_ions.relative_variance + tracer_relative)
    return CollectiveEstimate(wholes.species, charge, haven, onsager, error, together)


@dataclass(frozen=True)
class _Walker:
    """Diffusivity of one walker in Å^2/ps, its relative variance, and the weights and smooth spectrum behind them."""

    value: float
    relative_variance: float
    weights: Floats
    smooth: Floats


def _one_walker(modes: Floats, squared: Floats, length_ps: float, tracer: DiffusionEstimate) -> _Walker:
    """Diffusivity of one walker from its modes, shape (n_modes, 3)."""
    spectrum = np.sum(modes**2, axis=1) / 3
    anisotropy = _anisotropy(tracer.tensor_A2_per_ps)
    found = diffusive_regime(spectrum, squared, 2 * anisotropy, length_ps)
    used = min(tracer.regime.n_modes, found.n_modes)
    # one walker cannot tell how long jumps remember each other, its ions can
    weights = tracer.weights(spectrum[:used], squared[:used])
    value = max(float(weights @ spectrum[:used]) / 2, 0.0)
    # modes are independent normal variables: variance of a weighted sum of their squares
    smooth = np.maximum(_smooth(spectrum[:used], squared[:used]), 0.0)
    expected = float(weights @ smooth)
    relative = 2 * anisotropy * float(np.sum((weights * smooth) ** 2)) / expected**2 if expected > 0 else _UNKNOWN
    return _Walker(value, relative, weights, smooth)


def _anisotropy(tensor: Floats) -> float:
    """Ratio tr D^2 / (tr D)^2: 1/3 for isotropic motion, 1 along one axis."""
    trace = float(np.trace(tensor))
    return float(np.clip(np.sum(tensor * tensor) / trace**2, 1 / 3, 1.0)) if trace > 0 else 1.0


def _smooth(spectrum: Floats, squared_frequency: Floats) -> Floats:
    """Plateau and quadratic term through the spectrum."""
    x = squared_frequency / squared_frequency[-1]
    return np.asarray(np.polyval(np.polyfit(x, spectrum, 1), x))


def _variance_estimate(value: float, relative_variance: float) -> Estimate:
    """Estimate of the variance of normal variables: value / truth = chi^2_nu / nu."""
    nu = 2 / min(relative_variance, _UNKNOWN)
    low_68, high_68, low_95, high_95 = (float(value * nu / q) for q in stats.chi2.isf(_TAILS, nu))
    return Estimate(
        value=value,
        standard_error=value * float(np.sqrt(relative_variance)),
        interval_68=(low_68, high_68),
        interval_95=(low_95, high_95),
    )


def _ratio(value: float, relative_variance: float) -> Estimate:
    """Estimate of a known number over a gamma variable: value / truth = nu / chi^2_nu."""
    nu = 2 / min(relative_variance, _UNKNOWN)
    quantiles = stats.chi2.ppf(_TAILS, nu) / nu * value
    low_68, high_68, low_95, high_95 = (float(q) for q in quantiles)
    centre = value * max(1 - 2 / nu, 0.2)
    return Estimate(
        value=centre,
        standard_error=centre * np.sqrt(relative_variance),
        interval_68=(low_68, high_68),
        interval_95=(low_95, high_95),
    )


def _onsager(modes: Floats, weights: Floats, smooth: Floats, n_ions: int) -> tuple[Floats, Floats]:
    products = np.einsum("ksa,kta->kst", modes, modes) / 3
    matrix = np.tensordot(weights, products, axes=1) / (2 * n_ions)
    diagonal = np.abs(np.diag(matrix))
    effective = float(np.sum((weights * smooth) ** 2) / max(float(weights @ smooth) ** 2, 1e-300))
    error = np.sqrt((np.outer(diagonal, diagonal) + matrix**2) * effective / 3)
    return matrix, error
