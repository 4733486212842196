"""Diffusion tensor of one run with a calibrated error.

The plateau of the displacement spectrum (:mod:`superionic.analysis.spectrum`) gives the tensor. Its error comes from
the scatter of the same estimate over ions and over blocks of time, so that hops which come in bunches, ions that sit
in different surroundings and ions that move together all count. What limits a run is how few hops it holds, so
intervals are those of a count of hops, and asymmetric.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from superionic.analysis.spectrum import (
    MAX_FREQUENCY_THZ,
    MIN_MODES,
    Band,
    PlateauModel,
    Regime,
    diffusive_regime,
    displacement_modes,
    local_scatter,
    plateau_model,
    squared_frequencies,
)
from superionic.documents import Estimate
from superionic.errors import InputError

Floats = NDArray[np.float64]

HOP_LENGTH_A = 3.0
"""Length of one hop where sites are unknown: sets the upper limit on D when no hop is seen."""
MAX_BLOCKS = 10
_SIGNIFICANT = 0.02
_IMPROBABLE = 1e-3
_MODE_SHARE = 0.25
_LEAST_WARRANTED_MODES = 24
_INTERCEPT_VARIANCE = 2.25  # of a line's end over that of a mean
_MODES_PER_BLOCK = 10
_CORRELATION_TIMES_PER_BLOCK = 15.0


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
    model
        Hypotheses on the memory of jumps, and their probabilities.
    hypotheses_A2_per_ps
        Diffusion tensor under each, shape (n_hypotheses, 3, 3).
    """

    tensor_A2_per_ps: Floats
    parts_A2_per_ps: Floats
    model: PlateauModel
    hypotheses_A2_per_ps: Floats
    regime: Regime
    length_ps: float
    hop_quantum_A2_per_ps: float

    @property
    def lag_range_ps(self) -> tuple[float, float]:
        """Shortest and longest lag that the estimate rests on."""
        return max(self.length_ps / self.regime.n_modes, np.pi * self.model.correlation_time_ps), self.length_ps

    def project(self, projection: Floats, scale: float = 1.0) -> Estimate:
        """Estimate of sum_ab projection_ab D_ab, with error (`projection` symmetric and positive)."""
        values = np.einsum("xy,hxy->h", projection, self.hypotheses_A2_per_ps)
        parts = np.einsum("xy,bixy->bi", projection, self.parts_A2_per_ps)
        variance, dof = two_way_variance(parts)
        variance += (self.hop_quantum_A2_per_ps * np.trace(projection)) ** 2
        variance += self.model.relative_spread * float(self.model.probability @ values) ** 2
        return count_estimate(values, variance, dof, scale, self.model.probability)

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
    n_modes = min(n_frames - 1, max(2 * MIN_MODES, int(2 * length_ps * MAX_FREQUENCY_THZ)))
    modes = displacement_modes(positions_A, frame_interval_ps, n_modes)
    products = np.einsum("kia,kib->kab", modes, modes) / n_ions
    squared_frequency = squared_frequencies(n_frames, frame_interval_ps, n_modes)
    spectrum = np.trace(products, axis1=1, axis2=2) / 3
    slow = products[: 2 * MIN_MODES].mean(axis=0)
    anisotropy = np.sum(slow * slow) / np.trace(slow) ** 2 if np.trace(slow) > 0 else 1.0
    relative_variance = max(2 * float(anisotropy) / n_ions, local_scatter(spectrum))
    if regime is None:
        regime = diffusive_regime(spectrum, squared_frequency, relative_variance)
        warranted = _warranted_modes(modes[: regime.n_modes], squared_frequency, relative_variance)
        regime = Regime(min(regime.n_modes, warranted), regime.found)
    used = regime.n_modes
    model = plateau_model(
        products[:used], squared_frequency[:used], 2 * float(anisotropy) / relative_variance, length_ps
    )
    weights = model.weights(spectrum[:used], squared_frequency[:used])
    tensors = np.tensordot(weights, products[:used], axes=1) / 2
    return DiffusionEstimate(
        tensor_A2_per_ps=np.tensordot(model.probability, tensors, axes=1),
        hypotheses_A2_per_ps=tensors,
        model=model,
        parts_A2_per_ps=_parts(positions_A, frame_interval_ps, modes[:used], model.probability @ weights, model),
        regime=regime,
        length_ps=length_ps,
        hop_quantum_A2_per_ps=hop_length_A**2 / (6 * n_ions * length_ps),
    )


def _warranted_modes(modes: Floats, squared_frequency: Floats, relative_variance: float) -> int:
    """Number of modes beyond which the error of D hardly falls, because the number of hops limits it.

    Fewer modes are slower ones, which correlated jumps disturb less; this many leave the scatter from the modes
    themselves at a quarter of that from the hops, which is seen between ions.
    """
    n_modes, n_ions, _ = modes.shape
    if n_ions < 2:
        return n_modes
    per_ion = np.einsum("kia,kia->ki", modes, modes)
    weights = Band(per_ion.mean(axis=1), squared_frequency[:n_modes]).plateau
    values = weights @ per_ion
    if values.mean() <= 0:
        return n_modes
    scatter = float(values.var(ddof=1)) / (n_ions * float(values.mean()) ** 2)
    from_modes = _INTERCEPT_VARIANCE * relative_variance / n_modes
    from_hops = max(scatter - from_modes, 0.1 * from_modes, 1e-12)
    return max(_LEAST_WARRANTED_MODES, int(_INTERCEPT_VARIANCE * relative_variance / (_MODE_SHARE * from_hops)))


def _parts(
    positions_A: Floats, frame_interval_ps: float, modes: Floats, weights: Floats, model: PlateauModel
) -> Floats:
    """The estimate of every ion in every block, each with the frequencies of the whole."""
    n_frames, used = len(positions_A), len(modes)
    n_blocks = min(MAX_BLOCKS, used // _MODES_PER_BLOCK)
    if model.correlation_time_ps > 0:
        n_blocks = min(
            n_blocks, int(n_frames * frame_interval_ps / (_CORRELATION_TIMES_PER_BLOCK * model.correlation_time_ps))
        )
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
    weights = model.probability @ model.weights(spectrum, squared_frequency)
    return np.stack([np.einsum("k,kia,kib->iab", weights, block, block) for block in blocks]) / 2
