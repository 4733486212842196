"""What every potential must hold, whoever wrote it: each check raises AssertionError with the numbers.

Give a potential a few systems that it knows, without symmetry and at rest nowhere, and run `check_potential`, or the
checks one by one. They show that forces, stress and energy are of one function, which does not care how a crystal is
written down, and that a run goes on bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from superionic.errors import InputError
from superionic.potentials.interface import Evaluation, IsolatedAtomError, Potential

__all__ = [
    "Crystal",
    "Tolerances",
    "check_extensivity",
    "check_forces",
    "check_isolated_atoms",
    "check_permutation",
    "check_potential",
    "check_rotation",
    "check_same_bits",
    "check_stress",
    "check_translation",
    "check_unknown_elements",
    "check_wrapping",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Crystal:
    """Atoms in a periodic cell.

    Attributes
    ----------
    numbers : (n_atoms,) int
        Atomic numbers.
    positions_A : (n_atoms, 3)
        Cartesian.
    cell_A : (3, 3)
        Lattice vectors in rows.
    """

    numbers: NDArray[np.int64]
    positions_A: Floats
    cell_A: Floats

    def evaluated(self, potential: Potential) -> Evaluation:
        """The crystal's evaluation in a session of its own."""
        return potential.session(self.numbers).evaluate(self.positions_A, self.cell_A)


@dataclass(frozen=True)
class Tolerances:
    """How far two numbers that should agree may differ; the defaults are those of a network in float32.

    Attributes
    ----------
    energy_eV_per_atom
        Of the same crystal written down otherwise. An atom's energy of 8 eV is rounded to 5e-7 eV in float32, and
        so are the terms it is the sum of; a potential in float64 holds 1e-10.
    force_eV_per_A
        Likewise; a force is the sum of tens of terms of some eV/Å.
    stress_eV_per_A3
        Likewise; a force times a bond's length, over the volume.
    derivative
        Relative error of a force or a stress against the slope of the energy. A slope over a step h from energies
        rounded by e is off by e / h and by the third derivative times h²: 1 % is the best that float32 allows for a
        cell of tens of atoms, and far below any wrong sign or factor; in float64 1e-5 is right.
    displacement_A, strain
        The step of the slopes: large enough for float32's rounding, small enough for the anharmonicity of a bond.
    """

    energy_eV_per_atom: float = 5e-6
    force_eV_per_A: float = 1e-4
    stress_eV_per_A3: float = 2e-6
    derivative: float = 0.01
    displacement_A: float = 1e-2
    strain: float = 2e-3


FLOAT32 = Tolerances()


def check_potential(potential: Potential, crystal: Crystal, tolerances: Tolerances = FLOAT32) -> None:
    """Every check that applies: stress where the potential gives one, isolated atoms where it says its range.

    Parameters
    ----------
    potential
        What is checked.
    crystal
        Of elements that it knows, each distance within its range, off its minimum: forces of at least 0.1 eV/Å.
    tolerances
        What its arithmetic allows.

    Raises
    ------
    AssertionError
        With the numbers.
    """
    for check in (check_forces, check_stress, check_rotation, check_translation, check_permutation, check_wrapping):
        if check is not check_stress or potential.gives_stress:
            check(potential, crystal, tolerances)
    check_extensivity(potential, crystal, tolerances)
    check_same_bits(potential, crystal)
    if potential.cutoff_A is not None:
        check_isolated_atoms(potential, crystal)
    check_unknown_elements(potential)


def check_forces(potential: Potential, crystal: Crystal, tolerances: Tolerances = FLOAT32, seed: int = 0) -> None:
    """Forces are minus the gradient of the energy: along the forces themselves and along random directions.

    The slope of the energy is taken with four points, so that its error is of the fifth derivative.
    """
    session = potential.session(crystal.numbers)
    forces = session.evaluate(crystal.positions_A, crystal.cell_A).forces_eV_per_A
    scale = float(np.linalg.norm(forces))
    _require(scale > 0.1, f"the forces are {scale:.3g} eV/Å: give a crystal off its minimum")
    random = np.random.default_rng(seed).normal(size=(2, *forces.shape))
    for direction in (forces, forces + random[0] * scale / np.linalg.norm(random[0]), random[1]):
        unit = direction / np.linalg.norm(direction)
        expected = -_slope(
            lambda step, unit=unit: session.evaluate(crystal.positions_A + step * unit, crystal.cell_A).energy_eV,  # type: ignore[misc]
            tolerances.displacement_A,
        )
        _close("force along a direction, eV/Å", float((forces * unit).sum()), expected, tolerances.derivative * scale)


