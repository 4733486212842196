"""Counts against textbook necklaces, brute force and the numbers of the study."""

from itertools import permutations

import numpy as np
import pytest

from superionic.errors import InputError
from superionic.structures.counting import count_decorations, count_distinct
from superionic.structures.pools import Pool


def rotations(n_beads):
    return np.array([np.roll(np.arange(n_beads), shift) for shift in range(n_beads)])


@pytest.mark.parametrize(("n_beads", "n_black", "expected"), [(4, 2, 2), (6, 3, 4), (6, 2, 3), (12, 6, 80)])
def test_necklaces_of_two_colours(n_beads, n_black, expected):
    pool = Pool(tuple(range(n_beads)), {"black": n_black})
    assert count_distinct(rotations(n_beads), [pool]) == expected


def test_three_colours_and_two_pools_agree_with_brute_force():
    ring = rotations(4)
    group = np.concatenate([ring, ring + 4], axis=1)  # two rings that turn together
    pools = [Pool((0, 1, 2, 3), {"a": 2, "b": 1}), Pool((4, 5, 6, 7), {"a": 1})]
    everything = {first + second for first in set(permutations("aab.")) for second in set(permutations("a..."))}
    orbits = {min(tuple(d[i] for i in g) for g in group) for d in everything}
    assert count_decorations(pools) == len(everything)
    assert count_distinct(group, pools) == len(orbits)


def test_distinct_high_entropy_decorations_of_the_study(cell_222):
    sites = tuple(cell_222.sites_of(["2b"]))
    he5 = Pool(sites, {"In": 3, "Lu": 3, "Sc": 4, "Yb": 3, "Zr": 3})
    he4 = Pool(sites, {"Lu": 4, "Sc": 4, "Yb": 4, "Zr": 4})
    assert count_distinct(cell_222.permutations, [he5]) == 10_552_080
    assert count_distinct(cell_222.permutations, [he4]) == 998_244


def test_permutations_that_are_no_group_are_noticed():
    with pytest.raises(ValueError, match="not a group"):
        count_distinct(rotations(4)[:3], [Pool((0, 1, 2, 3), {"a": 1})])


def test_more_ions_than_sites_are_refused():
    with pytest.raises(InputError, match="do not fit on 2 sites"):
        Pool((0, 1), {"a": 2, "b": 1})
    with pytest.raises(InputError, match="negative"):
        Pool((0, 1), {"a": -1})
