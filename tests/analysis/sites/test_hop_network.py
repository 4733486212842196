"""The hops of a run as a network, against the walk that made them."""

from dataclasses import replace

import numpy as np
import pytest

from hop_networks import network_of
from superionic.analysis.motion import read_motion
from superionic.analysis.sites.on_sites import visit_sites


def test_hops_alike_are_one_class(make_run, layered_host, layered_model):
    """Of the S-S hops, 3.7 Å along b and 3.7 Å askew, only the space group tells which are alike."""
    network = network_of(make_run(scale=0.3, n_frames=5000)[0], layered_host)
    labels = np.repeat(list("PQRS"), [2, 4, 2, 4])
    assert len(network.source) == len(layered_model().source)
    between = (labels[network.source] == "S") & (labels[network.target] == "S")
    along_b = np.abs(network.vector_A[:, [0, 2]]).max(axis=1) < 0.1
    classes = [set(network.hop_class[between & chosen]) for chosen in (along_b, ~along_b)]
    assert [len(own) for own in classes] == [1, 1]
    assert classes[0] != classes[1]
    for own in range(len(network.counts)):
        assert np.ptp(np.linalg.norm(network.vector_A[network.hop_class == own], axis=1)) < 1e-6


def test_hops_with_an_unseen_stop_are_left_out(make_run, layered_host):
    """Two hops in a row within 0.2 ps look like one; a rare hop over a site that is visited is none."""
    motion, _ = read_motion(make_run(scale=0.3, n_frames=5000, interval_ps=0.2)[0], 1e9)
    visits = visit_sites(layered_host, motion)
    jumps = visits.jumps
    lengths = np.linalg.norm(visits.sites.vector_A(jumps.source, jumps.target, jumps.image), axis=1)
    assert np.sum(lengths > 5.0) > 50
    network = visits.network(motion)
    assert np.linalg.norm(network.vector_A, axis=1).max() < 5.0
    assert network.counts.sum() == len(network.seen_class) == pytest.approx(np.sum(lengths < 4.3), rel=0.02)


def test_counts_are_those_of_the_walk(make_run, layered_host, layered_model):
    run, walk = make_run(scale=0.05, n_frames=10000, pair_factor=15.0)
    network, model = network_of(run, layered_host), layered_model(0.05, 15.0)
    assert network.counts.sum() == pytest.approx(walk.n_hops, rel=0.05)
    named = np.array(model.labels)
    pair = (named[model.source] == "S") & (named[model.target] == "S")
    pair &= np.abs(model.displacement_A[:, [0, 2]]).max(axis=1) < 0.1
    assert network.counts.max() == pytest.approx(np.sum(pair[walk.hop_edge]), rel=0.05)
    assert network.time_share.sum() == pytest.approx(1.0)
    deviations = network.deviations(5, 24)
    np.testing.assert_allclose(deviations.sum(axis=(0, 1)), 0, atol=1e-9)
    late = walk.hop_time_ps > 0.8 * 1000
    assert deviations[4, 7].sum() == pytest.approx(np.sum(late & (walk.hop_ion == 7)) - walk.n_hops / 120, abs=3)


@pytest.mark.parametrize("matrix", [[[2, 0, 0], [0, 1, 0], [0, 0, 2]], [[2, 0, 0], [2, 1, 0], [0, 0, 2]]])
def test_memory_does_not_depend_on_the_choice_of_cell(make_run, layered_host, matrix):
    memories = [network_of(make_run(pair_factor=15.0, matrix=m)[0], layered_host).memory() for m in (None, matrix)]
    for squared in (0.0, 0.01, 1.0):
        one, two = (memory.excess(np.array([squared])) for memory in memories)
        assert one == pytest.approx(two, rel=1e-6)


def test_labels_keep_apart_what_the_crystal_makes_alike(make_run, layered_host):
    """S sites under two names, as a site table may call them: then no operation may map one name onto the other."""
    run, _ = make_run(scale=0.3, n_frames=2000)
    split = [site for site in layered_host.sites if site.label != "S"]
    both = layered_host.site("S").frac_coords
    split += [replace(layered_host.site("S"), label=name, frac_coords=both[n::2]) for n, name in enumerate("UV")]
    renamed = replace(layered_host, sites=tuple(split))
    as_one, as_two = network_of(run, layered_host), network_of(run, renamed)
    assert len(as_two.counts) > len(as_one.counts)
    assert len(np.unique(np.round(as_two.time_share, 6))) > len(np.unique(np.round(as_one.time_share, 6)))