def check_stress(potential: Potential, crystal: Crystal, tolerances: Tolerances = FLOAT32) -> None:
    """The stress is dE/d(strain) / V, in each of its six components, and symmetric."""
    session = potential.session(crystal.numbers)
    stress = session.evaluate(crystal.positions_A, crystal.cell_A).require_stress()
    volume = abs(float(np.linalg.det(crystal.cell_A)))
    _near("stress and its transpose, eV/Å³", stress, stress.T, tolerances.stress_eV_per_A3)
    scale = float(np.abs(stress).max())
    for i, j in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)):

        def energy(step: float, i: int = i, j: int = j) -> float:
            strain = np.eye(3)
            strain[i, j] += step / 2
            strain[j, i] += step / 2
            return session.evaluate(crystal.positions_A @ strain, crystal.cell_A @ strain).energy_eV

        expected = _slope(energy, tolerances.strain) / volume
        noise = tolerances.energy_eV_per_atom * len(crystal.numbers) / tolerances.strain / volume
        _close(f"stress {i}{j}, eV/Å³", float(stress[i, j]), expected, tolerances.derivative * scale + noise)


def check_rotation(potential: Potential, crystal: Crystal, tolerances: Tolerances = FLOAT32, seed: int = 0) -> None:
    """Turned crystal: the same energy, forces and stress turned with it."""
    orthogonal, upper = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    rotation = orthogonal * np.sign(np.diag(upper))
    rotation *= np.sign(np.linalg.det(rotation))
    turned = Crystal(crystal.numbers, crystal.positions_A @ rotation, crystal.cell_A @ rotation)
    one, two = crystal.evaluated(potential), turned.evaluated(potential)
    stress = None if one.stress_eV_per_A3 is None else rotation.T @ one.stress_eV_per_A3 @ rotation
    _same("rotation", two, Evaluation(one.energy_eV, one.forces_eV_per_A @ rotation, stress), tolerances)


def check_translation(potential: Potential, crystal: Crystal, tolerances: Tolerances = FLOAT32) -> None:
    """Shifted crystal: nothing changes."""
    shifted = Crystal(crystal.numbers, crystal.positions_A + np.array([1.3, -2.1, 0.4]), crystal.cell_A)
    _same("translation", shifted.evaluated(potential), crystal.evaluated(potential), tolerances)


def check_permutation(potential: Potential, crystal: Crystal, tolerances: Tolerances = FLOAT32, seed: int = 0) -> None:
    """Atoms in another order: the same energy and stress, forces in that order."""
    order = np.random.default_rng(seed).permutation(len(crystal.numbers))
    shuffled = Crystal(crystal.numbers[order], crystal.positions_A[order], crystal.cell_A)
    one = crystal.evaluated(potential)
    expected = Evaluation(one.energy_eV, one.forces_eV_per_A[order], one.stress_eV_per_A3)
    _same("permutation", shuffled.evaluated(potential), expected, tolerances)


def check_wrapping(potential: Potential, crystal: Crystal, tolerances: Tolerances = FLOAT32, seed: int = 0) -> None:
    """Atoms in other images of the cell, as ions that diffused away: nothing changes."""
    images = np.random.default_rng(seed).integers(-3, 4, size=(len(crystal.numbers), 3))
    unwrapped = Crystal(crystal.numbers, crystal.positions_A + images @ crystal.cell_A, crystal.cell_A)
    _same("wrapping", unwrapped.evaluated(potential), crystal.evaluated(potential), tolerances)


def check_extensivity(potential: Potential, crystal: Crystal, tolerances: Tolerances = FLOAT32) -> None:
    """Two cells: twice the energy, the same forces and stress."""
    doubled = Crystal(
        np.tile(crystal.numbers, 2),
        np.concatenate([crystal.positions_A, crystal.positions_A + crystal.cell_A[0]]),
        crystal.cell_A * np.array([[2.0], [1.0], [1.0]]),
    )
    one = crystal.evaluated(potential)
    expected = Evaluation(2 * one.energy_eV, np.tile(one.forces_eV_per_A, (2, 1)), one.stress_eV_per_A3)
    _same("supercell", doubled.evaluated(potential), expected, tolerances)


