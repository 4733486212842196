"""The torch path on a GPU gives what it gives on the CPU, alone and in a batch."""

import numpy as np
import pytest
import torch

from superionic.potentials import load_chgnet
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
    numbers, positions, cell = cells[1]
    session = potentials[1].session(numbers)
    first = session.evaluate(positions, cell)
    session.evaluate(positions + 0.05, cell)
    again = session.evaluate(positions, cell)
    assert np.array_equal(first.forces_eV_per_A, again.forces_eV_per_A)
