"""Diffusion tensor of one run with a calibrated error.

The plateau of the displacement spectrum (:mod:`superionic.analysis.plateau`) gives the tensor. Where the sites are
known, the spectrum is first divided by that of a walk between them (:mod:`superionic.analysis.hop_memory`), unless
the run contradicts it. The error comes from the scatter of the same estimate over ions and over blocks of time, so
that hops which come in bunches, ions that sit in different surroundings and ions that move together all count. What
limits a run is how few hops it holds, so intervals are those of a count of hops, and asymmetric.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from superionic.analysis.counts import CountMixture, two_way_variance
from superionic.analysis.hop_memory import HopMemory, HopNetwork, whitening
from superionic.analysis.motion import Positions
from superionic.analysis.plateau import PlateauModel, Regime, contradicted, diffusive_regime, plateau_model
from superionic.analysis.spectrum import (
    MAX_FREQUENCY_THZ,
    MIN_MODES,
    NOTHING,
    BinnedSpectrum,
    bin_starts,
    displacement_modes,
    local_scatter,
    squared_frequencies,
)
from superionic.documents import Estimate
from superionic.errors import InputError

Floats = NDArray[np.float64]

HOP_LENGTH_A = 3.0
"""Length of one hop where sites are unknown: sets the upper limit on D when no hop is seen."""
MAX_BLOCKS = 10
_MODES_PER_BLOCK = 10
_STEP = 1e-4  # of a count, for derivatives


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
    """

    model: PlateauModel
    hypotheses_A2_per_ps: Floats
    plain_parts_A2_per_ps: Floats
    memory_parts_A2_per_ps: Floats
    regime: Regime
    length_ps: float
    hop_quantum_A2_per_ps: float
    hop_memory: HopMemory | None

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
        return _whitened(modes, squared_frequency, self.hop_memory)

    def weights(self, spectrum: Floats, squared_frequency: Floats) -> Floats:
        """Weight of each whitened mode in the plateau of any spectrum, as the ions have it, as a row of the model's."""
        return np.asarray(self.to_median * (self.model.probability @ self.model.weights(spectrum, squared_frequency)))

    def project(self, projection: Floats, scale: float = 1.0) -> Estimate:
        """Estimate of sum_ab projection_ab D_ab, with error (`projection` symmetric and positive)."""
        mixture = self._mixture(projection)
        return mixture.estimate(self.to_median * mixture.mean, scale)

    def _mixture(self, projection: Floats) -> CountMixture:
        values = np.einsum("xy,hxy->h", projection, self.hypotheses_A2_per_ps)
        plain, dof = two_way_variance(np.einsum("xy,bixy->bi", projection, self.plain_parts_A2_per_ps))
        parts = np.einsum("xy,hixy->hi", projection, self.memory_parts_A2_per_ps)
        # ions that move as one: only blocks of time show it, so no hypothesis is surer than the plain one
        least = plain * (values / max(values[0], NOTHING)) ** 2
        variances = np.maximum([plain, *(two_way_variance(part[None])[0] for part in parts)], least)
        variances += self.model.relative_spread * values**2
        variances += (self.hop_quantum_A2_per_ps * np.trace(projection)) ** 2
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
    white = _whitened(modes[used], squared_frequency, memory)
    per_ion = np.einsum("kia,kia->ki", white, white) / 3
    model = plateau_model(
        per_ion, squared_frequency, relative_variance, length_ps, hop_length_A, sites_known=memory is not None
    )
    weights = model.weights(per_ion.mean(axis=1), squared_frequency)
    plain_parts = _plain_parts(positions_A, frame_interval_ps, white, weights[0], memory)
    memory_parts = _per_ion(white, weights[1:])
    if memory is not None and hop_network is not None:
        gradient = _gradient(hop_network, weights[0, :, None, None] * products[used], squared_frequency)
        plain_parts += _by_rates(hop_network, gradient, len(plain_parts), n_ions)
        memory_parts += _by_rates(hop_network, gradient, 1, n_ions)
    return DiffusionEstimate(
        model=model,
        hypotheses_A2_per_ps=np.tensordot(weights, np.einsum("kia,kib->kab", white, white), axes=1) / (2 * n_ions),
        plain_parts_A2_per_ps=plain_parts,
        memory_parts_A2_per_ps=memory_parts,
        regime=regime,
        length_ps=length_ps,
        hop_quantum_A2_per_ps=hop_length_A**2 / (6 * n_ions * length_ps),
        hop_memory=memory,
    )


def _regime_and_memory(
    spectrum: Floats,
    squared_frequency: Floats,
    relative_variance: float,
    length_ps: float,
    network: HopNetwork | None,
) -> tuple[Regime, HopMemory | None]:
    """The modes that hops make, and what the network's hops remember unless the spectrum contradicts it."""
    blind = diffusive_regime(spectrum, squared_frequency, relative_variance, length_ps)
    if network is None:
        return blind, None
    memory = network.memory()
    white = spectrum / memory.excess(squared_frequency)
    regime = diffusive_regime(white, squared_frequency, relative_variance, length_ps)
    band = slice(max(blind.n_modes, regime.n_modes))
    if contradicted(spectrum[band], white[band], squared_frequency[band], relative_variance, length_ps):
        return blind, None
    return regime, memory


def _whitened(modes: Floats, squared_frequency: Floats, memory: HopMemory | None) -> Floats:
    if memory is None:
        return modes
    white = whitening(memory.diffusion_A2_per_ps, memory.spectrum(squared_frequency))
    return np.asarray(modes @ np.swapaxes(white, -1, -2))


def _gradient(network: HopNetwork, weighted: Floats, squared_frequency: Floats) -> Floats:
    """Change of the tensor with each count of the network, per hop, shape (n_classes, 3, 3).

    Parameters
    ----------
    network
        The hops seen.
    weighted
        Products of the modes as they were, times their weights in the plateau, shape (n_modes, 3, 3).
    squared_frequency
        Squared angular frequency of each mode, shape (n_modes,).
    """
    starts = bin_starts(len(weighted))
    sums = np.add.reduceat(weighted, starts)
    squared = np.add.reduceat(squared_frequency, starts) / np.diff([*starts, len(weighted)])
    memory = network.memory()
    per_hop = network.spectrum_per_hop(np.concatenate([[0.0], squared]))
    step = _STEP * network.counts[:, None, None]

    def tensor(diffusion: Floats, spectrum: Floats) -> Floats:
        white = whitening(diffusion, spectrum)
        return np.einsum("k...ab,kbc,k...dc->...ad", white, sums, white) / 2

    before = memory.diffusion_A2_per_ps, memory.spectrum(squared)
    after = tensor(before[0] + step * per_hop[0], before[1][:, None] + step * per_hop[1:])
    return np.asarray((after - tensor(*before)) / step)


def _by_rates(network: HopNetwork, gradient: Floats, n_blocks: int, n_ions: int) -> Floats:
    """What every ion in every block of time adds through its hops to the rates, shape (n_blocks, n_ions, 3, 3)."""
    return np.asarray(n_blocks * n_ions * np.tensordot(network.deviations(n_blocks, n_ions), gradient, axes=1))


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
    blocks = [_whitened(block, squared_frequency, memory) for block in blocks]
    spectrum = np.mean([np.einsum("kia,kia->k", block, block) for block in blocks], axis=0)
    weights = BinnedSpectrum(spectrum, squared_frequency).fit(0, 1).weights[0]
    return np.stack([_per_ion(block, weights) for block in blocks])
