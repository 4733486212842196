"""Enumeration agrees with the count, with brute force and with bsym."""

import numpy as np
import pytest
from bsym.interface.pymatgen import unique_structure_substitutions
from pymatgen.core import Structure

from superionic.errors import InputError
from superionic.structures.counting import count_decorations, count_distinct
from superionic.structures.enumeration import canonical_form, enumerate_distinct, sample_distinct
from superionic.structures.frameworks import Move, pools_from_moves
from superionic.structures.pools import Pool


def codes(decoration):
    return np.array([["", "In", "Lu", "Sc"].index(name) for name in decoration.species], dtype=np.uint8)


@pytest.mark.parametrize(
    ("move", "n_configurations", "multiplicities"),
    [("In:2b:4g:1", 128, [16] * 4 + [32] * 2), ("In:2b:4g,4h,2c:1", 320, [16] * 8 + [32] * 6)],
)
def test_one_displaced_ion_in_2x1x2(cell_212, move, n_configurations, multiplicities):
    pools = pools_from_moves(cell_212, [Move.parse(move)])
    found = enumerate_distinct(cell_212.permutations, pools)
    assert cell_212.permutations.shape[0] == 32
    assert count_decorations(pools) == n_configurations
    assert sorted(d.multiplicity for d in found) == multiplicities


def test_bsym_finds_the_same_orbits(cell_212):
    ordinary = {"2b": "In", "4g": "K", "2c": "Rb", "4h": "Cs", "Cl4i": "Cl", "Cl8j": "Cl"}
    kept = [i for i, label in enumerate(cell_212.labels) if label in ordinary]
    parent = Structure(cell_212.lattice, [ordinary[str(cell_212.labels[i])] for i in kept], cell_212.frac_coords[kept])
    theirs = [
        second.full_configuration_degeneracy
        for first in unique_structure_substitutions(parent, "In", {"In": 7, "Na": 1}, atol=1e-3)
        for second in unique_structure_substitutions(first, "K", {"K": 15, "Ag": 1}, atol=1e-3)
    ]
    pools = pools_from_moves(cell_212, [Move.parse("In:2b:4g:1")])
    ours = [d.multiplicity for d in enumerate_distinct(cell_212.permutations, pools)]
    assert sorted(ours) == sorted(theirs)


def test_several_species_and_pools_give_every_orbit_once(cell_212):
    pools = [
        Pool(tuple(cell_212.sites_of(["2b"])), {"In": 3, "Lu": 2, "Sc": 2}),
        Pool(tuple(cell_212.sites_of(["4g"])), {"In": 1}),
    ]
    found = enumerate_distinct(cell_212.permutations, pools)
    keys = {canonical_form(codes(d), cell_212.permutations) for d in found}
    assert len(found) == len(keys) == count_distinct(cell_212.permutations, pools)
    assert {(canonical_form(codes(d), cell_212.permutations)[1]) == d.multiplicity for d in found} == {True}
    assert sum(d.multiplicity for d in found) == count_decorations(pools)


def test_permutations_are_a_group_that_keeps_distances(cell_212):
    group = cell_212.permutations
    elements = {tuple(g) for g in group}
    assert len(elements) == 32
    assert all(tuple(first[second]) in elements for first in group[::5] for second in group)
    distances = cell_212.lattice.get_all_distances(cell_212.frac_coords, cell_212.frac_coords)
    for g in group:
        assert np.allclose(distances[np.ix_(g, g)], distances, atol=1e-6)
        assert (cell_212.labels[g] == cell_212.labels).all()


def test_too_many_are_refused_with_the_count(cell_212):
    pools = pools_from_moves(cell_212, [Move.parse("In:2b:4g:4")])
    count = count_distinct(cell_212.permutations, pools)
    with pytest.raises(InputError, match=str(count)):
        enumerate_distinct(cell_212.permutations, pools, max_distinct=count - 1)
    assert len(enumerate_distinct(cell_212.permutations, pools, max_distinct=count)) == count


def test_samples_are_distinct_repeatable_and_bounded(cell_222):
    pools = [Pool(tuple(cell_222.sites_of(["2b"])), {"In": 8, "Lu": 5, "Sc": 3})]
    first = sample_distinct(cell_222.permutations, pools, 40, seed=3)
    assert first == sample_distinct(cell_222.permutations, pools, 40, seed=3)
    assert first != sample_distinct(cell_222.permutations, pools, 40, seed=4)
    assert len({canonical_form(codes(d), cell_222.permutations)[0] for d in first}) == 40


def test_sampling_everything_is_enumerating(cell_212):
    pools = pools_from_moves(cell_212, [Move.parse("In:2b:4g:1")])
    assert {d.species for d in sample_distinct(cell_212.permutations, pools, 6, seed=0)} == {
        d.species for d in enumerate_distinct(cell_212.permutations, pools)
    }
    with pytest.raises(InputError, match="only 6 distinct"):
        sample_distinct(cell_212.permutations, pools, 7, seed=0)
