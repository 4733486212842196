"""Each arrangement is more of what its name says than chance gives, and repeatable."""

from collections import Counter

import numpy as np
import pytest

from superionic.errors import InputError
from superionic.structures.arrangements import arrange
from superionic.structures.short_range_order import pair_weights
from superionic.structures.supercell import HostSupercell

HE4 = {"Lu": 4, "Sc": 4, "Yb": 4, "Zr": 4}
HE5 = {"In": 3, "Lu": 3, "Sc": 4, "Yb": 3, "Zr": 3}


@pytest.fixture(scope="module")
def lattice(cell_222: HostSupercell, host):
    sites = cell_222.sites_of(["2b"])
    weights = pair_weights(cell_222.lattice.matrix, cell_222.frac_coords[sites], host.layer_normal_vector)
    return weights, np.searchsorted(sites, cell_222.permutations[:, sites])


@pytest.mark.parametrize("counts", [HE4, HE5])
def test_arrangements_reach_what_defines_them(lattice, counts):
    weights, images = lattice
    found = {kind: arrange(weights, counts, kind, 1, images)[0] for kind in ("layered", "clustered", "dispersed")}
    assert all(Counter(row.species) == Counter(counts) for row in found.values())
    assert found["layered"].reached.plane_order == max(row.reached.plane_order for row in found.values())
    assert found["layered"].z.plane_order > 3
    assert found["clustered"].z.in_plane < -3
    assert found["clustered"].reached.between_planes < 0
    assert found["clustered"].reached.plane_order < found["layered"].reached.plane_order
    assert found["dispersed"].z.in_plane > 2
    assert found["dispersed"].reached.between_planes == 1
    assert not any(row.is_typical for row in found.values())


def test_dispersed_equal_parts_have_no_like_neighbours(lattice):
    reached = arrange(lattice[0], HE4, "dispersed", 0, lattice[1])[0].reached
    assert (reached.in_plane, reached.between_planes) == (1, 1)


def test_layered_equal_parts_fill_planes_of_their_own(lattice):
    weights, images = lattice
    layered = arrange(weights, {"Lu": 8, "Sc": 8}, "layered", 0, images)[0]
    assert layered.reached.plane_order == 1


def test_random_arrangements_differ_repeat_and_average_to_zero(lattice):
    weights, images = lattice
    first = arrange(weights, HE5, "random", 7, images, n_arrangements=60)
    assert first == arrange(weights, HE5, "random", 7, images, n_arrangements=60)
    assert len({row.species for row in first}) == 60
    scores = np.array([row.z.in_plane for row in first])
    assert abs(scores.mean()) < 4 / np.sqrt(60)
    assert 0 < sum(not row.is_typical for row in first) < 30  # some are ordered by chance, and told apart


def test_the_seed_decides(lattice):
    weights, images = lattice
    assert arrange(weights, HE5, "dispersed", 1, images) == arrange(weights, HE5, "dispersed", 1, images)
    assert arrange(weights, HE5, "dispersed", 1, images) != arrange(weights, HE5, "dispersed", 2, images)


def test_bad_requests_are_named(lattice):
    weights, images = lattice
    with pytest.raises(InputError, match="'stripes' is unknown"):
        arrange(weights, HE4, "stripes", 0, images)
    with pytest.raises(InputError, match="only 1 different random"):
        arrange(weights, {"In": 16}, "random", 0, images, n_arrangements=2)
    with pytest.raises(InputError, match="at least one"):
        arrange(weights, HE4, "random", 0, images, n_arrangements=0)
