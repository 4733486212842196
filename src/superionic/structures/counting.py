"""How many symmetry-distinct decorations there are, before any is written down.

A decoration problem is a permutation group on the sites and a set of *pools*: disjoint sets of sites, each mapped
onto itself by the group, each with the number of ions of every species it holds. Pairs of sites may be *alternatives*
(split positions), of which one ion at most takes one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from math import factorial, prod

import numpy as np
from numpy.typing import NDArray

from superionic.structures.choices import linked_pools
from superionic.structures.pools import Pool


def count_decorations(pools: Sequence[Pool], alternatives: NDArray[np.integer] | None = None) -> int:
    """Count the decorations before symmetry: multinomial coefficients, fewer where sites exclude others."""
    free, linked = linked_pools(pools, alternatives)
    separate = prod(factorial(len(pool.sites)) // prod(map(factorial, pool.parts)) for pool in free)
    return separate * prod(group.n_decorations() for group in linked)


def count_distinct(
    permutations: NDArray[np.integer], pools: Sequence[Pool], alternatives: NDArray[np.integer] | None = None
) -> int:
    r"""Count the decorations distinct under a group, exactly, by Burnside's lemma in Pólya's form.

    The number of orbits is the mean over the group of the decorations each operation leaves as they are. An operation
    leaves a decoration as it is when every cycle of sites holds one species, so these are the coefficient of
    :math:`\\prod_s x_s^{n_s}` in :math:`\\prod_{cycles} \\sum_s x_s^{length}` (G. Pólya, Acta Math. 68, 145 (1937)).

    Parameters
    ----------
    permutations
        Shape (operations, sites): operation ``g`` takes the ion on site ``i`` to site ``permutations[g, i]``.
    pools
        The ions to share out; each pool must be mapped onto itself by every operation.
    alternatives
        Shape (pairs, 2): sites of which one at most is taken; mapped onto themselves by every operation.

    Returns
    -------
    int
        Number of orbits.
    """
    free, linked = linked_pools(pools, alternatives)
    total = sum(
        prod(_n_fixed(_cycle_lengths(permutation, pool.sites), pool.parts) for pool in free)
        * prod(group.n_fixed(permutation) for group in linked)
        for permutation in permutations
    )
    n_distinct, remainder = divmod(total, len(permutations))
    if remainder:
        raise ValueError("the permutations are not a group: the mean number of fixed decorations is not whole")
    return n_distinct


def _cycle_lengths(permutation: NDArray[np.integer], sites: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Cycles of a permutation on a pool, as sorted (length, how many)."""
    lengths: Counter[int] = Counter()
    unseen = set(sites)
    while unseen:
        start = site = unseen.pop()
        length = 1
        while (site := int(permutation[site])) != start:
            unseen.remove(site)
            length += 1
        lengths[length] += 1
    return tuple(sorted(lengths.items()))


@lru_cache(maxsize=4096)
def _n_fixed(cycles: tuple[tuple[int, int], ...], parts: tuple[int, ...]) -> int:
    """Ways to give each cycle one species so that the species add up to `parts`."""
    if len(cycles) == 1:  # all of one length: a multinomial coefficient
        length, repeats = cycles[0]
        if any(part % length for part in parts):
            return 0
        return factorial(repeats) // prod(factorial(part // length) for part in parts)
    ways = {parts: 1}  # what is still to be placed -> number of ways to have come here
    for length, repeats in cycles:
        for _ in range(repeats):
            following: dict[tuple[int, ...], int] = {}
            for left, count in ways.items():
                for species, n_left in enumerate(left):
                    if n_left >= length:
                        after = (*left[:species], n_left - length, *left[species + 1 :])
                        following[after] = following.get(after, 0) + count
            ways = following
    return sum(ways.values())
