"""Diffusion tensor of one run with a calibrated error.

The plateau of the displacement spectrum (:mod:`superionic.analysis.spectrum`) gives the tensor. Its error comes from
the scatter of the same estimate over ions and over blocks of time, so that hops which come in bunches, ions that sit
in different surroundings and ions that move together all count; the interval is that of a gamma variable, which is
what a sum of squares or a count of hops is, and is therefore asymmetric.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from superionic.analysis.spectrum import (
    MAX_FREQUENCY_THZ,
    MIN_MODES,
    Regime,
    diffusive_regime,
    displacement_modes,
    plateau_weights,
    squared_frequencies,
)
from superionic.documents import Estimate
from superionic.errors import InputError

Floats = NDArray[np.float64]

HOP_LENGTH_A = 3.0
"""Length of one hop where sites are unknown: sets the upper limit on D when no hop is seen."""
MAX_BLOCKS = 10
_MODES_PER_BLOCK = 6


def gamma_estimate(value: float, variance: float, dof: float = np.inf, scale: float = 1.0) -> Estimate:
    """Estimate of a positive quantity from its value and variance.

    Parameters
    ----------
    value, variance
        The unbiased estimate and its variance, which rests on `dof` degrees of freedom.
    dof
        Degrees of freedom of the variance; widens the intervals as Student's t does.
    scale
        Factor to other units.

    Notes
    -----
    value / truth is taken as chi^2_nu / nu with nu = 2 value^2 / variance: exact for a sum of nu squares (Brownian
    motion) and for a Poisson count.
    """
    error = float(np.sqrt(variance))
    value = max(float(value), 0.0)
    if value < 1e-3 * error:
        return Estimate(
            value=value * scale,
            standard_error=error * scale,
            interval_68=(0.0, error * scale),
            interval_95=(0.0, 2 * error * scale),
        )
    return Estimate(
        value=value * scale,
        standard_error=error * scale,
        interval_68=_interval(value, variance, dof, 0.6827, scale),
        interval_95=_interval(value, variance, dof, 0.95, scale),
    )


def _interval(value: float, variance: float, dof: float, level: float, scale: float) -> tuple[float, float]:
    tail = 0.5 * (1 - level)
    widening = (stats.t.isf(tail, dof) / stats.norm.isf(tail)) ** 2 if np.isfinite(dof) else 1.0
    nu = 2 * value**2 / (variance * widening)
    return (
        float(scale * value * nu / stats.chi2.isf(tail, nu)),
        float(scale * value * nu / max(stats.chi2.ppf(tail, nu), 1e-12 * nu)),
    )


@dataclass(frozen=True)
class DiffusionEstimate:
    """Diffusion tensor with the parts that its error is estimated from.

    Attributes
    ----------
    tensor_A2_per_ps
        Cartesian diffusion tensor in Å^2/ps, shape (3, 3).
    parts_A2_per_ps
        The same estimate for every block of time and every ion, shape (n_blocks, n_ions, 3, 3).
    regime
        The modes used.
    length_ps
        Length of the run in ps.
    hop_quantum_A2_per_ps
        What one single hop in the whole run would give for D (trace / 3).
    """

    tensor_A2_per_ps: Floats
    parts_A2_per_ps: Floats
    regime: Regime
    length_ps: float
    hop_quantum_A2_per_ps: float

    @property
    def lag_range_ps(self) -> tuple[float, float]:
        """Shortest and longest lag that the estimate rests on."""
        return self.length_ps / self.regime.n_modes, self.length_ps

    def project(self, projection: Floats, scale: float = 1.0) -> Estimate:
        """Estimate of sum_ab projection_ab D_ab, with error (`projection` symmetric and positive)."""
        value = float(np.sum(projection * self.tensor_A2_per_ps))
        parts = np.einsum("xy,bixy->bi", projection, self.parts_A2_per_ps)
        variance, dof = two_way_variance(parts)
        return gamma_estimate(value, variance + (self.hop_quantum_A2_per_ps * np.trace(projection)) ** 2, dof, scale)

    def isotropic(self, scale: float = 1.0) -> Estimate:
        """Trace of the tensor / 3."""
        return self.project(np.eye(3) / 3, scale)

    def along(self, direction: Floats, scale: float = 1.0) -> Estimate:
        """u.D.u for the unit vector u along a Cartesian direction (one dimension, d = 1)."""
        unit = np.asarray(direction, dtype=float) / np.linalg.norm(direction)
        return self.project(np.outer(unit, unit), scale)


def two_way_variance(parts: Floats) -> tuple[float, float]:
    """Variance of the mean of a table whose rows (times) and columns (ions) may each be correlated.

    Scatter of all parts is enough if they are independent. An excess of the scatter of the ions' means (ions that
    differ) or of the blocks' means (ions that move together) is added when it is significant at 95 %, as in two-way
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
        if between > variance * stats.f.isf(0.05, n - 1, parts.size - n):
            total += between - variance
            dof = min(dof, float(n - 1))
    return float(total), dof


