"""The torch path on a GPU gives what it gives on the CPU, alone and in a batch."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from superionic.potentials.chgnet import load_chgnet, network_cuda
from superionic.potentials.chgnet.network_torch import plain_messages
from superionic.potentials.chgnet.rows import OrderedRows
from superionic.structures.host import load_host

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def cells():
    if not torch.cuda.is_available():
        pytest.fail("tests marked gpu need a CUDA device: leave them out with -m 'not gpu'")
    host = load_host("Li3InCl6")
    rng = np.random.default_rng(0)
    structures = [host.ordered(host.named_filling("O"), repeats) for repeats in [(1, 1, 1), (2, 1, 2), (2, 2, 2)]]
    return [
        (np.array(s.atomic_numbers), s.cart_coords + rng.normal(scale=0.05, size=(len(s), 3)), s.lattice.matrix)
        for s in structures
    ]


@pytest.fixture(scope="module")
def potentials():
    return load_chgnet(device="cpu", kernels="torch"), load_chgnet(device="cuda")


def test_auto_takes_torch_on_cuda(potentials):
    assert potentials[1].reference.kernels == "torch"


def test_cuda_equals_cpu(cells, potentials):
    cpu, cuda = potentials
    for numbers, positions, cell in cells:
        here = cpu.session(numbers).evaluate(positions, cell)
        there = cuda.session(numbers).evaluate(positions, cell)
        assert there.energy_eV == pytest.approx(here.energy_eV, abs=1e-5 * len(numbers))
        assert np.abs(there.forces_eV_per_A - here.forces_eV_per_A).max() < 5e-5
        assert np.abs(there.stress_eV_per_A3 - here.stress_eV_per_A3).max() < 5e-6


def test_a_batch_equals_its_members(cells, potentials):
    _, cuda = potentials
    for (numbers, positions, cell), together in zip(cells, cuda.evaluate_batch(cells), strict=True):
        alone = cuda.session(numbers).evaluate(positions, cell)
        assert np.abs(together.forces_eV_per_A - alone.forces_eV_per_A).max() < 5e-5


def test_a_run_goes_on_bit_for_bit_on_cuda(cells, potentials):
    """Whatever was evaluated before, and by whom: launched the first times, replayed from then on."""
    for numbers, positions, cell in cells:
        session = potentials[1].session(numbers)
        first = session.evaluate(positions, cell)
        session.evaluate(positions + 0.05, cell)
        others = [session.evaluate(positions, cell) for _ in range(5)]
        others.append(load_chgnet(device="cuda").session(numbers).evaluate(positions, cell))
        for again in others:
            assert first.energy_eV == again.energy_eV
            assert np.array_equal(first.forces_eV_per_A, again.forces_eV_per_A)
            assert np.array_equal(first.stress_eV_per_A3, again.stress_eV_per_A3)


def test_recordings_come_and_go(cells, potentials, monkeypatch):
    """More sizes than are kept: the last recording of all goes before the next one is made."""
    monkeypatch.setattr(network_cuda, "_KEPT", 1)
    potential = load_chgnet(device="cuda")
    for numbers, positions, cell in [*cells, *cells]:
        session = potential.session(numbers)
        results = [session.evaluate(positions, cell) for _ in range(4)]
        assert all(np.array_equal(results[0].forces_eV_per_A, result.forces_eV_per_A) for result in results)


def test_stock_kernels_and_moments(cells, potentials):
    numbers, positions, cell = cells[0]
    stock = load_chgnet(device="cuda", kernels="stock").session(numbers).evaluate(positions, cell)
    ours = potentials[0].session(numbers).evaluate(positions, cell)
    assert np.abs(stock.forces_eV_per_A - ours.forces_eV_per_A).max() < 5e-4
    moments = [potential.magnetic_moments(numbers, positions, cell) for potential in potentials]
    assert np.abs(moments[0] - moments[1]).max() < 1e-5


@pytest.mark.parametrize("n", [1, 1000, 5003])
def test_compiled_messages_are_the_plain_ones(potentials, n):
    """In single precision, forward and back, as near to double precision as torch's own."""
    pytest.importorskip("triton")
    from superionic.potentials.chgnet.messages_triton import messages
    from superionic.potentials.chgnet.rows_triton import CompiledRows

    weights, n_rows = potentials[1]._network.network.weights, 20
    random = torch.Generator("cuda").manual_seed(n)

    def normal(*shape):
        return torch.randn(*shape, device="cuda", generator=random).mul_(2)

    ends = torch.randint(0, n_rows - 1, (2, n), device="cuda", generator=random)
    plain, compiled = (rows.both_ways(*ends, n_rows) for rows in (OrderedRows, CompiledRows))
    for mlp, both, weighted in [
        (weights.atom_mlps[1], 1, True), (weights.bond_mlps[0], 2, True), (weights.angle_mlps[0], 2, False)
    ]:  # fmt: skip
        values = [normal(n_rows, 256), normal(both, n, 128), *([normal(both, n, 64)] if weighted else [])]
        above = normal(2 * n, 64)
        double = replace(mlp, **{field.name: getattr(mlp, field.name).double() for field in fields(mlp)})
        true = _with_gradients(plain_messages, double, [value.double() for value in values], above.double(), plain)
        torchs = _with_gradients(plain_messages, mlp, values, above, plain)
        for ours, theirs, wanted in zip(
            _with_gradients(messages, mlp, values, above, compiled), torchs, true, strict=True
        ):
            assert _error(ours, wanted) < max(1e-6, 2 * _error(theirs, wanted))


def _with_gradients(function, mlp, values, above, rows):
    table, own, *weights = leaves = [value.detach().requires_grad_(True) for value in values]
    result = function(mlp, table, own, weights[0] if weights else None, *rows)
    return [result.detach(), *torch.autograd.grad(result, leaves, above)]


def _error(got, wanted):
    return float((got - wanted).norm() / wanted.norm())


def test_a_batch_that_does_not_fit_is_halved(cells):
    """Until it fits; a device that is full otherwise is no crash."""
    numbers, positions, cell = cells[2]
    potential = load_chgnet(device="cuda")
    alone = potential.session(numbers).evaluate(positions, cell)
    n_runs = 32
    total = torch.cuda.mem_get_info()[1]
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(0.4 * 2**30 / total)
    try:
        for _ in range(4):
            results = potential.evaluate_batch([(numbers, positions, cell)] * n_runs)
            assert len(results) == n_runs
            assert all(np.abs(r.forces_eV_per_A - alone.forces_eV_per_A).max() < 5e-5 for r in results)
        assert potential._most_at_once < n_runs
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
