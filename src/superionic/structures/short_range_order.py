"""Order in a decorated lattice: Warren-Cowley parameters in and between planes, and order from plane to plane.

All are corrected for the finite number of sites: against the probability of drawing two species *without* putting the
first one back, so that the mean over all decorations of one composition is exactly zero, whatever the size of the cell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

SHELL_FACTOR = 1.1
"""Neighbours up to this multiple of the nearest distance form one shell."""

_SAME_PLANE_A = 0.5
_N_RANDOM = 4000  # decorations that the spread of the random alloy is estimated from: 1 % of the spread


@dataclass(frozen=True)
class OrderParameters:
    """How far like cations avoid or seek each other.

    Attributes
    ----------
    in_plane, between_planes
        Warren-Cowley parameter of like pairs in the first shell: 1 when none are neighbours, 0 when as many as by
        chance, negative when more. None if the cell has no such neighbours (images of the site itself do not count).
    plane_order
        1 when every plane holds one species only, 0 as by chance, negative when planes are more alike than that.
    """

    in_plane: float | None
    between_planes: float | None
    plane_order: float | None


@dataclass(frozen=True)
class ShortRangeOrder:
    r"""The order parameters of one composition on one set of sites.

    Each parameter is linear in a number of like pairs, :math:`L_k = \\sum_{ij} W_{kij} [s_i = s_j]`.

    Parameters
    ----------
    pair_weights
        Shape (3, sites, sites): how often each pair are neighbours in a plane, neighbours between planes, and whether
        they lie in the same plane; symmetric with zero diagonals (see :func:`pair_weights`).
    counts
        Number of ions of each species.
    """

    pair_weights: NDArray[np.float64]
    counts: tuple[int, ...]

    @property
    def chance_of_like(self) -> float:
        """Probability that two different sites hold the same species in a random decoration."""
        n_sites = sum(self.counts)
        return sum(n * (n - 1) for n in self.counts) / (n_sites * (n_sites - 1))

    @cached_property
    def offsets(self) -> NDArray[np.float64]:
        """Parameters where no pair is alike; nan where a parameter is not defined."""
        chance = self.chance_of_like
        plane = -chance / (1 - chance) if chance < 1 else np.nan
        values = np.array([1.0 if chance else np.nan] * 2 + [plane])
        return np.where(self.pair_weights.sum(axis=(1, 2)) > 0, values, np.nan)

    @cached_property
    def slopes(self) -> NDArray[np.float64]:
        """Change of each parameter with the number of like pairs."""
        chance = self.chance_of_like
        totals = np.maximum(self.pair_weights.sum(axis=(1, 2)), 1e-300)
        plane = 1 / (1 - chance) if chance < 1 else 0.0
        return np.array([*[-1 / chance if chance else 0.0] * 2, plane]) / totals

    def values(self, codes: NDArray[np.integer]) -> NDArray[np.float64]:
        """The three parameters of decorations, shape (decorations, 3); `codes` are species numbers per site."""
        codes = np.atleast_2d(codes)
        first, second = np.nonzero(self.pair_weights.any(axis=0))
        like = codes[:, first] == codes[:, second]
        return np.asarray(self.offsets + self.slopes * (like @ self.pair_weights[:, first, second].T))

    def parameters(self, codes: NDArray[np.integer]) -> OrderParameters:
        """The parameters of one decoration."""
        return OrderParameters(*[None if np.isnan(value) else float(value) for value in self.values(codes)[0]])

    def random_spread(self, seed: int) -> OrderParameters:
        """Standard deviations over random decorations; their means are zero by construction."""
        rng = np.random.default_rng(seed)
        codes = rng.permuted(np.tile(np.repeat(np.arange(len(self.counts)), self.counts), (_N_RANDOM, 1)), axis=1)
        spreads = np.sqrt((self.values(codes) ** 2).mean(axis=0))
        return OrderParameters(*[None if np.isnan(spread) else float(spread) for spread in spreads])


def z_scores(parameters: OrderParameters, spread: OrderParameters) -> OrderParameters:
    """Parameters in units of their spread over random decorations; None where that is zero."""
    return OrderParameters(
        *[
            value / sigma if value is not None and sigma else None
            for value, sigma in zip(astuple(parameters), astuple(spread), strict=True)
        ]
    )


def pair_weights(
    lattice: NDArray[np.float64], frac_coords: NDArray[np.float64], normal: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Which sites are neighbours in a plane, neighbours in adjacent planes, and in the same plane.

    Parameters
    ----------
    lattice
        Rows are the cell vectors in Å.
    frac_coords
        Fractional coordinates of the decorated sites, shape (sites, 3).
    normal
        Unit vector along which the planes are stacked; without it all neighbours count as in plane.

    Returns
    -------
    NDArray[np.float64]
        Shape (3, sites, sites), as :class:`ShortRangeOrder` takes it.
    """
    n_sites = len(frac_coords)
    images = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    deltas = frac_coords[None, :, :] - frac_coords[:, None, :]
    vectors = ((deltas - np.rint(deltas))[None] + images[:, None, None, :]) @ lattice
    distances = np.linalg.norm(vectors, axis=-1)
    distances[distances < 1e-3] = np.inf
    heights = np.zeros_like(distances) if normal is None else np.abs(vectors @ normal)
    level = heights < _SAME_PLANE_A
    weights = np.zeros((3, n_sites, n_sites))
    weights[0] = _first_shell(distances, level)
    if not level.all():
        adjacent = heights < heights[~level].min() + _SAME_PLANE_A
        weights[1] = _first_shell(distances, adjacent & ~level)
    weights[2] = level.any(axis=0)
    for matrix in weights:
        np.fill_diagonal(matrix, 0.0)  # a site is always like its own images
    return weights


def _first_shell(distances: NDArray[np.float64], allowed: NDArray[np.bool_]) -> NDArray[np.float64]:
    nearest = np.where(allowed, distances, np.inf).min()
    within = allowed & (distances < SHELL_FACTOR * nearest) & np.isfinite(distances)
    return np.asarray(within.sum(axis=0), dtype=np.float64)


def warren_cowley(weights: NDArray[np.float64], species: Sequence[str]) -> dict[str, float]:
    r"""Warren-Cowley parameter of every pair of species, corrected for the finite number of sites.

    :math:`\\alpha_{ij} = 1 - P_{ij} / P^0_{ij}`, with :math:`P^0_{ij} = N_i N_j / N(N-1)` and
    :math:`P^0_{ii} = N_i (N_i - 1) / N(N-1)` (J. M. Cowley, Phys. Rev. 77, 669 (1950); drawn without replacement).

    Parameters
    ----------
    weights
        One of the pair weights, shape (sites, sites).
    species
        Species on each site.

    Returns
    -------
    dict[str, float]
        'A-B' in alphabetical order -> parameter; pairs that cannot occur are left out.
    """
    counts = Counter(species)
    n_sites, total = len(species), weights.sum()
    names = np.array(species)
    parameters = {}
    for first in sorted(counts):
        for second in sorted(counts):
            chance = counts[first] * (counts[second] - (first == second)) / (n_sites * (n_sites - 1))
            if first <= second and chance and total:
                found = weights[np.ix_(names == first, names == second)].sum() / total
                parameters[f"{first}-{second}"] = float(1 - found / chance)
    return parameters
