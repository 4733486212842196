"""Jumps, categories and occupations against the walk that made them."""

import numpy as np
import pytest

from superionic.analysis import diffusivity

LOWER, UPPER = ["P", "Q"], ["R", "S"]


@pytest.fixture
def analysed(make_run, layered_host):
    run, walk = make_run(scale=0.05, n_frames=10000)
    return diffusivity(run, layered_host), walk


def truth_by_category(model):
    layer = {"P": "lower", "Q": "lower", "R": "upper", "S": "upper"}
    start = np.array([layer[model.labels[s]] for s in model.source])
    end = np.array([layer[model.labels[t]] for t in model.target])
    return {
        "lower": (start == end) & (start == "lower"),
        "upper": (start == end) & (start == "upper"),
        "cross-layer": start != end,
    }


def test_jumps_are_counted_within_two_percent(analysed):
    document, walk = analysed
    assert document.jumps.n_jumps == pytest.approx(walk.n_hops, rel=0.02)


@pytest.mark.parametrize("interval_ps", [0.05, 0.1, 0.2])
def test_jumps_at_fast_rates_are_counted_within_two_percent_with_those_unseen(make_run, layered_host, interval_ps):
    """D = 7e-5 cm^2/s: one hop in twelve begins while the ion is still in transit, and 5 to 7 % are not seen."""
    run, walk = make_run(scale=0.4, n_frames=int(400 / interval_ps), interval_ps=interval_ps)
    jumps = diffusivity(run, layered_host).jumps
    assert jumps.n_jumps < 0.97 * walk.n_hops
    assert jumps.n_jumps_with_unseen == pytest.approx(walk.n_hops, rel=0.02)


def test_hardly_any_jump_is_unseen_where_jumps_are_rare(analysed):
    document, walk = analysed
    assert 0 < document.jumps.n_jumps_with_unseen - document.jumps.n_jumps < 0.02 * walk.n_hops


def test_jump_diffusivities_are_the_analytic_ones(analysed, layered_model):
    document, _ = analysed
    model = layered_model(0.05)
    categories = {c.name: c for c in document.jumps.categories}
    assert set(categories) == {"lower", "upper", "cross-layer"}
    for name, chosen in truth_by_category(model).items():
        estimate = categories[name].diffusivity_cm2_per_s
        assert abs(estimate.value - model.jump_diffusivity(chosen) * 1e-4) < 3 * estimate.standard_error
    total = document.jumps.diffusivity_cm2_per_s
    assert total.value == pytest.approx(sum(c.diffusivity_cm2_per_s.value for c in categories.values()))
    assert abs(total.value - model.jump_diffusivity() * 1e-4) < 3 * total.standard_error


def test_rates_per_pair_are_the_given_ones(analysed, layered_model):
    document, _ = analysed
    model = layered_model(0.05)
    for pair in document.jumps.pairs:
        if pair.count < 100:
            continue
        sites = [s for s, label in enumerate(model.labels) if label == pair.source]
        chosen = np.isin(model.source, sites) & (np.array(model.labels)[model.target] == pair.target)
        expected = model.rate_per_ps[chosen].sum() / len(sites)
        assert abs(pair.rate_per_ps - expected) < 4 * pair.rate_per_ps / np.sqrt(pair.count)


def test_occupation_and_residence(analysed, layered_model):
    document, _ = analysed
    model = layered_model(0.05)
    sites = {s.label: s for s in document.sites.sites}
    assert sum(s.occupation * s.n_sites for s in sites.values() if not s.passage) == pytest.approx(24, rel=1e-3)
    weights = {"P": 0.2, "Q": 0.5, "R": 1.0, "S": 1.0}
    assert sites["Q"].occupation / sites["S"].occupation == pytest.approx(0.5, rel=0.25)
    total = sum(weights[x] * sites[x].n_sites for x in weights)
    assert sites["S"].occupation == pytest.approx(24 / total, rel=0.15)
    leaving = model.rate_per_ps[np.array(model.labels)[model.source] == "S"].sum() / 4
    assert sites["S"].residence_time_ps == pytest.approx(1 / leaving, rel=0.15)
    assert sum(document.sites.ions_per_layer.values()) == pytest.approx(1.0, abs=1e-3)


def test_captured_share_grows_with_the_radius(analysed):
    sites = analysed[0].sites
    assert np.all(np.diff(sites.capture_share) >= 0)
    assert sites.capture_share[-1] > 0.99
    assert 0.9 < sites.captured < 1.0
    assert {s.label: s.vibration_amplitude_A for s in sites.sites}["S"] == pytest.approx(0.25 * np.sqrt(3), rel=0.05)


def test_uncorrelated_walk_has_factor_one(analysed):
    factor = analysed[0].jumps.correlation_factor
    assert abs(factor.value - 1.0) < 3 * factor.standard_error + 0.02
    assert factor.standard_error < 0.15


def test_back_and_forth_walk_is_recognised(make_run, layered_host, layered_model):
    document = diffusivity(make_run(scale=0.05, n_frames=10000, pair_factor=10.0)[0], layered_host)
    model = layered_model(0.05, pair_factor=10.0)
    expected = np.trace(model.diffusion_tensor()) / 3 / model.jump_diffusivity()
    assert expected < 0.85
    factor = document.jumps.correlation_factor
    assert abs(factor.value - expected) < 3 * factor.standard_error + 0.03
    assert document.jumps.back_and_forth > 0.2


def test_framework_hops_are_listed(make_run, layered_host):
    step = None

    def hop(frame, rng):
        nonlocal step
        moved = frame.copy()
        cation = 0
        target = np.array([0, 1 / 3, 0]) @ np.array([[6.4, 0, 0], [0, 11.1, 0], [0, 0, 1]])
        moved[1000:, cation] += target
        return moved

    document = diffusivity(make_run(framework=hop)[0], layered_host)
    assert [(h.source, h.target, h.count) for h in document.framework_hops["In"]] == [("P", "Q", 1)]
    assert diffusivity(make_run()[0], layered_host).framework_hops == {"In": []}


def test_hops_that_go_on_or_back_before_they_arrive_are_the_ones_not_counted(make_run, layered_host):
    """At fast rates an ion may leave again while in transit; then it was never on the site in between."""
    run, walk = make_run(scale=0.4, n_frames=5000)
    order = np.lexsort((walk.hop_time_ps, walk.hop_ion))
    ion, time = walk.hop_ion[order], walk.hop_time_ps[order]
    gap = np.where(ion[1:] == ion[:-1], np.diff(time), np.inf)
    missing = walk.n_hops - diffusivity(run, layered_host).jumps.n_jumps
    assert np.sum(gap < 0.1) <= missing <= 2 * np.sum(gap < 0.5)
    assert missing > 0.01 * walk.n_hops