def check_same_bits(potential: Potential, crystal: Crystal, n_steps: int = 4, seed: int = 0) -> None:
    """The same atoms give the same bits: asked again, after a walk, and in a new session, as after a restart."""
    random = np.random.default_rng(seed)
    walked = potential.session(crystal.numbers)
    positions, cell = crystal.positions_A, crystal.cell_A
    for step in range(n_steps):
        now = walked.evaluate(positions, cell)
        for again in (walked.evaluate(positions, cell), potential.session(crystal.numbers).evaluate(positions, cell)):
            same = now.energy_eV == again.energy_eV and np.array_equal(now.forces_eV_per_A, again.forces_eV_per_A)
            if now.stress_eV_per_A3 is not None and again.stress_eV_per_A3 is not None:
                same = same and np.array_equal(now.stress_eV_per_A3, again.stress_eV_per_A3)
            difference = np.abs(now.forces_eV_per_A - again.forces_eV_per_A).max()
            _require(
                same,
                f"step {step}: energies {now.energy_eV!r} and {again.energy_eV!r} eV, forces differ by up to "
                f"{difference:.3g} eV/Å for the same atoms",
            )
        strain = np.eye(3) + random.normal(scale=0.002, size=(3, 3))
        positions = (positions + random.normal(scale=0.03, size=positions.shape)) @ strain
        cell = cell @ strain


def check_isolated_atoms(potential: Potential, crystal: Crystal) -> None:
    """An atom without neighbours within the potential's range is refused."""
    if potential.cutoff_A is None:
        raise AssertionError("the potential does not say its range (cutoff_A)")
    cell = np.eye(3) * 3 * potential.cutoff_A
    positions = np.array([[0.0, 0.0, 0.0], [2.5, 0.0, 0.0], np.diag(cell) / 2])
    numbers = crystal.numbers[[0, 1, 0]]
    try:
        energy = potential.session(numbers).evaluate(positions, cell).energy_eV
    except IsolatedAtomError:
        return
    raise AssertionError(f"an atom {cell[0, 0] / 2:.3g} Å from any other was given an energy: {energy:.6g} eV in all")


def check_unknown_elements(potential: Potential) -> None:
    """An element that the potential does not know is refused: before it is asked, where it can tell, else when it is.

    Tried with the first atomic number that is not among `supported_numbers`; where these are None, with 0 (no element).
    """
    known = potential.supported_numbers
    unknown = next(number for number in (*range(1, 119), 0) if number not in (known or range(1, 119)))
    numbers = [unknown, unknown]
    try:
        session = potential.session(numbers)
        if known is None:
            session.evaluate([[0.0, 0.0, 0.0], [0.0, 0.0, 2.5]], np.eye(3) * 5)
    except InputError:
        return
    raise AssertionError(f"atomic number {unknown}, which is not supported, was accepted")


def _slope(energy: Callable[[float], float], step: float) -> float:
    """Derivative at 0 by the five-point rule, error O(step⁴)."""
    near, far = energy(step) - energy(-step), energy(2 * step) - energy(-2 * step)
    return (8 * near - far) / (12 * step)


def _same(what: str, one: Evaluation, two: Evaluation, tolerances: Tolerances) -> None:
    n_atoms = len(one.forces_eV_per_A)
    _close(f"{what}: energy, eV/atom", one.energy_eV / n_atoms, two.energy_eV / n_atoms, tolerances.energy_eV_per_atom)
    _near(f"{what}: forces, eV/Å", one.forces_eV_per_A, two.forces_eV_per_A, tolerances.force_eV_per_A)
    if one.stress_eV_per_A3 is not None and two.stress_eV_per_A3 is not None:
        _near(f"{what}: stress, eV/Å³", one.stress_eV_per_A3, two.stress_eV_per_A3, tolerances.stress_eV_per_A3)


def _close(what: str, one: float, two: float, tolerance: float) -> None:
    difference = abs(one - two)
    _require(difference <= tolerance, f"{what}: {one:.8g} and {two:.8g} differ by {difference:.3g} > {tolerance:.3g}")


def _near(what: str, one: Floats, two: Floats, tolerance: float) -> None:
    difference = float(np.abs(one - two).max())
    _require(difference <= tolerance, f"{what}: differ by up to {difference:.3g} > {tolerance:.3g}")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)
