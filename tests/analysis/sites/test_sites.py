"""Sites of the host in the cell of the run, whatever that cell looks like."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from superionic.analysis.motion import analysed_positions
from superionic.analysis.periodic import nearest_distances
from superionic.analysis.sites.assignment import assign, distance_statistics, voxel_index
from superionic.analysis.sites.sites import Sites, host_sites
from superionic.errors import InputError
from superionic.trajectories.trajectory import from_arrays


def line_of_sites(n=4, spacing=3.0, passage=False):
    """Sites A along x with passages T halfway, in a wide cell."""
    frac = [(k / n, 0.5, 0.5) for k in range(n)]
    labels = ["A"] * n
    if passage:
        frac += [((k + 0.5) / n, 0.5, 0.5) for k in range(n)]
        labels += ["T"] * n
    cell = np.diag([n * spacing, 12.0, 12.0])
    return Sites(cell, np.array(frac), labels, ["layer"] * len(labels), np.array([x == "T" for x in labels]))


def follow(x, sites, radius=0.6):
    """Move one ion along the line of sites."""
    positions = np.stack([np.asarray(x, dtype=float), np.full(len(x), 6.0), np.full(len(x), 6.0)], axis=1)[:, None]
    return assign(positions, sites, np.full(len(sites.names), radius), voxel_index(sites))


def test_crossing_the_border_to_and_fro_is_no_jump():
    assert len(follow([0, 0.5, 1.4, 1.6, 1.4, 1.6, 0.4, 0.0], line_of_sites()).ion) == 0


def test_one_jump_with_its_frames_and_passage():
    jumps = follow([0.1, 0.0, 1.0, 1.5, 2.0, 2.8, 3.1], line_of_sites(passage=True), radius=0.5)
    assert jumps.source.tolist() == [0]
    assert jumps.target.tolist() == [1]
    assert jumps.via.tolist() == [4]
    assert (jumps.left.tolist(), jumps.reached.tolist()) == ([1], [5])


def test_a_visit_to_the_passage_and_back_is_no_jump():
    jumps = follow([0.0, 1.0, 1.5, 1.0, 0.1, 1.0, 3.0], line_of_sites(passage=True), radius=0.5)
    assert jumps.target.tolist() == [1]
    assert jumps.via.tolist() == [-1]


def test_jumps_over_the_edge_of_the_cell_keep_their_length():
    sites = line_of_sites()
    jumps = follow([0, -3, -6, -9, -12, -15], sites)
    np.testing.assert_allclose(sites.vector_A(jumps.source, jumps.target, jumps.image), np.tile([-3.0, 0, 0], (5, 1)))
    assert jumps.frames_on_site.sum() == 6


def test_nearest_site_is_the_true_one_in_a_skewed_cell(rng):
    cell = np.array([[9.0, 0, 0], [-4.2, 7.5, 0], [3.9, -2.9, 8.0]])
    frac = rng.uniform(size=(9, 3))
    sites = Sites(cell, frac, [f"s{k}" for k in range(9)], [None] * 9, np.zeros(9, dtype=bool))
    points = rng.uniform(-2, 2, size=(2000, 1, 3)) @ cell
    counts = distance_statistics(points, sites, voxel_index(sites)).counts
    expected = np.stack([nearest_distances(points[:, 0], site[None], cell) for site in sites.cartesian_A])
    np.testing.assert_array_equal(counts.sum(axis=1), np.bincount(expected.argmin(axis=0), minlength=9))


def test_radii_never_overlap(layered_host, make_run):
    sites = host_sites(layered_host, make_run(n_frames=50)[0])
    with pytest.raises(InputError, match="apart but their radii_A add up to"):
        sites.check_radii(dict.fromkeys(sites.names, 1.5))
    with pytest.raises(InputError, match="'T' is None"):
        sites.check_radii({"P": 1.0, "Q": 1.0, "R": 1.0, "S": 1.0})
    radii = sites.check_radii(sites.capped_radii(dict.fromkeys(sites.names, 1.5)))
    positions, index, _ = sites.with_images
    for k, point in enumerate(sites.cartesian_A):
        distance = np.linalg.norm(positions - point, axis=1)
        limit = radii[sites.label_index[k]] + radii[sites.label_index[index]]
        assert np.all((distance > limit - 1e-9) | (distance < 1e-6))


def captured(host, run, radius=1.0):
    sites = host_sites(host, run)
    positions = analysed_positions(run, run.mobile)
    statistics = distance_statistics(positions, sites, voxel_index(sites))
    return statistics.captured(radius), dict(zip(sites.names, statistics.counts.sum(axis=1).tolist(), strict=True))


MATRICES = {
    "2x1x2": np.diag([2, 1, 2]),
    "primitive": np.array([[1, 1, 0], [-1, 1, 0], [0, 0, 2]]),
    "skewed": np.array([[2, 0, 0], [0, 1, 0], [2, 0, 2]]),
}


@pytest.mark.parametrize("name", MATRICES)
def test_sites_are_found_in_any_cell_orientation_and_origin(layered_host, make_run, rng, name):
    matrix = MATRICES[name]
    run, _ = make_run(matrix=matrix)
    share, counts = captured(layered_host, run)
    assert share > 0.97
    turn = Rotation.random(rng=rng).as_matrix()
    moved = from_arrays(
        (run.positions_A + rng.uniform(-9, 9, size=3)) @ turn, run.cell_A @ turn, run.species, 0.1, 700.0, "Li"
    )
    again, again_counts = captured(layered_host, moved)
    assert again == pytest.approx(share, abs=2e-3)
    assert again_counts == pytest.approx(counts, rel=0.01, abs=30)


def test_a_strained_cell_strains_the_sites(layered_host, make_run):
    run, _ = make_run()
    stretch = np.diag([1.03, 0.98, 1.02])
    strained = from_arrays(run.positions_A @ stretch, run.cell_A @ stretch, run.species, 0.1, 700.0, "Li")
    assert captured(layered_host, strained)[0] > 0.97


def test_another_crystal_is_refused(layered_host, make_run):
    run, _ = make_run(n_frames=50)
    other = from_arrays(run.positions_A * 1.4, run.cell_A * 1.4, run.species, 0.1, 700.0, "Li")
    with pytest.raises(InputError, match="is not that of host layered"):
        host_sites(layered_host, other)
    named = ["Li" if s == "Li" else "O" for s in run.species]
    with pytest.raises(InputError, match="which the host lacks"):
        host_sites(layered_host, from_arrays(run.positions_A, run.cell_A, named, 0.1, 700.0, "Li"))


def test_a_hardly_occupied_site_takes_the_amplitude_of_its_kind(rng):
    """Site 0 is only passed by, at 1.2 Å; the median there is no vibration."""
    sites = line_of_sites()
    x = np.concatenate([sites.cartesian_A[k] + 0.2 * rng.normal(size=(5000, 3)) for k in (1, 2, 3)])
    passing = sites.cartesian_A[0] + 1.2 * np.array([1.0, 0, 0]) + 0.05 * rng.normal(size=(40, 3))
    named = Sites(sites.cell_A, sites.frac_coords, ["rare", "b", "b", "b"], [None] * 4, np.zeros(4, dtype=bool))
    statistics = distance_statistics(np.concatenate([x, passing])[:, None], named, voxel_index(named))
    amplitudes = statistics.vibration_amplitudes_A(named)
    assert amplitudes["b"] == pytest.approx(0.2 * np.sqrt(3), rel=0.05)
    assert amplitudes["rare"] == amplitudes["b"]
