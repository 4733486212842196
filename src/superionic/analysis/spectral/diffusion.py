"""Diffusion tensor of one run with a calibrated error.

The plateau of the displacement spectrum (:mod:`superionic.analysis.spectral.plateau`) gives the tensor. Where the
sites are known, the spectrum is first divided by that of a walk between them
(:mod:`superionic.analysis.spectral.hop_memory`), unless the run contradicts it. The error comes from the scatter of the
same estimate over ions and over blocks of time, so
that hops which come in bunches, ions that sit in different surroundings and ions that move together all count. What
limits a run is how few hops it holds, so intervals are those of a count of hops, and asymmetric.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from superionic.analysis.ion_groups import Positions
from superionic.analysis.spectral.counts import CountMixture, two_way_variance
from superionic.analysis.spectral.hop_correction import by_rates, count_bias, rate_gradient, whitened
from superionic.analysis.spectral.hop_memory import HopMemory, HopNetwork
from superionic.analysis.spectral.plateau import PlateauModel, Regime, contradicted, diffusive_regime, plateau_model
from superionic.analysis.spectral.spectrum import (
    MAX_FREQUENCY_THZ,
    MIN_MODES,
    BinnedSpectrum,
    displacement_modes,
    local_scatter,
    squared_frequencies,
)
from superionic.documents import AnalysisSettings, Estimate
from superionic.errors import InputError

Floats = NDArray[np.float64]

HOP_LENGTH_A: float = AnalysisSettings().hop_length_A
"""Length of one hop where sites are unknown: sets the upper limit on D when no hop is seen."""
MAX_BLOCKS = 10
_MODES_PER_BLOCK = 10
_LEAST_SEEN = 2 / 3  # of the diffusivity that displacements show
_MOST_COUNT_BIAS = 0.5  # of the error of D; it is corrected for, and refused where that is no small matter


@dataclass(frozen=True)
class DiffusionEstimate:
    """Diffusion tensor with the parts that its error is estimated from.

    Attributes
    ----------
    model
        Hypotheses on the memory of jumps, and their probabilities.
    hypotheses_A2_per_ps
        Diffusion tensor under each, shape (n_hypotheses, 3, 3).
    plain_parts_A2_per_ps
        The estimate without memory for every block of time and every ion, shape (n_blocks, n_ions, 3, 3).
    memory_parts_A2_per_ps
        The estimate under each hypothesis with memory for every ion, shape (n_hypotheses - 1, n_ions, 3, 3).
    regime
        The modes that hops make.
    length_ps
        Length of the run in ps.
    hop_quantum_A2_per_ps
        What one single hop in the whole run would give for D (trace / 3).
    hop_memory
        What jumps remember by the sites, which the estimate has corrected for; None if it has not.
    count_bias
        Share of itself that D is higher than the rates make it, because the noise of counts looks like memory.
    """

    model: PlateauModel
    hypotheses_A2_per_ps: Floats
    plain_parts_A2_per_ps: Floats
    memory_parts_A2_per_ps: Floats
    regime: Regime
    length_ps: float
    hop_quantum_A2_per_ps: float
    hop_memory: HopMemory | None
    count_bias: float

    @property
    def lag_range_ps(self) -> tuple[float, float]:
        """Lags over which the mean squared displacement is linear by this estimate."""
        known = self.hop_memory.onset_ps if self.hop_memory else 0.0
        onset = max(self.length_ps / self.regime.n_modes, np.pi * self.model.correlation_time_ps, known)
        return min(onset, self.length_ps), self.length_ps

    @cached_property
    def to_median(self) -> float:
        """The median of trace / 3 over its mean, by which every mean over the hypotheses is multiplied."""
        mixture = self._mixture(np.eye(3) / 3)
        return mixture.median() / mixture.mean if mixture.mean > 0 else 1.0

    @property
    def tensor_A2_per_ps(self) -> Floats:
        """Cartesian diffusion tensor in Å^2/ps, shape (3, 3)."""
        return np.asarray(self.to_median * np.tensordot(self.model.probability, self.hypotheses_A2_per_ps, axes=1))

    @property
    def per_ion_A2_per_ps(self) -> Floats:
        """Diffusion tensor of every ion, shape (n_ions, 3, 3)."""
        plain, memory = self.model.probability[0], self.model.probability[1:]
        own = np.tensordot(memory, self.memory_parts_A2_per_ps, axes=1)
        return np.asarray(self.to_median * (plain * self.plain_parts_A2_per_ps.mean(axis=0) + own))

    def whitened(self, modes: Floats, squared_frequency: Floats) -> Floats:
        """Vector modes without what jumps are known to remember, shape (n_modes, n, 3)."""
        return whitened(modes, squared_frequency, self.hop_memory)

    def weights(self, spectrum: Floats, squared_frequency: Floats) -> Floats:
        """Weight of each whitened mode in the plateau of any spectrum, as the ions have it, as a row of the model's."""
        rows = (1 + self.count_bias) * self.model.weights(spectrum, squared_frequency)
        return np.asarray(self.to_median * (self.model.probability @ rows))

    def project(self, projection: Floats, scale: float = 1.0) -> Estimate:
        """Estimate of sum_ab projection_ab D_ab, with error (`projection` symmetric and positive)."""
        mixture = self._mixture(projection)
        return mixture.estimate(self.to_median * mixture.mean, scale)

    def _mixture(self, projection: Floats) -> CountMixture:
        values = np.einsum("xy,hxy->h", projection, self.hypotheses_A2_per_ps)
        plain, dof = two_way_variance(np.einsum("xy,bixy->bi", projection, self.plain_parts_A2_per_ps))
        parts = np.einsum("xy,hixy->hi", projection, self.memory_parts_A2_per_ps)
        # ions that move as one: only blocks of time show it, so no hypothesis is surer than the plain one
        quantum = self.hop_quantum_A2_per_ps * np.trace(projection)
        least = plain * (values / max(values[0], np.sqrt(plain), quantum)) ** 2
        variances = np.maximum([plain, *(two_way_variance(part[None])[0] for part in parts)], least)
        variances += self.model.relative_spread * values**2
        variances += quantum**2
        dofs = np.array([dof, *np.full(len(parts), max(parts.shape[1] - 1, 1))])
        return CountMixture(values, variances, dofs, self.model.probability, self.model.probability_in_intervals)

    def isotropic(self, scale: float = 1.0) -> Estimate:
        """Trace of the tensor / 3."""
        return self.project(np.eye(3) / 3, scale)

    def along(self, direction: Floats, scale: float = 1.0) -> Estimate:
        """u.D.u for the unit vector u along a Cartesian direction (one dimension, d = 1)."""
        unit = np.asarray(direction, dtype=float) / np.linalg.norm(direction)
        return self.project(np.outer(unit, unit), scale)


