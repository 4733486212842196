"""Forgetting is measured on crystals that are not replayed, against forces of another model that stand still."""

import numpy as np
import pytest
from ase.data import chemical_symbols

from superionic.potentials.chgnet import load_chgnet
from superionic.training.data import TrainingData
from superionic.training.foreign import HELD_OUT, REPLAYED, foreign_cell, held_out_forces
from superionic.training.forgetting import foreign_force_error, replay_frames


@pytest.fixture(scope="module")
def base():
    return load_chgnet("0.3.0")


def test_what_is_replayed_is_not_what_is_measured():
    assert not HELD_OUT.keys() & REPLAYED.keys()
    assert held_out_forces().keys() == HELD_OUT.keys()


@pytest.mark.parametrize("formula", [*HELD_OUT, *REPLAYED])
def test_a_foreign_cell_is_its_formula_and_always_the_same(formula):
    atoms = foreign_cell(formula)
    counts = np.unique(atoms.numbers, return_counts=True)[1]
    assert len(atoms) >= 8
    assert atoms.get_chemical_formula(empirical=True) == type(atoms)(formula).get_chemical_formula(empirical=True)
    assert np.gcd.reduce(counts) >= 1
    assert np.array_equal(atoms.positions, foreign_cell(formula).positions)
    assert not np.array_equal(atoms.positions, foreign_cell(formula, 1).positions)
    distances = atoms.get_all_distances(mic=True)[~np.eye(len(atoms), dtype=bool)]
    assert distances.min() > 1.3, [chemical_symbols[number] for number in set(atoms.numbers)]


def test_chgnet_is_where_it_was_measured_to_be_and_softer_ones_are_worse(base):
    known = foreign_force_error(base)
    assert known == pytest.approx(136.6, abs=0.5)

    class Halved:
        def session(self, numbers):
            inner = base.session(numbers)

            class Session:
                def evaluate(self, positions, cell):
                    found = inner.evaluate(positions, cell)
                    return type(found)(found.energy_eV, 0.5 * found.forces_eV_per_A, found.stress_eV_per_A3)

            return Session()

    assert foreign_force_error(Halved()) > 1.5 * known


def test_replayed_energies_move_with_the_reference_of_the_dataset(base):
    plain = replay_frames(base, 7)
    moved = TrainingData([], [], plain).replayed_from({"Cl": 0.7}).replay
    for before, after in zip(plain, moved, strict=True):
        n_chlorine = np.count_nonzero(before.graph.numbers == 17)
        assert after.energy_eV - before.energy_eV == pytest.approx(0.7 * n_chlorine, abs=1e-9)
        assert np.array_equal(before.forces_eV_per_A, after.forces_eV_per_A)
    assert len(plain) == 7
