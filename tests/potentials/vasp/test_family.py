"""Labels and relaxations by VASP, and what is said where it, or a potential, is not there."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from pymatgen.core import SETTINGS, Structure

import fake_vasp
from salt_crystal import MIXED
from superionic.documents import VaspSettings
from superionic.errors import InputError
from superionic.potentials import PotentialError
from superionic.potentials.load import load
from superionic.potentials.relaxation import relax
from superionic.potentials.vasp import installed

VASP = VaspSettings(family="vasp")


@pytest.fixture
def vasp(tmp_path, monkeypatch):
    fake_vasp.install(tmp_path, monkeypatch, Li_sv=3.0, Cl=7.0)
    with contextlib.chdir(tmp_path):
        yield tmp_path


def shaken(seed=1):
    return MIXED.cart_coords + np.random.default_rng(seed).normal(scale=0.1, size=(8, 3))


def wells(positions, cell):
    """What the stand-in says of atoms in the order of the run."""
    crystal = fake_vasp.Crystal(cell, ["Li", "Cl"], [4, 4], np.zeros((8, 3)), None)
    model = fake_vasp.Wells(crystal)
    order = [0, 3, 5, 6, 1, 2, 4, 7]
    answer = model.answer((positions @ np.linalg.inv(cell))[order], cell)
    forces = np.empty((8, 3))
    forces[order] = answer.forces
    return answer.energy_eV, forces, -answer.stress_kB / fake_vasp.KB_PER_EV_PER_A3


def test_a_label_is_what_vasp_computed_in_the_order_of_the_atoms(vasp):
    potential, cell = load(VASP), MIXED.lattice.matrix * 1.02
    found = potential.session(MIXED.atomic_numbers).evaluate(shaken(), cell)
    energy, forces, stress = wells(shaken(), cell)
    assert found.energy_eV == pytest.approx(energy, abs=1e-6)
    assert found.forces_eV_per_A == pytest.approx(forces, abs=1e-6)
    assert found.stress_eV_per_A3 == pytest.approx(stress, abs=1e-8)
    assert potential.reference.package_version == "6.4.3"
    assert "ENCUT 450 eV, EDIFF 1e-06 eV, k 2x2x2" in potential.reference.model
    assert len(potential.reference.sha256) == 64
    assert not list(vasp.glob("vasp-*"))


def test_the_stand_ins_forces_and_stress_are_derivatives_of_its_energy():
    positions, cell, step = shaken(), MIXED.lattice.matrix * 1.02, 1e-5
    _, forces, stress = wells(positions, cell)
    moved = np.zeros((8, 3))
    moved[3, 1] = step
    slope = (wells(positions + moved, cell)[0] - wells(positions - moved, cell)[0]) / (2 * step)
    assert -slope == pytest.approx(forces[3, 1], rel=1e-6)
    strain = np.eye(3) + np.diag([step, 0, 0])
    grown, shrunk = (
        wells(positions @ strain, cell @ strain)[0],
        wells(positions / strain.diagonal(), cell / strain.diagonal())[0],
    )
    assert (grown - shrunk) / (2 * step) / np.linalg.det(cell) == pytest.approx(stress[0, 0], rel=1e-4)


def test_a_relaxation_is_vasps_own(vasp):
    start = Structure(MIXED.lattice.scale(MIXED.volume * 1.06), MIXED.species, MIXED.frac_coords)
    start.add_site_property("site_label", [f"x{index}" for index in range(8)])
    start.perturb(0.1)
    found = relax(start, VASP, 0.02, relax_cell=True, max_steps=50)
    assert found.converged
    assert found.n_steps < 50
    assert found.structure.volume == pytest.approx(8 * fake_vasp.SPACING_A**3, rel=0.01)
    away = found.structure.frac_coords - MIXED.frac_coords
    assert np.abs(away - np.rint(away)).max() < 0.01
    assert found.structure.species == start.species
    assert found.structure.site_properties == start.site_properties
    assert "ENCUT 520 eV, EDIFF 0.0001 eV, k 3x3x3" in found.potential.model
    unconverged = relax(start, VASP, 0.02, relax_cell=True, max_steps=2)
    assert not unconverged.converged


def test_a_failure_is_one_sentence(vasp, monkeypatch):
    program = vasp / "bin" / "vasp_std"
    program.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(PotentialError, match="VASP gave no result"):
        load(VASP).session(MIXED.atomic_numbers).evaluate(shaken(), MIXED.lattice.matrix)


def test_no_code_no_folder_no_potential_no_element(vasp, monkeypatch):
    with pytest.raises(InputError, match=r"there is no POTCAR 'Na_pv' of PBE_54 in .*potcars"):
        load(VASP).session([11, 17])
    with pytest.raises(InputError, match=r"holds Eu, which VASP .* does not know"):
        load(VASP).session([63, 17])
    unknown = VaspSettings(family="vasp", potcars={"Li": "Li_GW"})
    with pytest.raises(InputError, match="there is no POTCAR 'Li_GW' of PBE_54"):
        load(unknown).session([3, 17])
    with pytest.raises(InputError, match="the cell has 13 valence electrons, an odd number"):
        load(VASP).session([3, 3, 17])
    monkeypatch.setitem(SETTINGS, "PMG_VASP_PSP_DIR", None)
    with pytest.raises(InputError, match="PMG_VASP_PSP_DIR = None is no folder of POTCARs: pmg config"):
        load(VASP).session([3, 17])
    monkeypatch.setenv("PATH", "/usr/bin")
    with pytest.raises(InputError, match="VASP is not there: its command is 'vasp_std': set VASP_CMD"):
        load(VASP)


def test_the_command_may_have_a_launcher(vasp, monkeypatch):
    from atomate2 import SETTINGS as ATOMATE2

    monkeypatch.setattr(ATOMATE2, "VASP_CMD", "nice -n 5 vasp_std")
    assert installed.require_command() == "nice -n 5 vasp_std"
    monkeypatch.setattr(ATOMATE2, "VASP_CMD", "nice -n 5 vasp_ncl")
    with pytest.raises(InputError, match="vasp_ncl"):
        installed.require_command()
