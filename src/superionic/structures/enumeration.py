"""Every symmetry-distinct decoration, or a sample of them, with multiplicities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb

import numba
import numpy as np
from numpy.typing import NDArray

from superionic.errors import InputError
from superionic.structures.choices import linked_pools
from superionic.structures.counting import count_distinct
from superionic.structures.pools import Pool

EMPTY = ""
_MAX_TRIES_PER_SAMPLE = 1000
_MAX_SUBSETS = 300_000_000  # a byte each


@dataclass(frozen=True)
class Decoration:
    """One representative of an orbit of decorations.

    Attributes
    ----------
    species
        Species on every site of the supercell; an empty string where there is none.
    multiplicity
        Number of decorations in the orbit.
    """

    species: tuple[str, ...]
    multiplicity: int


def enumerate_distinct(
    permutations: NDArray[np.integer],
    pools: Sequence[Pool],
    max_distinct: int = 100_000,
    alternatives: NDArray[np.integer] | None = None,
) -> list[Decoration]:
    """List every distinct decoration of the pools.

    The species are placed one after another. Each placement is a subset of the sites still free, taken up to the
    operations that leave everything placed so far as it is: orbits of subsets under a shrinking stabiliser, so that no
    decoration is ever compared with another.

    Parameters
    ----------
    permutations
        Shape (operations, sites); operation ``g`` takes the ion on site ``i`` to site ``permutations[g, i]``.
    pools
        The ions to share out.
    max_distinct
        Largest number of distinct decorations to write down.
    alternatives
        Shape (pairs, 2): sites of which one at most is taken; none if None.

    Raises
    ------
    InputError
        If there are more than `max_distinct`; the message states the count.
    """
    n_distinct = count_distinct(permutations, pools, alternatives)
    if n_distinct > max_distinct:
        raise InputError(
            f"max_distinct is {max_distinct} but there are {n_distinct} distinct decorations; "
            "raise max_distinct or sample some of them without repetition (n_samples and seed)"
        )
    placements = [(pool.sites, species, count) for pool in pools for species, count in pool.counts.items() if count]
    blank = np.full(permutations.shape[1], EMPTY, dtype=object)
    return [
        Decoration(tuple(species), len(permutations) // len(stabiliser))
        for species, stabiliser in _place(
            blank, np.asarray(permutations, dtype=np.int64), placements, _excluded(permutations.shape[1], alternatives)
        )
    ]


def _excluded(n_sites: int, alternatives: NDArray[np.integer] | None) -> NDArray[np.bool_] | None:
    """Which sites exclude which, shape (sites, sites)."""
    if alternatives is None or not len(alternatives):
        return None
    excluded = np.zeros((n_sites, n_sites), dtype=bool)
    excluded[alternatives[:, 0], alternatives[:, 1]] = excluded[alternatives[:, 1], alternatives[:, 0]] = True
    return excluded


def _place(
    species: NDArray[np.object_],
    stabiliser: NDArray[np.int64],
    placements: list[tuple[tuple[int, ...], str, int]],
    excluded: NDArray[np.bool_] | None,
) -> Iterator[tuple[NDArray[np.object_], NDArray[np.int64]]]:
    """Place the first ion kind in every distinct way, then the others in each of these."""
    if not placements:
        yield species, stabiliser
        return
    (sites, ion, count), *rest = placements
    free = np.array([site for site in sites if species[site] == EMPTY], dtype=np.int64)
    if excluded is not None:
        free = free[~excluded[free][:, species != EMPTY].any(axis=1)]
    n_subsets = comb(len(free), count)
    if n_subsets > _MAX_SUBSETS:
        raise InputError(
            f"{count} {ion} on {len(free)} sites are {n_subsets} placements, too many to go through; "
            "sample some of them (n_samples and seed)"
        )
    if not n_subsets:
        return
    position = np.full(stabiliser.shape[1], -1, dtype=np.int64)
    position[free] = np.arange(len(free))
    local = position[stabiliser[:, free]]
    binomials = np.array([[comb(n, k) for k in range(count + 1)] for n in range(len(free) + 1)], dtype=np.int64)
    for subset in _orbit_representatives(local, count, binomials):
        if excluded is not None and excluded[np.ix_(free[subset], free[subset])].any():
            continue
        images = np.sort(local[:, subset], axis=1)
        decorated = species.copy()
        decorated[free[subset]] = ion
        yield from _place(decorated, stabiliser[(images == subset).all(axis=1)], rest, excluded)


@numba.njit(cache=True)
def _orbit_representatives(
    permutations: NDArray[np.int64], n_chosen: int, binomials: NDArray[np.int64]
) -> NDArray[np.int64]:
    """First subset of every orbit of `n_chosen`-subsets, in colexicographic order, which is also their numbering."""
    n_operations, n_sites = permutations.shape
    n_subsets = binomials[n_sites, n_chosen]
    seen = np.zeros(n_subsets, dtype=np.bool_)
    subset = np.arange(n_chosen)
    image = np.empty(n_chosen, dtype=np.int64)
    found = []
    for rank in range(n_subsets):
        if not seen[rank]:
            found.append(subset.copy())
            for g in range(n_operations):
                for i in range(n_chosen):  # insertion sort: the subsets are small
                    site = permutations[g, subset[i]]
                    j = i
                    while j > 0 and image[j - 1] > site:
                        image[j] = image[j - 1]
                        j -= 1
                    image[j] = site
                image_rank = 0
                for i in range(n_chosen):
                    image_rank += binomials[image[i], i + 1]
                seen[image_rank] = True
        i = 0
        while i < n_chosen - 1 and subset[i] + 1 == subset[i + 1]:
            subset[i] = i
            i += 1
        subset[i] += 1
    representatives = np.empty((len(found), n_chosen), dtype=np.int64)
    for i in range(len(found)):
        representatives[i] = found[i]
    return representatives


def sample_distinct(
    permutations: NDArray[np.integer],
    pools: Sequence[Pool],
    n_samples: int,
    seed: int,
    alternatives: NDArray[np.integer] | None = None,
) -> list[Decoration]:
    """Draw distinct decorations at random, none of them twice and no two symmetry images of each other.

    Every single decoration is equally likely to be drawn, so an orbit comes up in proportion to its multiplicity, as it
    does in a random alloy.

    Parameters
    ----------
    permutations
        Shape (operations, sites).
    pools
        The ions to share out.
    n_samples
        Number of distinct decorations wanted.
    seed
        Seed of the draw.
    alternatives
        Shape (pairs, 2): sites of which one at most is taken; none if None.

    Raises
    ------
    InputError
        If there are fewer than `n_samples` distinct decorations.
    """
    n_distinct = count_distinct(permutations, pools, alternatives)
    if n_samples > n_distinct:
        raise InputError(
            f"n_samples is {n_samples} but there are only {n_distinct} distinct decorations; ask for fewer"
        )
    rng = np.random.default_rng(seed)
    if 2 * n_samples > n_distinct:  # rejection would wait long for the last ones
        everything = enumerate_distinct(permutations, pools, n_distinct, alternatives)
        weights = np.array([decoration.multiplicity for decoration in everything], dtype=float)
        chosen = rng.choice(n_distinct, size=n_samples, replace=False, p=weights / weights.sum())
        return [everything[index] for index in chosen]
    free, linked = linked_pools(pools, alternatives)
    found: dict[bytes, Decoration] = {}
    for _ in range(_MAX_TRIES_PER_SAMPLE * n_samples):
        codes = np.zeros(permutations.shape[1], dtype=np.uint8)
        names = [EMPTY]
        for pool in free:
            kinds = [names.append(kind) or len(names) - 1 for kind in pool.counts]  # type: ignore[func-returns-value]
            ions = np.repeat([*kinds, 0], pool.parts)
            codes[list(pool.sites)] = rng.permutation(ions)
        for group in linked:
            names += sorted({species for _, species, _ in group.kinds} - set(names))
            for site, species in group.draw(rng):
                codes[site] = names.index(species)
        key, multiplicity = canonical_form(codes, permutations)
        if key not in found:
            first = np.frombuffer(key, dtype=np.uint8)
            found[key] = Decoration(tuple(names[code] for code in first), multiplicity)
            if len(found) == n_samples:
                return list(found.values())
    raise InputError(f"only {len(found)} of {n_samples} distinct decorations came up; set n_samples lower")


def canonical_form(codes: NDArray[np.uint8], permutations: NDArray[np.integer]) -> tuple[bytes, int]:
    """Smallest image of a decoration under the group, and the number of different images.

    Parameters
    ----------
    codes
        Shape (sites,): species number on each site.
    permutations
        Shape (operations, sites). Since a group holds every inverse, pulling back and pushing forward agree.
    """
    images = {row.tobytes() for row in np.asarray(codes, dtype=np.uint8)[permutations]}
    return min(images), len(images)