def estimate_diffusion(
    positions_A: Floats,
    frame_interval_ps: float,
    *,
    regime: Regime | None = None,
    hop_length_A: float = HOP_LENGTH_A,
) -> DiffusionEstimate:
    """Estimate the diffusion tensor from unwrapped positions.

    Parameters
    ----------
    positions_A
        Unwrapped, drift-free Cartesian positions in Å, shape (n_frames, n_ions, 3).
    frame_interval_ps
        Time between frames in ps.
    regime
        The diffusive part of the spectrum; found from the data by default.
    hop_length_A
        Length of a hop in Å, which sets the smallest error that D can have.

    Raises
    ------
    InputError
        If there are too few frames for any estimate.
    """
    n_frames, n_ions, _ = positions_A.shape
    if n_frames < 2 * MIN_MODES:
        raise InputError(
            f"the run has {n_frames} analysed frames: give at least {2 * MIN_MODES} to estimate a diffusivity"
        )
    length_ps = n_frames * frame_interval_ps
    n_modes = min(n_frames - 1, int(2 * length_ps * MAX_FREQUENCY_THZ))
    modes = displacement_modes(positions_A, frame_interval_ps, n_modes)
    products = np.einsum("kia,kib->kab", modes, modes) / n_ions
    squared_frequency = squared_frequencies(n_frames, frame_interval_ps, n_modes)
    spectrum = np.trace(products, axis1=1, axis2=2) / 3
    if regime is None:
        slow = products[: 2 * MIN_MODES].mean(axis=0)
        anisotropy = np.sum(slow * slow) / np.trace(slow) ** 2 if np.trace(slow) > 0 else 1.0
        regime = diffusive_regime(spectrum, squared_frequency, 2 * anisotropy / n_ions)
    used = regime.n_modes
    weights = plateau_weights(spectrum[:used], squared_frequency[:used])
    tensor = np.tensordot(weights, products[:used], axes=1) / 2
    return DiffusionEstimate(
        tensor_A2_per_ps=tensor,
        parts_A2_per_ps=_parts(positions_A, frame_interval_ps, modes[:used], weights, used),
        regime=regime,
        length_ps=length_ps,
        hop_quantum_A2_per_ps=hop_length_A**2 / (6 * n_ions * length_ps),
    )


def _parts(positions_A: Floats, frame_interval_ps: float, modes: Floats, weights: Floats, used: int) -> Floats:
    """The estimate of every ion in every block, each with the frequencies of the whole."""
    n_frames = len(positions_A)
    n_blocks = min(MAX_BLOCKS, used // _MODES_PER_BLOCK)
    if n_blocks < 2:
        return np.einsum("k,kia,kib->iab", weights, modes, modes)[None] / 2
    size = n_frames // n_blocks
    n_modes = min(size - 1, max(MIN_MODES, round(used * size / n_frames)))
    squared_frequency = squared_frequencies(size, frame_interval_ps, n_modes)
    blocks = [
        displacement_modes(positions_A[block * size : (block + 1) * size], frame_interval_ps, n_modes)
        for block in range(n_blocks)
    ]
    spectrum = np.mean([np.einsum("kia,kia->k", block, block) for block in blocks], axis=0)
    weights = plateau_weights(spectrum, squared_frequency)
    return np.stack([np.einsum("k,kia,kib->iab", weights, block, block) for block in blocks]) / 2
