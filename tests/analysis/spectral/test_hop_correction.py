"""What knowing the sites does to D: less error and bias where it can, nothing where it cannot."""

from dataclasses import replace

import numpy as np
import pytest

from hop_networks import exact_network, network_of
from superionic.analysis import diffusivity
from superionic.analysis.motion import read_motion
from superionic.analysis.sites.on_sites import visit_sites
from superionic.analysis.spectral.diffusion import estimate_diffusion
from superionic.analysis.spectral.hop_correction import rate_gradient
from superionic.analysis.spectral.hop_memory import whitening
from superionic.analysis.spectral.spectrum import displacement_modes, squared_frequencies
from superionic.analysis.synthetic import hopping_model, simulate
from superionic.bench.calibration import Crystal
from superionic.documents import AnalysisSettings

FIRST_SEED = 1000
SUPERCELL = (2, 1, 2)


@pytest.mark.parametrize("scale", [1e-7, 3e-4])
def test_no_hop_or_one_is_an_upper_limit(make_run, layered_host, layered_model, scale):
    """A network that leads nowhere: limits allow for hops unseen, and for no more than a few."""
    quantum = 3.0**2 / (6 * 24 * 200) * 1e-4
    truth = np.trace(layered_model(scale).diffusion_tensor()) / 3 * 1e-4
    for seed in range(6):
        run, walk = make_run(scale=scale, seed=seed)
        network = network_of(run, layered_host)
        assert (network is None) == (walk.n_hops == 0)
        found = diffusivity(run, layered_host)
        for estimate in (found.diffusivity_cm2_per_s, *found.diffusivity_along_cell_cm2_per_s.values()):
            assert np.isfinite([estimate.value, estimate.standard_error]).all()
            assert truth < estimate.interval_95[1] < (20 + 3 * walk.n_hops) * quantum


def test_across_a_channel_nothing_moves(layered_model):
    """Hops along b alone: the limits across are those of a hop or two, not of numbers that overflow."""
    model = layered_model(1.0)
    along = np.abs(model.displacement_A[:, [0, 2]]).max(axis=1) < 0.1
    one_way = replace(
        model,
        source=model.source[along],
        target=model.target[along],
        displacement_A=model.displacement_A[along],
        rate_per_ps=model.rate_per_ps[along] * 0.3,
    )
    crystal = Crystal.of(one_way)
    for seed in range(4):
        run = simulate(one_way, 24, 2000, 0.1, np.random.default_rng(seed), supercell=SUPERCELL)
        estimate = crystal.estimate(run.positions_A, 0.1)
        for axis in ([1, 0, 0], [0, 0, 1]):
            assert estimate.along(axis).interval_95[1] < 20 * 3.0**2 / (2 * 24 * 200)


def test_the_document_says_what_the_sites_make_jumps_remember(make_run, layered_host, layered_model):
    model = layered_model(0.1, 15.0)
    run, _ = make_run(n_frames=4000, pair_factor=15.0)
    found = diffusivity(run, layered_host)
    truth = np.trace(model.diffusion_tensor()) / 3 / model.jump_diffusivity()
    assert found.jumps.correlation_factor_of_rates == pytest.approx(truth, abs=0.05)
    blind = diffusivity(run)
    assert found.diffusivity_cm2_per_s.standard_error < 0.8 * blind.diffusivity_cm2_per_s.standard_error
    assert found.fit_lag_range_ps[0] > 5.0  # the pair's memory is of 4 ps, and lasts for three of them
    assert diffusivity(make_run(seed=3)[0], layered_host).fit_lag_range_ps[0] < 5.0


def test_charge_moves_with_the_same_memory(make_run, layered_host):
    """Walkers that know nothing of each other have a Haven ratio of one, whatever each remembers."""
    found = [
        diffusivity(make_run(n_frames=4000, pair_factor=15.0, seed=seed)[0], layered_host).collective
        for seed in range(8)
    ]
    ratios = [collective.haven_ratio.value for collective in found]
    assert np.mean(ratios) == pytest.approx(1.0, abs=3 * np.std(ratios) / np.sqrt(8))
    assert np.std(ratios) / np.sqrt(8) < 0.1


