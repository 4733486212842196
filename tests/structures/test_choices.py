"""Split positions are one choice: counted, listed and drawn as brute force does it."""

from collections import Counter
from itertools import product
from math import comb

import numpy as np
import pytest

from superionic.errors import InputError
from superionic.structures.choices import LinkedPools
from superionic.structures.counting import count_decorations, count_distinct
from superionic.structures.enumeration import canonical_form, enumerate_distinct, sample_distinct
from superionic.structures.pools import Pool

N = 6


@pytest.fixture
def ring():
    """Six pairs of split positions, i and i + 6, on a ring: rotations, and a mirror that swaps them."""
    rotations = [np.array([(i + k) % N + N * s for s in (0, 1) for i in range(N)]) for k in range(N)]
    mirror = np.array([(-i) % N + N * (1 - s) for s in (0, 1) for i in range(N)])
    return np.array([*rotations, *(mirror[r] for r in rotations)]), np.array([[i, i + N] for i in range(N)])


def brute_force(group, pools, alternatives):
    """All decorations by trying every species on every site."""
    names = ["", *sorted({species for pool in pools for species in pool.counts})]
    found = []
    for codes in product(range(len(names)), repeat=group.shape[1]):
        fits = all(
            Counter(names[codes[site]] for site in pool.sites if codes[site]) == Counter(pool.counts) for pool in pools
        )
        if fits and not any(codes[a] and codes[b] for a, b in alternatives):
            found.append(np.array(codes, dtype=np.uint8))
    return len(found), len({canonical_form(codes, group)[0] for codes in found})


@pytest.mark.parametrize("counts", [[{"A": 3}, {"A": 3}], [{"A": 2}, {"A": 1, "B": 1}], [{"A": 1}, {}], [{"A": 6}, {}]])
def test_counts_are_those_of_brute_force(ring, counts):
    group, pairs = ring
    group = group[:N]  # the mirror swaps the two kinds of positions
    pools = [Pool(tuple(range(N)), counts[0]), Pool(tuple(range(N, 2 * N)), counts[1])]
    total, distinct = brute_force(group, pools, pairs.tolist())
    assert count_decorations(pools, pairs) == total
    assert count_distinct(group, pools, pairs) == distinct
    listed = enumerate_distinct(group, pools, alternatives=pairs)
    assert len(listed) == distinct
    assert sum(decoration.multiplicity for decoration in listed) == total


@pytest.mark.parametrize("n_ions", [1, 2, 3, 6])
def test_operations_that_swap_split_positions_keep_fewer_decorations(ring, n_ions):
    group, pairs = ring  # one pool: the mirror maps some choices onto themselves, but no state of theirs
    pools = [Pool(tuple(range(2 * N)), {"O": n_ions})]
    assert (count_decorations(pools, pairs), count_distinct(group, pools, pairs)) == brute_force(
        group, pools, pairs.tolist()
    )


def test_all_pairs_taken_once_are_two_to_the_pairs(ring):
    _, pairs = ring
    pools = [Pool(tuple(range(2 * N)), {"O": N})]
    assert count_decorations(pools, pairs) == 2**N
    assert count_decorations([Pool(tuple(range(2 * N)), {"O": 2})], pairs) == comb(N, 2) * 4


def test_every_decoration_is_drawn_equally_often(ring):
    _, pairs = ring
    linked = LinkedPools((Pool(tuple(range(2 * N)), {"O": 2}),), pairs)
    rng = np.random.default_rng(0)
    drawn = Counter(tuple(sorted(linked.draw(rng))) for _ in range(12_000))
    assert len(drawn) == 60  # 15 pairs of choices, 4 states each
    expected = 12_000 / 60
    assert sum((n - expected) ** 2 / expected for n in drawn.values()) < 59 + 4 * np.sqrt(2 * 59)


def test_samples_take_no_two_alternatives(ring):
    group, pairs = ring
    pools = [Pool(tuple(range(2 * N)), {"O": 5})]
    for decoration in sample_distinct(group, pools, 3, seed=1, alternatives=pairs):
        assert not any(decoration.species[a] and decoration.species[b] for a, b in pairs.tolist())


def test_one_endless_network_is_refused():
    chain = np.array([[i, i + 1] for i in range(40)])
    with pytest.raises(InputError, match="network"):
        count_decorations([Pool(tuple(range(41)), {"O": 20})], chain)
