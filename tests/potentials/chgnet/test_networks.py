"""Gradients against finite differences in float64, and the fused passes against the torch ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from superionic.potentials.chgnet import ChgnetSession, load_chgnet
from superionic.potentials.chgnet.fused.network import FusedNetwork
from superionic.potentials.chgnet.network_torch import TorchNetwork
from superionic.potentials.chgnet.weights import ChgnetWeights


@pytest.fixture(scope="module")
def double():
    """The evaluator with its network in float64."""
    potential = load_chgnet(kernels="torch")
    potential._network = TorchNetwork(ChgnetWeights.from_model(potential._model.double(), torch.float64))
    return potential


def graph_of(session: ChgnetSession, system):
    return session.graph(system.positions_A, system.cell_A)


@pytest.mark.parametrize("name", ["rattled", "hot", "tiny"])
def test_float64_is_float64_chgnet(double, systems, stock, compare, name):
    numbers, positions, cell = systems[name]
    error = compare(double.session(numbers).evaluate(positions, cell), stock(systems[name]))
    assert (error < [1e-9, 1e-8, 1e-9]).all()


def test_forces_are_the_energys_derivative(double, systems):
    numbers, positions, cell = systems["hot"]
    session, step = double.session(numbers), 1e-4
    direction = np.random.default_rng(8).normal(size=positions.shape)
    ahead, behind = (session.evaluate(positions + sign * step * direction, cell).energy_eV for sign in (1, -1))
    expected = -(ahead - behind) / (2 * step)
    got = (session.evaluate(positions, cell).forces_eV_per_A * direction).sum()
    assert got == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("i", "j"), [(0, 0), (1, 2)])
def test_stress_is_the_energys_derivative(double, systems, i, j):
    numbers, positions, cell = systems["hot"]
    session, step, energies = double.session(numbers), 1e-5, []
    for sign in (1, -1):
        strain = np.eye(3)
        strain[i, j] += 0.5 * sign * step
        strain[j, i] += 0.5 * sign * step
        energies.append(session.evaluate(positions @ strain, cell @ strain).energy_eV)
    expected = (energies[0] - energies[1]) / (2 * step) / abs(np.linalg.det(cell))
    assert session.evaluate(positions, cell).stress_eV_per_A3[i, j] == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("name", ["rattled", "hot", "tiny", "one atom, no angles"])
def test_fused_gradient_is_the_float64_gradient(double, fused, systems, name):
    graph = graph_of(fused.session(systems[name].numbers), systems[name])
    energies, gradients = fused._network.evaluate(graph)
    true_energies, true_gradients = double._network.evaluate(graph)
    np.testing.assert_allclose(energies, true_energies, atol=5e-6)
    np.testing.assert_allclose(gradients, true_gradients, atol=1e-5)


def test_fused_gradient_far_from_any_crystal(double, fused):
    """Random atoms down to 0.9 A: pre-activations of hundreds, where a careless sigmoid overflows."""
    random = np.random.default_rng(9)
    numbers = random.choice([3, 8, 17, 26, 49], size=24)
    cell = 7.0 * np.eye(3)
    grid = np.stack(np.meshgrid(*[np.arange(3)] * 3), -1).reshape(-1, 3)[:24] * 7.0 / 3
    positions = grid + random.uniform(-0.7, 0.7, size=(24, 3))
    graph = fused.session(numbers).graph(positions, cell)
    _, gradients = fused._network.evaluate(graph)
    _, true_gradients = double._network.evaluate(graph)
    assert abs(true_gradients).max() > 5.0
    np.testing.assert_allclose(gradients, true_gradients, atol=1e-5 * abs(true_gradients).max())


@pytest.mark.slow
def test_cold_and_warm_caches_give_the_same_bits(tmp_path):
    """Kernels compiled in this process and kernels read back from the cache."""
    import os
    import subprocess
    import sys

    script = (
        "import numpy as np; from superionic.potentials.chgnet import load_chgnet;"
        "x = np.random.default_rng(0).uniform(0, 8, (12, 3)).round(1);"
        "x = np.array([[i, j, k] for i in (0, 2.7, 5.4) for j in (0, 2.5) for k in (0, 3.1)]) + 0.02 * x;"
        "r = load_chgnet().session([3, 17] * 6).evaluate(x, 8.0 * np.eye(3));"
        "print(r.energy_eV.hex(), r.forces_eV_per_A.tobytes().hex())"
    )
    environment = {**os.environ, "SUPERIONIC_CACHE": str(tmp_path)}
    runs = [subprocess.check_output([sys.executable, "-c", script], env=environment) for _ in range(2)]
    assert runs[0] == runs[1]
    assert list(tmp_path.rglob("*.nbi"))


def test_the_fused_network_wants_the_published_architecture(fused):
    assert isinstance(fused._network, FusedNetwork)
