"""What the CUDA network does apart from CUDA: filled-up graphs and ordered sums, on the CPU."""

import numpy as np
import pytest
import torch

from superionic.potentials.chgnet.graph import join
from superionic.potentials.chgnet.network_cuda import CudaNetwork
from superionic.potentials.chgnet.network_torch import TorchNetwork
from superionic.potentials.chgnet.rows import OrderedRows, Rows
from superionic.potentials.chgnet.weights import ChgnetWeights


@pytest.fixture(scope="module")
def double():
    from superionic.potentials.chgnet import load_chgnet

    return ChgnetWeights.from_model(load_chgnet()._model.double(), torch.float64)


@pytest.fixture(scope="module")
def graphs(fused, systems):
    return {name: fused.session(s.numbers).graph(s.positions_A, s.cell_A) for name, s in systems.items()}


@pytest.mark.parametrize("name", ["rattled", "hot", "tiny", "one atom, no angles", "high entropy"])
def test_what_fills_a_graph_up_changes_nothing(double, graphs, name):
    expected = TorchNetwork(double).evaluate(graphs[name])
    for got, wanted in zip(CudaNetwork(double).evaluate(graphs[name]), expected, strict=True):
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got, wanted, atol=1e-11)


def test_a_batch_too(double, graphs):
    graph = join(list(graphs.values()))
    for got, wanted in zip(CudaNetwork(double).evaluate(graph), TorchNetwork(double).evaluate(graph), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-11)


def test_what_was_evaluated_before_leaves_no_trace(double, graphs):
    network, names = CudaNetwork(double), ["one atom, no angles", "hot", "rattled", "hot", "one atom, no angles"]
    results = [network.evaluate(graphs[name]) for name in names]
    for first, second in [(results[0], results[4]), (results[1], results[3])]:
        assert all(np.array_equal(*both) for both in zip(first, second, strict=True))


def test_sizes_of_a_run_come_back(double, fused, systems):
    """Twenty rattled cells need few sizes, each with a bit to spare."""
    numbers, positions, cell = systems["rattled"]
    network, random = CudaNetwork(double), np.random.default_rng(0)
    for _ in range(20):
        moved = positions + random.normal(scale=0.1, size=positions.shape)
        network.evaluate(fused.session(numbers).graph(moved, cell))
    assert len(network._filled) <= 6
    n_pairs = len(fused.session(numbers).graph(positions, cell).pairs.first)
    assert all(sizes[1] < 1.2 * n_pairs for sizes in network._filled)


def test_ordered_rows_are_rows():
    random = torch.Generator().manual_seed(0)
    n_rows, n_entries = 7, 40
    one, two = torch.randint(0, n_rows - 1, (2, n_entries), generator=random)  # the last row fills up
    table = torch.randn(n_rows, 5, generator=random, dtype=torch.float64, requires_grad=True)
    entries = torch.randn(2 * n_entries, 5, generator=random, dtype=torch.float64, requires_grad=True)
    for plain, ordered in zip(Rows.both_ways(one, two, n_rows), OrderedRows.both_ways(one, two, n_rows), strict=True):
        torch.testing.assert_close(ordered.take(table), plain.take(table))
        torch.testing.assert_close(ordered.total(entries), plain.total(entries))
        assert torch.autograd.gradcheck(ordered.take, table)
        assert torch.autograd.gradcheck(ordered.total, entries)
