"""Memory of jumps by the rates between sites, against walks whose tensor and spectrum are known."""

from dataclasses import replace

import numpy as np
import pytest

from superionic.analysis import diffusivity
from superionic.analysis.diffusion import estimate_diffusion
from superionic.analysis.hop_correction import rate_gradient
from superionic.analysis.hop_memory import HopNetwork, whitening
from superionic.analysis.motion import read_motion
from superionic.analysis.on_sites import visit_sites
from superionic.analysis.spectrum import displacement_modes, squared_frequencies
from superionic.analysis.synthetic import hopping_model, simulate
from superionic.bench.calibration import Crystal

FIRST_SEED = 1000
SUPERCELL = (2, 1, 2)


def exact_network(model, hops=1e6):
    """The network of so many hops at exactly the model's rates, each hop and its reverse in a class of their own."""
    flux = model.occupation[model.source] * model.rate_per_ps
    there = np.column_stack([model.source, model.target, model.displacement_A.round(6) + 0.0])
    back = np.column_stack([model.target, model.source, -model.displacement_A.round(6) + 0.0])
    pairs = [min(tuple(one), tuple(other)) for one, other in zip(there, back, strict=True)]
    _, hop_class = np.unique(pairs, axis=0, return_inverse=True)
    none = np.zeros(0, dtype=np.int64)
    return HopNetwork(
        time_share=model.occupation,
        source=model.source,
        target=model.target,
        hop_class=hop_class,
        vector_A=model.displacement_A,
        counts=np.bincount(hop_class, flux) / flux.sum() * hops,
        ion_time_ps=hops / flux.sum(),
        seen_class=none,
        seen_ion=none,
        seen_at=none,
    )


def network_of(run, host):
    motion, _ = read_motion(run, 1e9)
    return visit_sites(host, motion).network(motion)


@pytest.mark.parametrize("pair_factor", [1.0, 3.0, 15.0])
def test_diffusion_tensor_is_the_analytic_one(layered_model, pair_factor):
    model = layered_model(0.1, pair_factor)
    memory = exact_network(model).memory()
    np.testing.assert_allclose(memory.diffusion_A2_per_ps, model.diffusion_tensor(), atol=1e-5)
    truth = np.trace(model.diffusion_tensor()) / 3 / model.jump_diffusivity()
    assert memory.correlation_factor == pytest.approx(truth, rel=1e-4)


def test_spectrum_is_that_of_the_walk(rng, layered_model):
    """Modes of 4000 walkers from the lowest frequency to far above the hops, each tensor component within its noise."""
    model = layered_model(0.1, 15.0)
    run = simulate(model, 4000, 2000, 0.1, rng, supercell=SUPERCELL, transit_ps=0.0, vibration_A=0.0)
    modes = displacement_modes(run.positions_A, 0.1)[:400]
    squared = squared_frequencies(2000, 0.1, 400)
    memory = exact_network(model).memory()
    turn = whitening(memory.diffusion_A2_per_ps, memory.spectrum(squared))
    assert turn[0, 1, 1] > 0.97  # the slowest mode hardly sees a memory
    assert turn[-1, 1, 1] < 0.8  # of which there is most along b, where the pair lies
    white = modes @ np.swapaxes(turn, -1, -2)
    for band in (slice(0, 20), slice(20, 100), slice(100, 400)):
        found = np.einsum("kia,kib->ab", white[band], white[band]) / (2 * 4000 * (band.stop - band.start))
        noise = 4 * found.max() * np.sqrt(2 / (4000 * (band.stop - band.start)))
        np.testing.assert_allclose(found, model.diffusion_tensor(), atol=noise)


def test_memory_ends_where_the_msd_is_linear(layered_model):
    """One pair of sites on a line: the walk that hops a at rate k_1 and b at k_2 in turn forgets at 2 (k_1 + k_2)."""
    fast, slow = 2.0, 0.5
    none = np.zeros(0, dtype=np.int64)
    network = HopNetwork(
        time_share=np.full(2, 0.5),
        source=np.array([0, 1, 1, 0]),
        target=np.array([1, 0, 0, 1]),
        hop_class=np.array([0, 0, 1, 1]),
        vector_A=np.array([[1.0, 0, 0], [-1.0, 0, 0], [1.0, 0, 0], [-1.0, 0, 0]]),
        counts=1e6 * np.array([fast, slow]),
        ion_time_ps=1e6,
        seen_class=none,
        seen_ion=none,
        seen_at=none,
    )
    memory = network.memory()
    assert memory.rate_per_ps == pytest.approx([2 * (fast + slow)])
    assert memory.diffusion_A2_per_ps[0, 0] == pytest.approx(2 * fast * slow / (fast + slow), rel=1e-4)  # d = 2
    excess = memory.excess(np.array([0.0, 1e12]))
    assert excess == pytest.approx([1.0, (fast + slow) ** 2 / (4 * fast * slow)], rel=1e-4)
    still_bent = (excess[1] - 1) * np.exp(-2 * (fast + slow) * memory.onset_ps)
    assert still_bent == pytest.approx(0.05, rel=0.2)


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


@pytest.mark.parametrize("squared", [0.0, 0.01, 1.0])
def test_each_hop_counts_for_its_power(layered_model, squared):
    network = exact_network(layered_model(0.1, 15.0))
    squares = np.array([squared])
    found = network.spectrum_per_hop(squares)[0]
    for own in range(0, len(found), 10):
        counts = network.counts * np.where(np.arange(len(found)) == own, 1 + 1e-6, 1.0)
        changed = replace(network, counts=counts).memory().spectrum(squares)[0] - network.memory().spectrum(squares)[0]
        expected = changed / (1e-6 * network.counts[own])
        np.testing.assert_allclose(found[own], expected, atol=1e-3 * np.abs(expected).max() + 1e-12)


def test_parts_are_of_the_same_estimate_and_scatter_with_the_rates(make_run, layered_host, layered_model):
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
    assert diffusivity(run, layered_host, radii_A=radii).jumps.correlation_factor_of_rates is None
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


def test_halves_tell_what_the_noise_of_counts_does(make_run, layered_host, layered_model):
    """Counts at random about the rates of a walk without memory: half of them have twice its seeming memory."""
    model = layered_model(0.1)
    exact, rng = exact_network(model, hops=300), np.random.default_rng(0)
    found = []
    for _ in range(30):
        seen = np.repeat(np.arange(len(exact.counts)), rng.poisson(exact.counts))
        seen_at = rng.random(len(seen))
        network = replace(
            exact, counts=np.bincount(seen, minlength=len(exact.counts)).astype(float), seen_class=seen, seen_at=seen_at
        )
        even, odd = network.halves()
        np.testing.assert_allclose(even.counts + odd.counts, network.counts)
        assert even.counts.sum() == np.sum((10 * seen_at).astype(int) % 2 == 0)
        factors = [part.memory().correlation_factor for part in (network, even, odd)]
        found.append((factors[0], factors[0] - np.mean(factors[1:])))
    whole, bias = np.mean(found, axis=0)
    truth = exact.memory().correlation_factor
    assert whole < truth - 0.03
    assert whole + bias == pytest.approx(truth, abs=0.02)
