"""ASE and atomate2 see the evaluator's numbers, from the weights that were asked for."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from ase import Atoms
from atomate2.forcefields.jobs import ForceFieldStaticMaker
from atomate2.forcefields.md import ForceFieldMDMaker
from jobflow import JobStore, run_locally
from maggma.stores import MemoryStore
from monty.json import MontyDecoder, MontyEncoder

from superionic.errors import InputError
from superionic.potentials.chgnet import load_chgnet
from superionic.potentials.chgnet.calculator import ChgnetCalculator

IMPORT_PATH = {"@module": "superionic.potentials.chgnet.calculator", "@callable": "ChgnetCalculator"}


@pytest.fixture
def atoms(systems):
    return Atoms(systems["hot"].numbers, systems["hot"].positions_A, cell=systems["hot"].cell_A, pbc=True)


def test_ase_sees_the_evaluators_numbers(atoms, systems, fused):
    expected = fused.session(atoms.numbers).evaluate(atoms.positions, atoms.cell.array)
    atoms.calc = ChgnetCalculator()
    assert atoms.get_potential_energy() == expected.energy_eV
    np.testing.assert_array_equal(atoms.get_forces(), expected.forces_eV_per_A)
    np.testing.assert_array_equal(atoms.get_stress(voigt=False), expected.stress_eV_per_A3)
    assert atoms.get_magnetic_moments().shape == (20,)


def test_moved_and_other_atoms(atoms):
    atoms.calc = ChgnetCalculator()
    before = atoms.get_potential_energy()
    atoms.positions[0] += 0.1
    moved = atoms.get_potential_energy()
    other = Atoms("NaCl", [[0, 0, 0], [2.8, 0, 0]], cell=[5.6, 4, 4], pbc=True, calculator=atoms.calc)
    assert len({before, moved, other.get_potential_energy()}) == 3
    atoms.positions[0] -= 0.1
    assert atoms.get_potential_energy() == pytest.approx(before, abs=1e-6)


def test_molecules_are_refused(atoms):
    atoms.pbc = False
    atoms.calc = ChgnetCalculator()
    with pytest.raises(InputError, match="pbc"):
        atoms.get_potential_energy()


def store() -> JobStore:
    return JobStore(MemoryStore(), additional_stores={"data": MemoryStore()})


@pytest.fixture
def checkpoint(tmp_path):
    """Weights whose every atom lies 0.5 eV higher."""
    model = load_chgnet(kernels="stock")._model
    with torch.no_grad():
        model.mlp.layers[-1].bias += 0.5
    path = tmp_path / "fine_tuned.pth.tar"
    torch.save({"model": model.as_dict()}, path)
    return str(path)


def test_atomate2_runs_the_checkpoint(li3incl6, checkpoint, tmp_path, monkeypatch):
    """`calculator_kwargs={"path": ...}` with atomate2's own CHGNet would run the pretrained weights in silence."""
    monkeypatch.chdir(tmp_path)
    energies = []
    for path in ("0.3.0", checkpoint):
        maker = ForceFieldStaticMaker(force_field_name=dict(IMPORT_PATH), calculator_kwargs={"path": path})
        maker = MontyDecoder().process_decoded(json.loads(json.dumps(maker, cls=MontyEncoder)))
        job = maker.make(li3incl6)
        output = run_locally(job, store=store(), ensure_success=True)[job.uuid][1].output
        energies.append(output.output.energy)
        assert output.ase_calculator_name == "ChgnetCalculator"
    assert energies[1] - energies[0] == pytest.approx(0.5 * len(li3incl6), abs=1e-3)


def test_atomate2_runs_molecular_dynamics(li3incl6, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = ForceFieldMDMaker(
        force_field_name=dict(IMPORT_PATH), calculator_kwargs={"path": "0.3.0"}, n_steps=2, mb_velocity_seed=0
    ).make(li3incl6)
    output = run_locally(job, store=store(), ensure_success=True)[job.uuid][1].output
    assert output.output.n_steps == 3
