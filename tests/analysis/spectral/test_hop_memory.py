"""Memory of jumps by the rates between sites, against walks whose tensor and spectrum are known."""

from dataclasses import replace

import numpy as np
import pytest

from hop_networks import exact_network
from superionic.analysis.spectral.hop_memory import HopNetwork, whitening
from superionic.analysis.spectral.spectrum import displacement_modes, squared_frequencies
from superionic.analysis.synthetic import simulate

SUPERCELL = (2, 1, 2)


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


def test_memory_ends_where_the_msd_is_linear():
    """One pair of sites on a line: the walk that hops a at rate k_1 and b at k_2 in turn forgets at 2 (k_1 + k_2)."""
    fast, slow = 2.0, 0.5
    network = HopNetwork(
        time_share=np.full(2, 0.5),
        source=np.array([0, 1, 1, 0]),
        target=np.array([1, 0, 0, 1]),
        hop_class=np.array([0, 0, 1, 1]),
        vector_A=np.array([[1.0, 0, 0], [-1.0, 0, 0], [1.0, 0, 0], [-1.0, 0, 0]]),
        counts=1e6 * np.array([fast, slow]),
        ion_time_ps=1e6,
    )
    memory = network.memory()
    assert memory.rate_per_ps == pytest.approx([2 * (fast + slow)])
    assert memory.diffusion_A2_per_ps[0, 0] == pytest.approx(2 * fast * slow / (fast + slow), rel=1e-4)  # d = 2
    excess = memory.excess(np.array([0.0, 1e12]))
    assert excess == pytest.approx([1.0, (fast + slow) ** 2 / (4 * fast * slow)], rel=1e-4)
    still_bent = (excess[1] - 1) * np.exp(-2 * (fast + slow) * memory.onset_ps)
    assert still_bent == pytest.approx(0.05, rel=0.2)


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


def test_halves_tell_what_the_noise_of_counts_does(layered_model):
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
