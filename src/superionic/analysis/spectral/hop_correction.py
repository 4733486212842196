"""How the hops of a network enter an estimate of D: its modes, its error, and its bias."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from superionic.analysis.spectral.hop_memory import HopMemory, HopNetwork, whitening
from superionic.analysis.spectral.spectrum import BinnedSpectrum, bin_starts

Floats = NDArray[np.float64]

_STEP = 1e-4  # of a count, for derivatives


def whitened(modes: Floats, squared_frequency: Floats, memory: HopMemory | None) -> Floats:
    """Vector modes, shape (n_modes, n, 3), as they were if jumps did not remember what they are known to."""
    if memory is None:
        return modes
    white = whitening(memory.diffusion_A2_per_ps, memory.spectrum(squared_frequency))
    return np.asarray(modes @ np.swapaxes(white, -1, -2))


def rate_gradient(network: HopNetwork, weighted: Floats, squared_frequency: Floats) -> Floats:
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


def count_bias(network: HopNetwork, spectrum: Floats, squared_frequency: Floats) -> float:
    """Share by which the plateau is too low because D of a network is concave in its counts.

    Their noise then looks like memory. What the noise does twice as strongly in half of the hops is known by itself.
    """
    whole, *halves = (
        BinnedSpectrum(spectrum / part.memory().excess(squared_frequency), squared_frequency).fit(0, 1).parameters[0]
        for part in (network, *network.halves())
    )
    return float(1 - np.mean(halves) / whole) if whole > 0 else 0.0


def by_rates(network: HopNetwork, gradient: Floats, n_blocks: int, n_ions: int) -> Floats:
    """What every ion in every block of time adds through its hops to the rates, shape (n_blocks, n_ions, 3, 3)."""
    return np.asarray(n_blocks * n_ions * np.tensordot(network.deviations(n_blocks, n_ions), gradient, axes=1))
