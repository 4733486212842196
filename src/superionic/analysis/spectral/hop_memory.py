"""What jumps remember because of where the sites are: known from the rates, not from the displacements.

An ion that hops fast across one pair of sites and rarely leaves it goes back and forth, and so does a walk with the
rates that were seen, whose spectrum is known. With p_s the share of time on site s and F_h = p_s k_h the flux of each
hop l_h (as large as that of its reverse),

    S(w) / 2 = D + sum_j v_j v_j^T / r_j  w^2 / (r_j^2 + w^2),     D = sum_h F_h l_h l_h^T / 2 - sum_j v_j v_j^T / r_j,

where r_j are the relaxation rates of the walk, the eigenvalues of its symmetrised rate matrix, and v_j its mean
velocity on each site, p_s^1/2 sum_h k_h l_h, in their eigenvectors (Okamura and Allnatt, J. Phys. C 16, 1841 (1983);
Trinkle, Phil. Mag. 97, 2514 (2017)). D is that of a network whose conductances are the fluxes.

Modes of a run over the square root of S(w) / S(0) have a plateau again ("prewhitening": Blackman and Tukey, The
Measurement of Power Spectra (1958)). Nothing but this ratio is used: the level stays that of the displacements, and so
does memory beyond the walk's, of ions that block each other for example. Sites of one name are taken to be alike; where
their energies scatter by more than kT, the walk is another one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_AT_REST = 1e-9  # of the fastest rate of leaving a site: relaxations of parts that no hop connects
_STILL_BENT = 0.05  # what the slope of the mean squared displacement may lie above its end where it counts as linear


@dataclass(frozen=True)
class HopMemory:
    """Spectrum of a walk in its relaxations.

    Attributes
    ----------
    diffusion_A2_per_ps
        Diffusion tensor of the walk, shape (3, 3).
    rate_per_ps
        Relaxation rates r_j, shape (n,).
    term_A2_per_ps
        v_j v_j^T / r_j, what each takes off the tensor, shape (n, 3, 3).
    """

    diffusion_A2_per_ps: Floats
    rate_per_ps: Floats
    term_A2_per_ps: Floats

    @property
    def jump_diffusivity_A2_per_ps(self) -> float:
        """Trace / 3 of the tensor without memory."""
        return float(np.trace(self.diffusion_A2_per_ps) + np.einsum("jaa->", self.term_A2_per_ps)) / 3

    @property
    def correlation_factor(self) -> float:
        """D over what it were without memory."""
        return float(np.trace(self.diffusion_A2_per_ps)) / 3 / self.jump_diffusivity_A2_per_ps

    @property
    def onset_ps(self) -> float:
        """Lag from which on the slope of the mean squared displacement is within 5 % of its end."""
        excess = np.einsum("jaa->j", self.term_A2_per_ps) / np.trace(self.diffusion_A2_per_ps)
        if excess.sum() <= _STILL_BENT:
            return 0.0
        longest = float(np.log(excess.sum() / _STILL_BENT) / self.rate_per_ps.min())
        lags = np.geomspace(1e-4 * longest, longest, 200)
        return float(lags[np.argmax(np.exp(-np.outer(lags, self.rate_per_ps)) @ excess <= _STILL_BENT)])

    def excess(self, squared_frequency: Floats) -> Floats:
        """Trace of the spectrum over that at zero, shape (n_modes,).

        Parameters
        ----------
        squared_frequency
            Squared angular frequency of each mode in ps^-2, shape (n_modes,).
        """
        return np.asarray(
            np.trace(self.spectrum(squared_frequency), axis1=1, axis2=2) / np.trace(self.diffusion_A2_per_ps)
        )

    def spectrum(self, squared_frequency: Floats) -> Floats:
        """Half the spectrum of each mode in Å^2/ps, D at zero, shape (n_modes, 3, 3); argument as of `excess`."""
        risen = np.tensordot(self._seen(squared_frequency), self.term_A2_per_ps, axes=1)
        return np.asarray(self.diffusion_A2_per_ps + risen)

    def _seen(self, squared_frequency: Floats) -> Floats:
        """How much of each relaxation is in the spectrum at each frequency, shape (n_modes, n)."""
        return np.asarray(squared_frequency[:, None] / (squared_frequency[:, None] + self.rate_per_ps**2))


def whitening(diffusion_A2_per_ps: Floats, spectrum_A2_per_ps: Floats) -> Floats:
    """D^1/2 (S / 2)^-1/2: modes of spectrum S times it have the spectrum 2 D; shapes (..., 3, 3)."""
    return np.asarray(_power(diffusion_A2_per_ps, 0.5) @ _power(spectrum_A2_per_ps, -0.5))


def _power(matrices: Floats, exponent: float) -> Floats:
    values, vectors = np.linalg.eigh(matrices)
    return np.asarray((vectors * values[..., None, :] ** exponent) @ np.swapaxes(vectors, -1, -2))


@dataclass(frozen=True)
class HopNetwork:
    """Sites of one cell of the host and the hops between them, in classes that symmetry makes equal.

    Attributes
    ----------
    time_share
        Share of its time that an ion spends on each site, shape (n_sites,), sum 1.
    source, target, hop_class
        Sites and class of every hop, each with its reverse, shape (n_hops,).
    vector_A
        Cartesian vectors, shape (n_hops, 3).
    counts
        Hops of each class that were seen, in both directions, shape (n_classes,).
    ion_time_ps
        Number of ions times length of the run in ps.
    seen_class, seen_ion, seen_at
        Class and ion of each of these hops, and when it ended, as a share of the run; none where counts are given.
    """

    time_share: Floats
    source: Ints
    target: Ints
    hop_class: Ints
    vector_A: Floats
    counts: Floats
    ion_time_ps: float
    seen_class: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    seen_ion: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    seen_at: Floats = field(default_factory=lambda: np.zeros(0))

    def memory(self) -> HopMemory:
        """What a walk with the rates that were seen remembers."""
        rates, _, along = self._relaxations
        flux = self._flux_per_ps
        terms = along[:, :, None] * along[:, None] / rates[:, None, None]
        bare = 0.5 * np.einsum("h,ha,hb->ab", flux, self.vector_A, self.vector_A)
        # one hop more in any direction, lest what was never seen count as impossible
        unseen = float(np.mean(np.sum(self.vector_A**2, axis=1))) / (6 * self.ion_time_ps)
        return HopMemory(bare - terms.sum(axis=0) + unseen * np.eye(3), rates, terms)

    def spectrum_per_hop(self, squared_frequency: Floats) -> Floats:
        """Derivative of half the walk's spectrum by each count in Å^2/ps, shape (n_modes, n_classes, 3, 3).

        With x(w) what an ion is expected to move from each site on, in the phase of w, a hop counts for what it
        changes of that: half the sum over hops of Re (l - x_s + x_t) (l - x_s + x_t)^T, as the power in a resistor.

        Parameters
        ----------
        squared_frequency
            Squared angular frequency of each mode in ps^-2, shape (n_modes,).
        """
        rates, modes, along = self._relaxations
        by_class, members = np.argsort(self.hop_class), np.bincount(self.hop_class)
        derivative = np.empty((len(squared_frequency), len(members), 3, 3))
        for own, frequency in zip(derivative, np.sqrt(squared_frequency), strict=True):  # one at a time: hops are many
            ahead = modes @ (along / (rates + 1j * frequency)[:, None])
            moved = (self.vector_A - ahead[self.source] + ahead[self.target])[by_class]
            products = (moved[:, :, None] * moved[:, None]).real
            own[:] = np.add.reduceat(products, np.cumsum(members) - members)
        return np.asarray(derivative / (2 * members * self.ion_time_ps)[:, None, None])

    def of_classes(self, chosen: NDArray[np.bool_]) -> HopNetwork:
        """The network without the other classes of hops."""
        renumbered, kept, seen = np.cumsum(chosen) - 1, chosen[self.hop_class], chosen[self.seen_class]
        return replace(
            self,
            source=self.source[kept],
            target=self.target[kept],
            hop_class=renumbered[self.hop_class[kept]],
            vector_A=self.vector_A[kept],
            counts=self.counts[chosen],
            seen_class=renumbered[self.seen_class[seen]],
            seen_ion=self.seen_ion[seen],
            seen_at=self.seen_at[seen],
        )

    def halves(self) -> tuple[HopNetwork, HopNetwork]:
        """Networks of the hops in even tenths of the run, and in odd ones."""
        odd = (10 * self.seen_at).astype(np.int64) % 2
        excess = np.bincount(self.seen_class, 1.0 - 2.0 * odd, len(self.counts))
        time_ps = self.ion_time_ps / 2
        even, other = ((self.counts + sign * excess) / 2 for sign in (1, -1))
        return replace(self, counts=even, ion_time_ps=time_ps), replace(self, counts=other, ion_time_ps=time_ps)

    def deviations(self, n_blocks: int, n_ions: int) -> Floats:
        """Hops of each ion in each block of time less their mean, shape (n_blocks, n_ions, n_classes)."""
        shape = n_blocks, n_ions, len(self.counts)
        block = np.minimum((n_blocks * self.seen_at).astype(np.int64), n_blocks - 1)
        cell = np.ravel_multi_index((block, self.seen_ion, self.seen_class), shape)
        hops = np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape)
        return np.asarray(hops - hops.mean(axis=(0, 1)))

    @property
    def _flux_per_ps(self) -> Floats:
        """How often an ion makes each hop, shape (n_hops,)."""
        return np.asarray((self.counts / np.bincount(self.hop_class) / self.ion_time_ps)[self.hop_class])

    @cached_property
    def _relaxations(self) -> tuple[Floats, Floats, Floats]:
        """Rates r_j, eigenvectors over p_s^1/2, shape (n_sites, n), and v_j, shape (n, 3)."""
        flux, root = self._flux_per_ps, np.sqrt(self.time_share)
        matrix, velocity = np.zeros((len(root), len(root))), np.zeros((len(root), 3))
        np.add.at(matrix, (self.source, self.source), flux / self.time_share[self.source])
        np.add.at(matrix, (self.source, self.target), -flux / (root[self.source] * root[self.target]))
        np.add.at(velocity, self.source, flux[:, None] * self.vector_A / root[self.source, None])
        rates, vectors = np.linalg.eigh(matrix)
        moving = rates > _AT_REST * matrix.diagonal().max()
        modes = np.divide(
            vectors[:, moving], root[:, None], where=root[:, None] > 0, out=np.zeros((len(root), moving.sum()))
        )
        return rates[moving], modes, (vectors.T @ velocity)[moving]
