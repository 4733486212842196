"""Layered, clustered, dispersed and random arrangements of several cations on the same sites."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Literal

import numba
import numpy as np
from numpy.typing import NDArray

from superionic.errors import InputError
from superionic.structures.enumeration import canonical_form
from superionic.structures.random_bits import index_pair, next_bits, unit_float
from superionic.structures.short_range_order import OrderParameters, ShortRangeOrder, z_scores

Arrangement = Literal["layered", "clustered", "dispersed", "random"]

TYPICAL_Z = 2.0
"""A random arrangement with a larger z-score in any parameter is ordered by chance."""

_N_CHAINS = 8
_N_SWAPS = 20_000
_MAX_TRIES = 20  # searches for one more arrangement that is not an image of one found


@dataclass(frozen=True)
class ArrangedSites:
    """One arrangement and how ordered it is.

    Attributes
    ----------
    species
        Species on each of the decorated sites.
    reached
        Order parameters of the arrangement.
    z
        The same in units of their spread over random arrangements.
    """

    species: tuple[str, ...]
    reached: OrderParameters
    z: OrderParameters

    @property
    def is_typical(self) -> bool:
        """Whether a random arrangement would look like this: every z-score below 2 in size."""
        return all(abs(score) < TYPICAL_Z for score in astuple(self.z) if score is not None)


def target(arrangement: Arrangement, chance_of_like: float) -> OrderParameters | None:
    """Order parameters that define an arrangement; None leaves one free, and 'random' has no target at all.

    - layered: every plane holds as few species as possible (plane order 1);
    - clustered: all neighbours alike, in the planes and between them, in clusters that run across the planes;
    - dispersed: no neighbours alike, and planes of equal composition as far as chance gives them.
    """
    all_alike = 1 - 1 / chance_of_like if chance_of_like else 0.0
    targets = {
        "layered": OrderParameters(None, None, 1.0),
        "clustered": OrderParameters(all_alike, all_alike, 0.0),
        "dispersed": OrderParameters(1.0, 1.0, 0.0),
        "random": None,
    }
    if arrangement not in targets:
        raise InputError(f"arrangement {arrangement!r} is unknown; use one of {list(targets)}")
    return targets[arrangement]


def arrange(
    pair_weights: NDArray[np.float64],
    counts: Mapping[str, int],
    arrangement: Arrangement,
    seed: int,
    images: NDArray[np.integer],
    n_arrangements: int = 1,
) -> list[ArrangedSites]:
    """Find arrangements that come as close to their definition as a seeded search gets.

    The distance to the target is the sum of squared differences, each in units of the parameter's spread over random
    arrangements. It is minimised by annealed swaps; a random arrangement is drawn and not improved.

    Parameters
    ----------
    pair_weights
        Shape (3, sites, sites), from :func:`superionic.structures.short_range_order.pair_weights`.
    counts
        Number of ions of each species; they fill the sites.
    arrangement
        What to look for.
    seed
        Seed of the search.
    images
        Shape (operations, sites): permutations of the decorated sites; no two arrangements are images of each other.
    n_arrangements
        Number of arrangements wanted.

    Raises
    ------
    InputError
        If the arrangement is unknown or there are not so many different ones.
    """
    if n_arrangements < 1:
        raise InputError(f"n_arrangements is {n_arrangements}; ask for at least one")
    order = ShortRangeOrder(pair_weights, tuple(counts.values()))
    spread = order.random_spread(seed)
    wanted = target(arrangement, order.chance_of_like)
    names = list(counts)
    found: dict[bytes, ArrangedSites] = {}
    for stream in np.random.SeedSequence(seed).spawn(n_arrangements * _MAX_TRIES):
        rng = np.random.default_rng(stream)
        codes = rng.permutation(np.repeat(np.arange(len(names)), order.counts))
        if wanted is not None:
            codes = _search(order, wanted, spread, rng)
        key = canonical_form(codes.astype(np.uint8), images)[0]
        if key not in found:
            reached = order.parameters(codes)
            found[key] = ArrangedSites(tuple(names[code] for code in codes), reached, z_scores(reached, spread))
            if len(found) == n_arrangements:
                return list(found.values())
    raise InputError(
        f"n_arrangements is {n_arrangements} but the search found only {len(found)} different {arrangement} ones; "
        "ask for fewer"
    )


def _search(
    order: ShortRangeOrder, wanted: OrderParameters, spread: OrderParameters, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Best of a few annealed chains."""
    targets = np.array([np.nan if value is None else value for value in astuple(wanted)])
    sigmas = np.array([value or np.nan for value in astuple(spread)])
    importance = np.nan_to_num(0 * targets + 1 / sigmas**2)  # zero where there is no target or no spread
    best, best_distance = None, np.inf
    for _ in range(_N_CHAINS):
        codes = rng.permutation(np.repeat(np.arange(len(order.counts)), order.counts))
        state = rng.integers(2**63, size=1).astype(np.uint64)
        codes, distance = _anneal_order(
            codes,
            order.pair_weights,
            np.nan_to_num(order.offsets - targets),
            order.slopes,
            importance,
            _N_SWAPS,
            state,
        )
        if distance < best_distance:
            best, best_distance = codes, distance
    assert best is not None  # noqa: S101 - there is at least one chain
    return best


@numba.njit(cache=True)
def _like_pairs(codes, weights):  # type: ignore[no-untyped-def]
    """Weighted number of like pairs of each kind."""
    like = np.zeros(len(weights))
    for k in range(len(weights)):
        for i in range(len(codes)):
            for j in range(len(codes)):
                if codes[i] == codes[j]:
                    like[k] += weights[k, i, j]
    return like


@numba.njit(cache=True)
def _anneal_order(codes, weights, offsets, slopes, importance, n_swaps, state):  # type: ignore[no-untyped-def]
    """Anneal the squared distance to the target; returns the best decoration met and its distance."""
    like = _like_pairs(codes, weights)
    distance = np.sum(importance * (offsets + slopes * like) ** 2)
    best, best_distance = codes.copy(), distance
    start = max(distance, 1.0)
    trial = np.empty_like(like)
    for step in range(n_swaps):
        a, b = index_pair(next_bits(state), len(codes), len(codes))
        if codes[a] == codes[b]:
            continue
        for k in range(len(like)):
            change = 0.0
            for i in range(len(codes)):
                if i not in (a, b):
                    change += (weights[k, b, i] - weights[k, a, i]) * (codes[i] == codes[a])
                    change += (weights[k, a, i] - weights[k, b, i]) * (codes[i] == codes[b])
            trial[k] = like[k] + 2 * change
        after = np.sum(importance * (offsets + slopes * trial) ** 2)
        temperature = 0.3 * start * 0.0003 ** (step / n_swaps)
        if after <= distance or unit_float(next_bits(state)) < np.exp((distance - after) / temperature):
            codes[a], codes[b] = codes[b], codes[a]
            like[:] = trial
            distance = after
            if distance < best_distance - 1e-12:
                best_distance = distance
                best[:] = codes
    return best, best_distance