def estimate_diffusion(
    positions_A: Positions,
    frame_interval_ps: float,
    *,
    hop_length_A: float = HOP_LENGTH_A,
    hop_network: HopNetwork | None = None,
) -> DiffusionEstimate:
    """Estimate the diffusion tensor from unwrapped positions.

    Parameters
    ----------
    positions_A
        Unwrapped, drift-free Cartesian positions in Å, shape (n_frames, n_ions, 3).
    frame_interval_ps
        Time between frames in ps.
    hop_length_A
        Length of a hop in Å, which sets the smallest error that D can have.
    hop_network
        The hops of the same ions between known sites; without it, jumps that remember each other are known from the
        displacements alone.

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
    squared_frequency = squared_frequencies(n_frames, frame_interval_ps, n_modes)
    products = np.einsum("kia,kib->kab", modes, modes) / n_ions
    spectrum = np.trace(products, axis1=1, axis2=2) / 3
    slow = products[: 2 * MIN_MODES].mean(axis=0)
    anisotropy = np.sum(slow * slow) / np.trace(slow) ** 2 if np.trace(slow) > 0 else 1.0
    relative_variance = max(2 * float(anisotropy) / n_ions, local_scatter(spectrum))
    regime, memory = _regime_and_memory(spectrum, squared_frequency, relative_variance, length_ps, hop_network)
    used = slice(regime.n_modes)
    squared_frequency = squared_frequency[used]
    white = whitened(modes[used], squared_frequency, memory)
    per_ion = np.einsum("kia,kia->ki", white, white) / 3
    model = plateau_model(
        per_ion, squared_frequency, relative_variance, length_ps, hop_length_A, sites_known=memory is not None
    )
    weights = model.weights(per_ion.mean(axis=1), squared_frequency)
    plain_parts = _plain_parts(positions_A, frame_interval_ps, white, weights[0], memory)
    memory_parts = _per_ion(white, weights[1:])
    bias = 0.0
    if memory is not None and hop_network is not None:
        bias = count_bias(hop_network, spectrum[used], squared_frequency)
        slopes = rate_gradient(hop_network, weights[0, :, None, None] * products[used], squared_frequency)
        plain_parts += by_rates(hop_network, slopes, len(plain_parts), n_ions)
        memory_parts += by_rates(hop_network, slopes, 1, n_ions)
    white_products = np.einsum("kia,kib->kab", white, white) / n_ions
    estimate = DiffusionEstimate(
        model=model,
        hypotheses_A2_per_ps=(1 + bias) * np.tensordot(weights, white_products, axes=1) / 2,
        plain_parts_A2_per_ps=(1 + bias) * plain_parts,
        memory_parts_A2_per_ps=(1 + bias) * memory_parts,
        regime=regime,
        length_ps=length_ps,
        hop_quantum_A2_per_ps=hop_length_A**2 / (6 * n_ions * length_ps),
        hop_memory=memory,
        count_bias=bias,
    )
    if memory is not None and _too_many_rates(estimate):
        return estimate_diffusion(positions_A, frame_interval_ps, hop_length_A=hop_length_A)
    return estimate


def _too_many_rates(estimate: DiffusionEstimate) -> bool:
    """Whether the hops are too few for the rates that they have to tell."""
    found = estimate.isotropic()
    return estimate.count_bias * found.value > _MOST_COUNT_BIAS * found.standard_error


def _regime_and_memory(
    spectrum: Floats,
    squared_frequency: Floats,
    relative_variance: float,
    length_ps: float,
    network: HopNetwork | None,
) -> tuple[Regime, HopMemory | None]:
    """The modes that hops make, and what the network's hops remember, unless the spectrum contradicts it.

    It does if it is far likelier without, or higher than hops without memory could make it: then most were not seen.
    """
    blind = diffusive_regime(spectrum, squared_frequency, relative_variance, length_ps)
    if network is None:
        return blind, None
    memory = network.memory()
    level = BinnedSpectrum(spectrum[: blind.n_modes], squared_frequency[: blind.n_modes]).fit(0, 1).parameters[0] / 2
    if memory.jump_diffusivity_A2_per_ps < _LEAST_SEEN * level:
        return blind, None
    white = spectrum / memory.excess(squared_frequency)
    regime = diffusive_regime(white, squared_frequency, relative_variance, length_ps)
    band = slice(max(blind.n_modes, regime.n_modes))
    if contradicted(spectrum[band], white[band], squared_frequency[band], relative_variance, length_ps):
        return blind, None
    return regime, memory


def _per_ion(modes: Floats, weights: Floats) -> Floats:
    """Half the weighted sum over modes of each ion's products, shape (..., n_ions, 3, 3)."""
    by_ion = modes.swapaxes(0, 1)
    if weights.ndim == 1:
        return np.asarray(np.swapaxes(by_ion * (0.5 * weights[:, None]), 1, 2) @ by_ion)
    # ion by ion, as products of all would be many times the modes
    return np.stack([np.tensordot(weights, own[:, :, None] * own[:, None], axes=1) / 2 for own in by_ion], axis=-3)


def _plain_parts(
    positions_A: Positions, frame_interval_ps: float, modes: Floats, weights: Floats, memory: HopMemory | None
) -> Floats:
    """The plain estimate of every ion in every block, each with the frequencies of the whole."""
    n_frames, used = len(positions_A), len(modes)
    n_blocks = min(MAX_BLOCKS, used // _MODES_PER_BLOCK)
    if n_blocks < 2:
        return _per_ion(modes, weights)[None]
    size = n_frames // n_blocks
    n_modes = min(size - 1, max(MIN_MODES, round(used * size / n_frames)))
    squared_frequency = squared_frequencies(size, frame_interval_ps, n_modes)
    starts = range(0, n_blocks * size, size)
    blocks = [displacement_modes(positions_A[start : start + size], frame_interval_ps, n_modes) for start in starts]
    blocks = [whitened(block, squared_frequency, memory) for block in blocks]
    spectrum = np.mean([np.einsum("kia,kia->k", block, block) for block in blocks], axis=0)
    weights = BinnedSpectrum(spectrum, squared_frequency).fit(0, 1).weights[0]
    return np.stack([_per_ion(block, weights) for block in blocks])
