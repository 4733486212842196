"""CP2K itself: signs, units, gradients, failures that are errors, and nothing left behind."""

import gc
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from superionic.documents.cp2k import Cp2kSettings
from superionic.errors import InputError
from superionic.potentials import PotentialError
from superionic.potentials.cp2k.elements import KINDS, require_installed
from superionic.potentials.cp2k.process import Cp2kEndedError, data_folder, shell_program
from superionic.potentials.load import load, opened
from superionic.testing.potentials import Crystal, Tolerances, check_permutation, check_rotation, check_wrapping

INSTALLED = shutil.which("cp2k_shell.psmp") is not None
pytestmark = [
    pytest.mark.dft,
    pytest.mark.skipif(not INSTALLED, reason="CP2K is not there: apt-get install cp2k cp2k-data"),
]

LICL = np.array([3, 3, 3, 3, 17, 17, 17, 17])
CELL = 5.14 * np.eye(3)
FCC = np.array([[0.0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
POSITIONS = np.concatenate([FCC, FCC + 0.5]) @ CELL + np.random.default_rng(1).normal(0, 0.1, (8, 3))


def settings(**changes):
    return Cp2kSettings(family="cp2k", **changes)


XTB = settings(level="gfn1-xtb", scf_threshold=1e-8)
PBESOL = settings(k_mesh=(2, 2, 2), cutoff_Ry=300, scf_threshold=1e-7)


def derivatives(evaluate, largest, step_A):
    """The largest component of the forces, and the stress for a tensile and a shear strain, by central differences."""
    shift = np.zeros_like(POSITIONS)
    shift[largest] = step_A
    force = -(evaluate(POSITIONS + shift, CELL).energy_eV - evaluate(POSITIONS - shift, CELL).energy_eV) / (2 * step_A)
    stress = []
    for i, j in ((0, 0), (0, 1)):
        strain = np.zeros((3, 3))
        strain[i, j] += 0.5e-2
        strain[j, i] += 0.5e-2
        energies = [
            evaluate(POSITIONS @ (np.eye(3) + sign * strain), CELL @ (np.eye(3) + sign * strain)).energy_eV
            for sign in (1, -1)
        ]
        by_strain = (energies[0] - energies[1]) / 2e-2
        stress.append(by_strain / np.linalg.det(CELL))
    return force, *stress


@pytest.mark.parametrize(
    ("chosen", "force_tolerance", "stress_tolerance"), [(XTB, 2e-3, 2e-4), (PBESOL, 1e-2, 2e-3)], ids=["xtb", "pbesol"]
)
def test_forces_and_stress_are_derivatives_of_the_energy(chosen, force_tolerance, stress_tolerance):
    with opened(chosen) as potential:
        session = potential.session(LICL)
        at = session.evaluate(POSITIONS, CELL)
        largest = np.unravel_index(np.abs(at.forces_eV_per_A).argmax(), (8, 3))
        force, tensile, shear = derivatives(session.evaluate, largest, 0.01)
    assert abs(force) > 0.1
    assert at.forces_eV_per_A[largest] == pytest.approx(force, abs=force_tolerance)
    assert at.stress_eV_per_A3[0, 0] == pytest.approx(tensile, abs=stress_tolerance)
    assert at.stress_eV_per_A3[0, 1] == pytest.approx(shear, abs=stress_tolerance)
    assert np.abs(at.forces_eV_per_A.sum(axis=0)).max() < 0.05  # of the grid at 300 Ry
    assert np.array_equal(at.stress_eV_per_A3, at.stress_eV_per_A3.T)


@pytest.mark.parametrize("check", [check_rotation, check_permutation, check_wrapping])
def test_it_does_not_matter_how_a_crystal_is_written_down(check):
    with opened(XTB) as potential:
        check(potential, Crystal(LICL, POSITIONS, CELL), Tolerances(stress_eV_per_A3=1e-5))


def test_same_numbers_in_a_new_process_and_wherever_the_atoms_are_wrapped():
    results = []
    for positions in (POSITIONS, POSITIONS, POSITIONS + CELL[0]):
        with opened(XTB) as potential:
            results.append(potential.session(LICL).evaluate(positions, CELL))
    assert results[0].energy_eV == results[1].energy_eV
    assert np.array_equal(results[0].forces_eV_per_A, results[1].forces_eV_per_A)
    assert np.allclose(results[0].forces_eV_per_A, results[2].forces_eV_per_A, atol=1e-5)


def test_a_cell_that_changes_gives_what_it_gives_alone():
    wider = 1.02 * CELL
    with opened(XTB) as potential:
        session = potential.session(LICL)
        session.evaluate(POSITIONS, CELL)
        after = session.evaluate(1.02 * POSITIONS, wider)
    with opened(XTB) as potential:
        alone = potential.session(LICL).evaluate(1.02 * POSITIONS, wider)
    assert after.energy_eV == pytest.approx(alone.energy_eV, abs=1e-5)
    assert np.allclose(after.forces_eV_per_A, alone.forces_eV_per_A, atol=1e-4)
    assert np.allclose(after.stress_eV_per_A3, alone.stress_eV_per_A3, atol=1e-5)


def test_several_processes_give_what_one_gives():
    results = []
    for n_ranks in (1, 2):
        with opened(XTB.model_copy(update={"n_ranks": n_ranks})) as potential:
            results.append(potential.session(LICL).evaluate(POSITIONS, CELL))
    assert np.allclose(results[0].forces_eV_per_A, results[1].forces_eV_per_A, atol=1e-6)


@pytest.mark.parametrize("chosen", [XTB, PBESOL], ids=["xtb", "pbesol"])
def test_without_self_consistency_there_is_no_number(chosen):
    with opened(chosen.model_copy(update={"max_scf_steps": 2})) as potential:
        session = potential.session(LICL)
        with pytest.raises(PotentialError, match="self-consistency was not reached"):
            session.evaluate(POSITIONS, CELL)


def test_atoms_on_top_of_each_other_are_an_error_and_the_session_goes_on():
    together = POSITIONS.copy()
    together[1] = together[0] + 1e-3
    with opened(XTB) as potential:
        session = potential.session(LICL)
        with pytest.raises(PotentialError, match="CP2K stopped: GEOMETRY wrong or EMAX_SPLINE too small!"):
            session.evaluate(together, CELL)
        assert np.isfinite(session.evaluate(POSITIONS, CELL).energy_eV)


def test_a_session_that_is_let_go_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with opened(XTB) as potential:
        session = potential.session(LICL)
        session.evaluate(POSITIONS, CELL)
        child = session._process._shell._child.pid
        del session
        gc.collect()
        assert not Path(f"/proc/{child}").exists()
        assert not list(tmp_path.iterdir())


def test_process_and_files_are_gone_after_close_and_after_a_kill(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with opened(XTB) as potential:
        session = potential.session(LICL)
        session.evaluate(POSITIONS, CELL)
        child = session._process._shell._child.pid
        assert len(list(tmp_path.iterdir())) == 1
    assert not list(tmp_path.iterdir())
    assert not Path(f"/proc/{child}").exists()

    with opened(XTB) as potential:
        session = potential.session(LICL)
        session.evaluate(POSITIONS, CELL)
        os.kill(session._process._shell._child.pid, 9)
        with pytest.raises(Cp2kEndedError, match="ended from outside"):
            session.evaluate(POSITIONS, CELL)
    gc.collect()
    assert not list(tmp_path.iterdir())


def test_bad_input_is_refused_before_anything_starts(monkeypatch):
    with opened(settings()) as potential:
        with pytest.raises(InputError, match=r"Fe.*does not know"):
            potential.session([26, 17, 17])
        with pytest.raises(InputError, match="odd number of electrons"):
            potential.session([3, 3, 17])
        with pytest.raises(InputError, match=r"too small for k_mesh = \[2, 2, 2\]"):
            potential.session([3, 17]).evaluate([[0, 0, 0], [2, 2, 2]], 4 * np.eye(3))
    kinds = {"Cl": {"basis": "DZVP-NO-SUCH", "pseudopotential": "GTH-PBE-q7"}}
    with pytest.raises(InputError, match="has no DZVP-NO-SUCH for Cl"):
        load(settings(kinds=kinds))
    monkeypatch.setenv("CP2K_DATA_DIR", "/nowhere")
    with pytest.raises(InputError, match="apt-get install cp2k cp2k-data"):
        load(settings())
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError, match="apt-get install cp2k cp2k-data"):
        shell_program()


def test_every_basis_and_pseudopotential_of_the_table_is_installed():
    require_installed(KINDS, data_folder())


def test_the_reference_says_what_ran():
    reference = load(settings()).reference
    assert (reference.family, reference.origin) == ("CP2K", "first principles")
    assert "PBEsol" in reference.model
    assert "k 2x2x2" in reference.model
    version = subprocess.run([shell_program(), "--version"], capture_output=True, text=True, check=False).stdout
    assert f"CP2K version {reference.package_version}" in version
    assert load(XTB).reference.origin == "semi-empirical"