def test_gradient_is_the_change_of_the_tensor_with_a_count(make_run, layered_host):
    run, _ = make_run(n_frames=4000, pair_factor=15.0)
    motion, _ = read_motion(run, 1e9)
    network = visit_sites(layered_host, motion).network(motion)
    modes = displacement_modes(motion.mobile_A, 0.1, 300)
    squared = squared_frequencies(4000, 0.1, 300)
    weighted = np.einsum("kia,kib->kab", modes, modes) / (24 * 300)
    gradient = rate_gradient(network, weighted, squared)
    for own in np.argsort(network.counts)[-3:]:
        more = replace(network, counts=network.counts * np.where(np.arange(len(gradient)) == own, 1.01, 1.0))
        changed, before = (
            np.einsum("kab,kbc,kdc->ad", turn, weighted, turn) / 2
            for memory in (more.memory(), network.memory())
            for turn in [whitening(memory.diffusion_A2_per_ps, memory.spectrum(squared))]
        )
        expected = (changed - before) / (0.01 * network.counts[own])
        np.testing.assert_allclose(gradient[own], expected, atol=0.03 * np.abs(expected).max())


def test_parts_are_of_the_same_estimate_and_scatter_with_the_rates(make_run, layered_host):
    """By ion and block they average to the whole; as counts are Poisson, their errors add what gradients say."""
    run, _ = make_run(n_frames=4000, pair_factor=15.0)
    motion, _ = read_motion(run, 1e9)
    network = visit_sites(layered_host, motion).network(motion)
    estimate = estimate_diffusion(motion.mobile_A, 0.1, hop_network=network)
    whole = np.trace(estimate.hypotheses_A2_per_ps[0])
    parts = np.trace(estimate.plain_parts_A2_per_ps, axis1=2, axis2=3)
    assert parts.mean() == pytest.approx(whole, rel=0.05)
    sure = replace(
        network, seen_class=network.seen_class[:0], seen_ion=network.seen_ion[:0], seen_at=network.seen_at[:0]
    )
    level = estimate_diffusion(motion.mobile_A, 0.1, hop_network=sure)
    assert abs(level.count_bias) < 1e-3  # of exact counts
    of_level = np.trace(level.plain_parts_A2_per_ps, axis1=2, axis2=3)
    of_rates = parts / (1 + estimate.count_bias) - of_level / (1 + level.count_bias)
    assert of_rates.mean() == pytest.approx(0, abs=1e-9)
    one = np.eye(len(network.counts))
    varied = [replace(network, counts=network.counts + np.sqrt(network.counts) * own) for own in one]
    factors = np.array([other.memory().correlation_factor for other in (network, *varied)])
    expected = np.linalg.norm(factors[1:] / factors[0] - 1)
    assert of_rates.std() / np.sqrt(of_rates.size) / whole == pytest.approx(expected, rel=0.4)


@pytest.mark.parametrize("seed", range(4))
def test_hops_that_do_not_follow_rates_are_found_out(layered_model, seed):
    """A network of pairs that go back and forth over 4 ps, laid over ions that remember nothing."""
    rng = np.random.default_rng(seed)
    false = exact_network(layered_model(0.1, 15.0), hops=1000)
    walk = simulate(layered_model(0.3), 24, 2000, 0.1, rng, supercell=SUPERCELL).positions_A
    plain, given = estimate_diffusion(walk, 0.1), estimate_diffusion(walk, 0.1, hop_network=false)
    assert given.hop_memory is None
    assert given.isotropic() == plain.isotropic()
    true = simulate(layered_model(0.1, 15.0), 24, 2000, 0.1, rng, supercell=SUPERCELL).positions_A
    assert estimate_diffusion(true, 0.1, hop_network=false).hop_memory is not None


