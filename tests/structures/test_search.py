"""Both searches against exhaustive enumeration, and their promises on seeds and ties."""

from itertools import combinations

import numpy as np
import pytest

from superionic.errors import InputError
from superionic.structures.electrostatics import QuadraticForm
from superionic.structures.random_bits import index_pair, next_bits, unit_float
from superionic.structures.search import TIE_eV, anneal, random_search


@pytest.fixture(scope="module")
def form():
    rng = np.random.default_rng(5)
    interaction = rng.random((14, 14)) * 4
    interaction = interaction + interaction.T
    np.fill_diagonal(interaction, 0)
    return QuadraticForm(-3.0, rng.normal(size=14), interaction)


@pytest.fixture(scope="module")
def everything(form):
    x = np.zeros((3003, 14), dtype=bool)
    for row, chosen in zip(x, combinations(range(14), 6), strict=True):
        row[list(chosen)] = True
    return np.sort(form.energies(x))


def test_annealing_finds_the_lowest_of_all(form, everything):
    found = anneal(form, 6, 50_000, 10, seed=0)
    assert found.energies_eV == pytest.approx(everything[:10])
    assert np.allclose(
        form.energies(np.array([np.isin(np.arange(14), row) for row in found.occupied])), found.energies_eV
    )


def test_random_search_sees_every_placement_equally_often(form, everything):
    found = random_search(form, 6, 100_000, 3003, seed=0)
    assert found.energies_eV == pytest.approx(everything)
    few = [random_search(form, 6, 1, 1, seed=seed).energies_eV[0] for seed in range(400)]
    standard_error = everything.std() / 20
    assert np.mean(few) == pytest.approx(everything.mean(), abs=4 * standard_error)


def test_threads_do_not_change_the_result_and_seeds_do():
    rng = np.random.default_rng(6)
    triangle = np.triu(rng.random((40, 40)), 1)
    form = QuadraticForm(0.0, rng.normal(size=40), triangle + triangle.T)
    for search in (
        lambda seed, threads: random_search(form, 20, 12_000, 20, seed, threads),
        lambda seed, threads: anneal(form, 20, 300, 5, seed, 4, threads),
    ):
        one, two, other = search(1, 1), search(1, 3), search(2, 2)
        assert (one.occupied == two.occupied).all()
        assert one.energies_eV.tolist() == two.energies_eV.tolist()
        assert one.occupied.tolist() != other.occupied.tolist()


def test_ties_are_returned_once():
    ring = np.array([[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]], dtype=float)
    form = QuadraticForm(0.0, np.zeros(4), ring)  # two ions: opposite (0 eV, two ways) or adjacent (1 eV, four ways)
    for found in (random_search(form, 2, 500, 10, 0), anneal(form, 2, 500, 10, 0)):
        assert found.energies_eV.tolist() == [0.0, 1.0]
        assert np.diff(found.energies_eV).min() > TIE_eV


@pytest.mark.parametrize("n_ions", [0, 14])
def test_empty_and_full_lattices_have_one_placement(form, n_ions):
    found = anneal(form, n_ions, 100, 5, seed=0)
    assert found.occupied.shape == (1, n_ions)
    assert found.energies_eV[0] == pytest.approx(form.energies(np.full((1, 14), bool(n_ions)))[0])


def test_bad_numbers_are_named(form):
    with pytest.raises(InputError, match="15 mobile ions do not fit on 14 sites"):
        anneal(form, 15, 100, 1, 0)
    with pytest.raises(InputError, match="n_candidates is 0"):
        random_search(form, 6, 0, 1, 0)
    with pytest.raises(InputError, match="keep is 0"):
        anneal(form, 6, 10, 0, 0)


def test_random_bits_are_those_of_splitmix64():
    state = np.array([1234567], dtype=np.uint64)
    assert [int(next_bits(state)) for _ in range(3)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]  # reference values of the algorithm's published C code


def test_indices_stay_below_their_bounds():
    bits = np.uint64(2**64 - 1)
    assert index_pair(bits, 7, 1) == (6, 0)
    assert index_pair(np.uint64(0), 7, 3) == (0, 0)
    assert 0 <= unit_float(bits) < 1
