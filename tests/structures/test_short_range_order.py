"""Order parameters: zero mean over every decoration, and their limits."""

from itertools import permutations

import numpy as np
import pytest

from superionic.structures.short_range_order import (
    OrderParameters,
    ShortRangeOrder,
    pair_weights,
    warren_cowley,
    z_scores,
)

SQUARE = np.diag([2.0, 2.0, 3.0])
TWO_PLANES = np.array([[x, y, z] for z in (0, 0.5) for y in (0, 0.5) for x in (0, 0.5)])


@pytest.fixture(scope="module")
def weights():
    """Two planes of 2 x 2 sites, 1 Å apart in the plane and 1.5 Å between planes."""
    return pair_weights(SQUARE, TWO_PLANES, np.array([0, 0, 1.0]))


def test_neighbours_are_counted_with_their_images(weights):
    in_plane, between, same = weights
    assert in_plane[0].tolist() == [0, 2, 2, 0, 0, 0, 0, 0]  # each neighbour twice: left and right image
    assert between[0].tolist() == [0, 0, 0, 0, 2, 0, 0, 0]
    assert same[0].tolist() == [0, 1, 1, 1, 0, 0, 0, 0]
    assert np.allclose(weights, weights.transpose(0, 2, 1))


def test_the_mean_over_all_decorations_is_exactly_zero(weights):
    counts = (4, 2, 2)
    everything = np.array(sorted(set(permutations([0] * 4 + [1] * 2 + [2] * 2))))
    assert len(everything) == 420
    values = ShortRangeOrder(weights, counts).values(everything)
    assert values.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-12)
    names = np.array(["A", "B", "C"])
    pairs = [warren_cowley(weights[0], names[codes]) for codes in everything]
    for pair in pairs[0]:
        assert np.mean([row[pair] for row in pairs]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("codes", "in_plane", "between", "plane_order"),
    [
        ([0, 0, 0, 0, 1, 1, 1, 1], -4 / 3, 1.0, 1.0),  # one species a plane; chance of like pairs is 3/7
        ([0, 1, 1, 0, 1, 0, 0, 1], 1.0, 1.0, (1 / 3 - 3 / 7) / (4 / 7)),  # chessboard in three dimensions
        ([0, 1, 1, 0, 0, 1, 1, 0], 1.0, -4 / 3, (1 / 3 - 3 / 7) / (4 / 7)),  # columns
    ],
)
def test_limits(weights, codes, in_plane, between, plane_order):
    found = ShortRangeOrder(weights, (4, 4)).parameters(np.array(codes))
    assert found.in_plane == pytest.approx(in_plane)
    assert found.between_planes == pytest.approx(between)
    assert found.plane_order == pytest.approx(plane_order)


def test_the_spread_is_that_of_all_decorations(weights):
    everything = np.array(sorted(set(permutations([0] * 4 + [1] * 4))))
    order = ShortRangeOrder(weights, (4, 4))
    exact = order.values(everything).std(axis=0)
    spread = order.random_spread(seed=0)
    assert [spread.in_plane, spread.between_planes, spread.plane_order] == pytest.approx(exact, rel=0.05)


def test_what_is_not_defined_is_none(weights):
    one_plane = pair_weights(np.diag([2.0, 2.0, 1.5]), TWO_PLANES[:4], np.array([0, 0, 1.0]))
    found = ShortRangeOrder(one_plane, (2, 2)).parameters(np.array([0, 1, 1, 0]))
    assert found == OrderParameters(1.0, None, 0.0)  # the only neighbours between planes are the site's own images
    alone = ShortRangeOrder(weights, (8,)).parameters(np.zeros(8, dtype=int))
    assert alone == OrderParameters(0.0, 0.0, None)


def test_parameters_do_not_change_under_symmetry(cell_222, host):
    sites = cell_222.sites_of(["2b"])
    weights = pair_weights(cell_222.lattice.matrix, cell_222.frac_coords[sites], host.layer_normal_vector)
    order = ShortRangeOrder(weights, (3, 3, 4, 3, 3))
    codes = np.random.default_rng(0).permutation(np.repeat(np.arange(5), order.counts))
    images = np.searchsorted(sites, cell_222.permutations[:, sites])
    assert np.allclose(order.values(codes[images]), order.values(codes))


def test_z_scores_skip_what_has_no_spread():
    assert z_scores(OrderParameters(1.0, None, 0.5), OrderParameters(0.5, None, 0.0)) == OrderParameters(
        2.0, None, None
    )
