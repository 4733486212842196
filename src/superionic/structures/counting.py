"""How many symmetry-distinct decorations there are, before any is written down.

A decoration problem is a permutation group on the sites and a set of *pools*: disjoint sets of sites, each mapped
onto itself by the group, each with the number of ions of every species it holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import factorial, prod

import numpy as np
from numpy.typing import NDArray

from superionic.errors import InputError


@dataclass(frozen=True)
class Pool:
    """Sites that share out a stated number of ions; sites left over stay empty.

    Parameters
    ----------
    sites
        Indices of the sites.
    counts
        Number of ions of each species on these sites.

    Raises
    ------
    InputError
        If a count is negative or there are more ions than sites.
    """

    sites: tuple[int, ...]
    counts: Mapping[str, int]

    def __post_init__(self) -> None:
        if any(count < 0 for count in self.counts.values()):
            raise InputError(f"counts {dict(self.counts)} hold a negative number of ions; ask for fewer moves")
        if self.n_empty < 0:
            raise InputError(
                f"{sum(self.counts.values())} ions {dict(self.counts)} do not fit on {len(self.sites)} sites; "
                "ask for fewer ions or a larger supercell"
            )

    @property
    def n_empty(self) -> int:
        """Number of sites without an ion."""
        return len(self.sites) - sum(self.counts.values())

    @property
    def parts(self) -> tuple[int, ...]:
        """Ions of each species, and the empty sites last."""
        return (*self.counts.values(), self.n_empty)


def count_decorations(pools: Sequence[Pool]) -> int:
    """Count the decorations before symmetry: a product of multinomial coefficients."""
    return prod(factorial(len(pool.sites)) // prod(map(factorial, pool.parts)) for pool in pools)


def count_distinct(permutations: NDArray[np.integer], pools: Sequence[Pool]) -> int:
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

    Returns
    -------
    int
        Number of orbits.
    """
    total = sum(
        prod(_n_fixed(_cycle_lengths(permutation, pool.sites), pool.parts) for pool in pools)
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
