"""Memory of evaluations: kept, never shared by two arrays of one evaluation, a thread's own."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from superionic.potentials.chgnet.fused import scratch


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(scratch, "_scratch", scratch._Scratch())


def evaluation():
    scratch.restart()
    return [scratch.empty(7, 5), scratch.zeros(1, 3), scratch.empty(0, 64), scratch.zeros(40, 2)]


def test_arrays_of_an_evaluation_do_not_overlap_and_the_next_has_their_memory():
    evaluation()
    arrays = evaluation()
    for number, array in enumerate(arrays):
        array.fill(number)
    for number, array in enumerate(arrays):
        assert np.all(array == number)
        assert array.flags["C_CONTIGUOUS"]
    again = evaluation()
    assert [array.ctypes.data for array in again] == [array.ctypes.data for array in arrays]
    assert not again[1].any()
    assert not again[3].any()


def test_a_larger_evaluation_than_those_before_gets_whole_arrays():
    evaluation()
    scratch.restart()
    large, more = scratch.zeros(1000, 64), scratch.zeros(1000, 64)
    large.fill(1.0)
    assert not more.any()


def test_threads_do_not_share_memory():
    evaluation()
    own = evaluation()[0]
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(lambda: [evaluation(), evaluation()][1][0]).result()
    assert not np.shares_memory(own, other)


def test_results_outlive_the_evaluations_that_follow(fused, systems):
    numbers, positions, cell = systems["hot"]
    session = fused.session(numbers)
    first = session.evaluate(positions, cell)
    kept = first.energy_eV, first.forces_eV_per_A.copy(), first.stress_eV_per_A3.copy()
    session.evaluate(positions + np.linspace(0, 0.2, len(numbers))[:, None], cell)
    assert kept[0] == first.energy_eV
    assert np.array_equal(kept[1], first.forces_eV_per_A)
    assert np.array_equal(kept[2], first.stress_eV_per_A3)


def test_a_step_of_a_large_cell_takes_no_fresh_pages(fused, li3incl6):
    """1,280 atoms fill 300 MB; what is left is the caller's: lists and vectors of pairs."""
    resource = pytest.importorskip("resource")
    cell = li3incl6 * (4, 4, 4)
    session = fused.session(cell.atomic_numbers)
    for _ in range(2):
        session.evaluate(cell.cart_coords, cell.lattice.matrix)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    session.evaluate(cell.cart_coords, cell.lattice.matrix)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 5000