@pytest.mark.parametrize(
    ("scale", "pair_factor", "n_ions", "interval_ps", "n_frames", "seeds"),
    [
        (0.03, 15.0, 24, 0.1, 2000, 40),  # 14 ps of memory in 200 ps
        pytest.param(0.03, 15.0, 24, 0.1, 2000, 200, marks=pytest.mark.slow),
        pytest.param(0.1, 3.0, 24, 0.1, 2000, 200, marks=pytest.mark.slow),
        pytest.param(0.1, 3.0, 48, 0.2, 5000, 200, marks=pytest.mark.slow),  # 2 % of D
        pytest.param(0.1, 15.0, 48, 0.2, 5000, 200, marks=pytest.mark.slow),
    ],
)
def test_intervals_cover_the_truth_where_sites_are_known(
    layered_model, scale, pair_factor, n_ions, interval_ps, n_frames, seeds
):
    """What the displacements of one run cannot tell, its sites can."""
    model = layered_model(scale, pair_factor)
    truth, crystal = np.trace(model.diffusion_tensor()) / 3, Crystal.of(model)
    found = []
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        run = simulate(model, n_ions, n_frames, interval_ps, np.random.default_rng(seed), supercell=SUPERCELL)
        found.append(crystal.estimate(run.positions_A, interval_ps).isotropic())
    bias = np.mean([estimate.value for estimate in found]) - truth
    assert abs(bias) < 3.5 / np.sqrt(seeds) * np.median([estimate.standard_error for estimate in found])
    for level, allowed, name in ((0.68, 0.07, "interval_68"), (0.95, 0.03, "interval_95")):
        covered = np.mean([low <= truth <= high for low, high in (getattr(estimate, name) for estimate in found)])
        noise = (1 if seeds >= 200 else 3) * np.sqrt(level * (1 - level) / seeds)
        assert abs(covered - level) < allowed + noise


def test_rates_of_hops_that_were_missed_are_not_used(make_run, layered_host, layered_model):
    """At 2e-4 cm^2/s a quarter of the hops, the quick returns first; with tiny radii nearly all."""
    fast = layered_model(1.0, 15.0)
    walk = simulate(fast, 24, 2000, 0.1, np.random.default_rng(0), supercell=SUPERCELL).positions_A
    assert Crystal.of(fast).estimate(walk, 0.1).hop_memory is None
    run, _ = make_run(pair_factor=15.0)
    radii = dict.fromkeys("PQRST", 0.02)
    assert diffusivity(run, layered_host, AnalysisSettings(radii_A=radii)).jumps.correlation_factor_of_rates is None
    assert diffusivity(run, layered_host).jumps.correlation_factor_of_rates is not None


@pytest.mark.filterwarnings("ignore:No Pauling electronegativity")
def test_the_noise_of_many_rates_is_not_taken_for_memory():
    """27 names in a cubic cell, one rate, three hops for each name of it: the network would lower D by a fifth."""
    grid = np.stack(np.meshgrid(*[np.arange(3) / 3] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    frac, labels = grid + np.random.default_rng(0).normal(scale=0.02, size=grid.shape), [f"A{n}" for n in range(27)]
    rates = {(min(a, b), max(a, b)): 0.008 for a in labels for b in labels}
    model = hopping_model(11.4 * np.eye(3), frac, labels, 4.9, rates)
    truth, crystal = np.trace(model.diffusion_tensor()) / 3, Crystal.of(model)
    found = []
    for seed in range(20):
        run = simulate(model, 24, 2000, 0.1, np.random.default_rng(seed), supercell=SUPERCELL)
        found.append(crystal.estimate(run.positions_A, 0.1))
    assert not any(estimate.hop_memory for estimate in found)
    values = [estimate.isotropic() for estimate in found]
    bias = np.mean([estimate.value for estimate in values]) - truth
    assert abs(bias) < 0.6 * np.median([estimate.standard_error for estimate in values])
    assert np.mean([low <= truth <= high for low, high in (estimate.interval_95 for estimate in values)]) > 0.85
