"""Split positions: sites of which one at most is taken, as choices with few states each; counted and drawn exactly.

Sites linked by alternatives form *choices*: connected groups of sites. A choice has as many states as there are ways to
occupy its sites without taking two alternatives. A decoration is one state for every choice, such that the ions of each
kind, (pool, species), add up to the numbers wanted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from superionic.errors import InputError
from superionic.structures.pools import Pool

MAX_STATES = 4096
State = tuple[tuple[int, int], ...]
"""Pairs of site and kind, ascending; empty where the choice takes no ion."""
Amounts = tuple[int, ...]
Polynomial = tuple[tuple[Amounts, int], ...]
"""Amounts of each kind -> number of ways."""


@dataclass(frozen=True)
class LinkedPools:
    """Pools whose sites are linked by alternatives.

    Attributes
    ----------
    pools
        The pools.
    pairs
        Shape (pairs, 2): sites of which one at most is taken.
    """

    pools: tuple[Pool, ...]
    pairs: NDArray[np.intp]

    @cached_property
    def kinds(self) -> list[tuple[int, str, int]]:
        """Pool, species and number of ions of every kind."""
        return [(p, species, n) for p, pool in enumerate(self.pools) for species, n in pool.counts.items() if n]

    @property
    def wanted(self) -> Amounts:
        """Number of ions of every kind."""
        return tuple(count for _, _, count in self.kinds)

    @cached_property
    def choices(self) -> list[tuple[int, ...]]:
        """Sites of every choice."""
        sites = np.array(sorted(site for pool in self.pools for site in pool.sites))
        first, second = np.searchsorted(sites, self.pairs).T
        graph = coo_array((np.ones(len(first)), (first, second)), shape=(len(sites), len(sites)))
        _, component = connected_components(graph, directed=False)
        return [tuple(sites[component == number].tolist()) for number in np.unique(component)]

    @cached_property
    def states(self) -> list[list[State]]:
        """Every state of every choice.

        Raises
        ------
        InputError
            If a choice has too many.
        """
        barred: dict[int, set[int]] = {}
        for first, second in self.pairs.tolist():
            barred.setdefault(first, set()).add(second)
            barred.setdefault(second, set()).add(first)
        options = {
            site: [kind for kind, (p, _, _) in enumerate(self.kinds) if p == pool]
            for pool, members in enumerate(self.pools)
            for site in members.sites
        }
        return [self._states_of(sites, options, barred) for sites in self.choices]

    def _states_of(
        self, sites: tuple[int, ...], options: dict[int, list[int]], barred: dict[int, set[int]]
    ) -> list[State]:
        states: list[State] = [()]
        for site in sites:
            more = [
                (*state, (site, kind))
                for state in states
                if not barred.get(site, set()) & {taken for taken, _ in state}
                for kind in options[site]
            ]
            states += more
            if len(states) > MAX_STATES:
                raise InputError(
                    f"{len(sites)} sites closer than split positions may be hang together in one network, which has "
                    "too many states to count: give the crystal as ordered cells, or name sites that keep apart"
                )
        return states

    def amounts(self, state: State) -> Amounts:
        """Ions of every kind in a state."""
        found = Counter(kind for _, kind in state)
        return tuple(found[kind] for kind in range(len(self.kinds)))

    def n_decorations(self) -> int:
        """Number of decorations before symmetry."""
        return _coefficient(tuple((self._polynomial(states), 1) for states in self.states), self.wanted)

    def n_fixed(self, permutation: NDArray[np.integer]) -> int:
        """Decorations that an operation leaves as they are: a product over the cycles of choices."""
        choice_of = {site: number for number, sites in enumerate(self.choices) for site in sites}
        cycles: Counter[tuple[Polynomial, int]] = Counter()
        unseen = set(range(len(self.choices)))
        while unseen:
            start = unseen.pop()
            to = {site: int(permutation[site]) for site in self.choices[start]}
            length = 1
            while (following := choice_of[next(iter(to.values()))]) != start:
                unseen.remove(following)
                to = {site: int(permutation[image]) for site, image in to.items()}
                length += 1
            kept = [s for s in self.states[start] if tuple(sorted((to[site], kind) for site, kind in s)) == s]
            cycles[self._polynomial(kept), length] += 1
        factors = [factor for factor, repeats in sorted(cycles.items()) for _ in range(repeats)]
        return _coefficient(tuple(factors), self.wanted)

    def _polynomial(self, states: Sequence[State]) -> Polynomial:
        return tuple(sorted(Counter(self.amounts(state) for state in states).items()))

    @cached_property
    def _completions(self) -> list[dict[Amounts, int]]:
        """Ways to complete a decoration from each choice on: ions still to be placed -> number of ways."""
        ways = [{(0,) * len(self.kinds): 1}]
        for states in reversed(self.states):
            ways.append(_multiplied(ways[-1], self._polynomial(states), 1, self.wanted))
        return ways[::-1]

    def draw(self, rng: np.random.Generator) -> Iterator[tuple[int, str]]:
        """One decoration, all of them equally likely: the sites taken and their species."""
        left = self.wanted
        for states, later in zip(self.states, self._completions[1:], strict=True):
            after = [tuple(have - take for have, take in zip(left, self.amounts(s), strict=True)) for s in states]
            weights = [later.get(rest, 0) for rest in after]
            total = sum(weights)
            if not total:
                raise InputError(
                    "so many ions do not fit on the split sites, of which one each is taken; ask for fewer"
                )
            chosen = int(rng.choice(len(states), p=[weight / total for weight in weights]))
            left = after[chosen]
            yield from ((site, self.kinds[kind][1]) for site, kind in states[chosen])


def linked_pools(
    pools: Sequence[Pool], alternatives: NDArray[np.integer] | None
) -> tuple[list[Pool], list[LinkedPools]]:
    """Pools that are free of alternatives, and groups of pools that hang together by them."""
    if alternatives is None or not len(alternatives):
        return list(pools), []
    pool_of = {site: number for number, pool in enumerate(pools) for site in pool.sites}
    pairs = np.array([pair for pair in alternatives.tolist() if set(pair) <= pool_of.keys()], dtype=np.intp).reshape(
        -1, 2
    )
    if not len(pairs):
        return list(pools), []
    links = np.vectorize(pool_of.__getitem__)(pairs)
    graph = coo_array((np.ones(len(links)), links.T), shape=(len(pools), len(pools)))
    _, group = connected_components(graph, directed=False)
    linked = sorted(set(group[links[:, 0]].tolist()))
    free = [pool for number, pool in enumerate(pools) if group[number] not in linked]
    return free, [
        LinkedPools(
            tuple(pool for number, pool in enumerate(pools) if group[number] == which),
            pairs[group[links[:, 0]] == which],
        )
        for which in linked
    ]


@lru_cache(maxsize=4096)
def _coefficient(factors: tuple[tuple[Polynomial, int], ...], wanted: Amounts) -> int:
    """Coefficient of the amounts wanted in a product of polynomials, each with its exponents times a length."""
    ways = {(0,) * len(wanted): 1}
    for polynomial, length in factors:
        ways = _multiplied(ways, polynomial, length, wanted)
    return ways.get(wanted, 0)


def _multiplied(ways: dict[Amounts, int], polynomial: Polynomial, length: int, wanted: Amounts) -> dict[Amounts, int]:
    product: dict[Amounts, int] = {}
    for amounts, count in ways.items():
        for more, number in polynomial:
            total = tuple(a + length * b for a, b in zip(amounts, more, strict=True))
            if all(a <= limit for a, limit in zip(total, wanted, strict=True)):
                product[total] = product.get(total, 0) + count * number
    return product
