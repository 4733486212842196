"""The contract's checks pass a sound potential, and each catches what it is there for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from superionic.documents import AseSettings
from superionic.potentials.load import load
from superionic.testing import potentials as contract

EXACT = contract.Tolerances(1e-9, 1e-8, 1e-9, derivative=1e-5, displacement_A=1e-3, strain=1e-4)
ARGON = AseSettings(
    calculator="ase.calculators.lj:LennardJones",
    kwargs={"sigma": 3.4, "epsilon": 0.5, "rc": 9.0, "smooth": True},
    cutoff_A=9.0,
)


@pytest.fixture(scope="module")
def crystal():
    """Eight atoms of two elements in a sheared cell; the smoothed pair potential knows all elements."""
    random = np.random.default_rng(3)
    cell = np.array([[7.6, 0.3, -0.2], [0.5, 7.4, 0.6], [-0.4, 0.2, 7.9]])
    corners = np.stack(np.meshgrid(*[np.arange(2)] * 3), -1).reshape(-1, 3) / 2
    return contract.Crystal(np.array([18, 10] * 4), corners @ cell + random.normal(scale=0.15, size=(8, 3)), cell)


@pytest.fixture(scope="module")
def sound():
    return load(ARGON)


class Broken:
    """A potential whose evaluations somebody spoilt."""

    def __init__(self, sound, spoil):
        self.sound, self.spoil = sound, spoil
        self.reference, self.supported_numbers = sound.reference, sound.supported_numbers
        self.cutoff_A, self.gives_stress = sound.cutoff_A, sound.gives_stress
        self.n_evaluations = 0

    def session(self, numbers):
        self.numbers = np.asarray(numbers)
        self.inner = self.sound.session(numbers)
        return self

    def evaluate(self, positions_A, cell_A):
        self.n_evaluations += 1
        return self.spoil(self, self.inner.evaluate(positions_A, cell_A), np.asarray(positions_A), np.asarray(cell_A))

    def close(self):
        pass


def test_a_sound_potential_passes_every_check(sound, crystal):
    contract.check_potential(sound, crystal, EXACT)


def half_the_forces(potential, right, positions_A, cell_A):
    return replace(right, forces_eV_per_A=0.5 * right.forces_eV_per_A)


def other_sign_of_stress(potential, right, positions_A, cell_A):
    return replace(right, stress_eV_per_A3=-right.stress_eV_per_A3)


def stress_in_gpa(potential, right, positions_A, cell_A):
    return replace(right, stress_eV_per_A3=160.2 * right.stress_eV_per_A3)


def shear_swapped(potential, right, positions_A, cell_A):
    order = [2, 1, 0]
    off = right.stress_eV_per_A3 - np.diag(np.diag(right.stress_eV_per_A3))
    return replace(right, stress_eV_per_A3=right.stress_eV_per_A3 - off + off[np.ix_(order, order)])


def a_field_along_x(potential, right, positions_A, cell_A):
    forces = right.forces_eV_per_A + np.array([0.01, 0, 0])
    return replace(right, forces_eV_per_A=forces)


def a_wall_at_the_origin(potential, right, positions_A, cell_A):
    return replace(right, energy_eV=right.energy_eV + 1e-3 * positions_A[:, 2].sum())


def far_atoms_weaker(potential, right, positions_A, cell_A):
    outside = np.abs(positions_A @ np.linalg.inv(cell_A) - 0.5).max(axis=1) > 1.5
    return replace(right, forces_eV_per_A=right.forces_eV_per_A * (1 - 0.1 * outside[:, None]))


def the_first_atom_is_special(potential, right, positions_A, cell_A):
    return replace(right, energy_eV=right.energy_eV + 0.01 * positions_A[0].sum())


def energy_of_the_whole(potential, right, positions_A, cell_A):
    return replace(right, energy_eV=right.energy_eV + 0.001 * len(positions_A) ** 2)


def noise_in_the_last_place(potential, right, positions_A, cell_A):
    return replace(right, forces_eV_per_A=right.forces_eV_per_A * (1 + 1e-15 * potential.n_evaluations))


@pytest.mark.parametrize(
    ("check", "spoil"),
    [
        ("check_forces", half_the_forces),
        ("check_stress", other_sign_of_stress),
        ("check_stress", stress_in_gpa),
        ("check_stress", shear_swapped),
        ("check_rotation", a_field_along_x),
        ("check_translation", a_wall_at_the_origin),
        ("check_wrapping", far_atoms_weaker),
        ("check_permutation", the_first_atom_is_special),
        ("check_extensivity", energy_of_the_whole),
    ],
)
def test_each_check_catches_its_fault(sound, crystal, check, spoil):
    getattr(contract, check)(sound, crystal, EXACT)
    with pytest.raises(AssertionError, match=r"differ by"):
        getattr(contract, check)(Broken(sound, spoil), crystal, EXACT)


@pytest.mark.parametrize("spoil", [half_the_forces, other_sign_of_stress])
def test_the_tolerances_of_float32_still_see_a_wrong_factor(sound, crystal, spoil):
    with pytest.raises(AssertionError, match=r"differ by"):
        contract.check_potential(Broken(sound, spoil), crystal)


def test_a_last_bit_is_caught(sound, crystal):
    with pytest.raises(AssertionError, match="for the same atoms"):
        contract.check_same_bits(Broken(sound, noise_in_the_last_place), crystal)


def test_an_isolated_atom_with_an_energy_is_caught(crystal):
    potential = Broken(load(ARGON.model_copy(update={"cutoff_A": None})), lambda self, right, x, h: right)
    potential.cutoff_A = 9.0
    with pytest.raises(AssertionError, match="was given an energy"):
        contract.check_isolated_atoms(potential, crystal)


def test_an_unknown_element_that_is_accepted_is_caught(sound):
    potential = Broken(sound, lambda self, right, x, h: right)
    potential.supported_numbers = frozenset({18})
    with pytest.raises(AssertionError, match="atomic number 1,"):
        contract.check_unknown_elements(potential)


def test_a_crystal_at_rest_is_no_test(sound):
    still = contract.Crystal(np.array([18]), np.zeros((1, 3)), 5.0 * np.eye(3))
    with pytest.raises(AssertionError, match="off its minimum"):
        contract.check_forces(sound, still)
