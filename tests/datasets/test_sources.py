"""Labels of other codes' files come in with their units, origins and references, and nothing of a file is run."""

import json
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.stress import full_3x3_to_voigt_6_stress

from labels import PBESOL, candidates, frames
from superionic.datasets.sources import Given, read_labels
from superionic.datasets.sources.chgnet_json import write_chgnet_json
from superionic.errors import InputError
from vasp_labels import write_run

SAID = Given(reference=PBESOL)


def agree(found, wanted, tolerance=1e-7):
    """Labels within what the format keeps."""
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert np.array_equal(one.frame.numbers, other.numbers)
        assert np.abs(one.frame.positions_A - other.positions_A).max() < tolerance * 100
        assert one.energy_eV == pytest.approx(other.energy_eV, abs=tolerance * 10)
        assert np.abs(one.forces_eV_per_A - other.forces_eV_per_A).max() < tolerance
        assert np.abs(one.stress_eV_per_A3 - other.stress_eV_per_A3).max() < tolerance


def of_one_cell(n_frames):
    """Frames of one run of VASP's have one order of atoms."""
    return frames().take(range(n_frames)).frames


def test_static_runs_and_a_relaxation_of_vasp(tmp_path):
    write_run(tmp_path / "static" / "a", of_one_cell(1))
    write_run(tmp_path / "static" / "b", of_one_cell(2)[1:], packed=True)
    found = read_labels(tmp_path / "static", Given(structure="O", temperature_K=700))
    agree(found.candidates, of_one_cell(2))
    assert {c.frame.origin.structure for c in found.candidates} == {"O"}
    assert {c.frame.origin.temperature_K for c in found.candidates} == {700}
    reference = found.candidates[0].reference
    assert (reference.potential.family, reference.potential.model) == ("VASP", "PBEsol")
    assert reference.potential.package_version == "6.4.3"
    assert reference.settings["ENCUT"] == 450
    assert reference.settings["k_mesh"] == "Gamma 1 1 1"
    assert reference.settings["pseudopotentials"]["Li"] == "PAW_PBE Li 01Jan2026"
    write_run(tmp_path / "relax", of_one_cell(5), incar={"IBRION": 2, "NSW": 5}, n_scf_of={1: 60})
    relaxed = read_labels(tmp_path / "relax", Given())
    assert [c.frame.origin.sampling for c in relaxed.candidates] == ["relaxation"] * 5
    assert [c.problem is None for c in relaxed.candidates] == [True, False, True, True, True]
    assert {c.frame.origin.block for c in relaxed.candidates} == {0}


def test_molecular_dynamics_of_vasp_with_a_stride(tmp_path):
    incar = {"IBRION": 0, "NSW": 20, "TEBEG": 700, "POTIM": 2}
    write_run(tmp_path / "aimd", of_one_cell(20), incar=incar)
    found = read_labels(tmp_path / "aimd" / "vasprun.xml", Given(first=3, stride=4)).candidates
    assert [c.frame.origin.index for c in found] == [3, 7, 11, 15, 19]
    assert [c.frame.origin.step for c in found] == [3, 7, 11, 15, 19]
    assert [c.frame.origin.block for c in found] == [1, 3, 5, 7, 9]
    assert {c.frame.origin.temperature_K for c in found} == {700}
    agree(found, [of_one_cell(20)[n] for n in (3, 7, 11, 15, 19)])


def test_a_tree_without_runs_and_an_outcar_alone(tmp_path):
    with pytest.raises(InputError, match=r"holds no vasprun.xml"):
        read_labels(tmp_path, Given())
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "OUTCAR").write_text("vasp")
    (excluded,) = read_labels(tmp_path, Given()).excluded
    assert excluded.check == "no vasprun.xml"


@pytest.fixture
def database(tmp_path):
    with connect(tmp_path / "rows.db", append=False) as rows:
        for number, frame in enumerate(of_one_cell(4)):
            atoms = Atoms(frame.numbers, frame.positions_A, cell=frame.cell_A, pbc=True)
            atoms.calc = SinglePointCalculator(
                atoms, energy=frame.energy_eV, forces=frame.forces_eV_per_A,
                stress=full_3x3_to_voigt_6_stress(frame.stress_eV_per_A3),
            )  # fmt: skip
            rows.write(atoms, ordering="O", temperature_K=300, converged=number != 2)
    return tmp_path / "rows.db"


def test_an_ase_database(database):
    before = database.read_bytes()
    found = read_labels(database, SAID).candidates
    agree(found, of_one_cell(4))
    assert [c.problem for c in found][2].startswith("unconverged")
    assert {c.frame.origin.structure for c in found} == {"O"}
    assert database.read_bytes() == before
    database.write_bytes(before[:3000])
    with pytest.raises(InputError, match="not readable as an ASE database"):
        read_labels(database, SAID)


def test_chgnets_json_out_and_in(tmp_path):
    file = tmp_path / "labels.json"
    assert write_chgnet_json(frames(), file) == len(frames())
    content = json.loads(file.read_text())
    (first, *_) = next(iter(content.values())).values()
    assert first["energy_per_atom"] == frames()[0].energy_eV / 20
    assert np.trace(first["stress"]) * -0.1 / 160.21766 == pytest.approx(np.trace(frames()[0].stress_eV_per_A3))
    found = read_labels(file, SAID).candidates
    by_title = {f"{n}-{f.origin.title}": f for n, f in enumerate(frames())}
    agree(found, [by_title[c.frame.origin.name] for c in found])
    no_stress = replace(frames()[0], stress_eV_per_A3=None)
    with pytest.raises(InputError, match="no stress"):
        write_chgnet_json(type(frames())((no_stress,)), file)


def test_what_chgnet_itself_reads_of_it(tmp_path):
    """Its own dataset class gives our numbers: eV/atom, eV/Å, GPa of ASE's sign."""
    from chgnet.data.dataset import StructureJsonData
    from chgnet.graph import CrystalGraphConverter

    write_chgnet_json(frames().take(range(3)), tmp_path / "a.json")
    data = StructureJsonData(
        str(tmp_path / "a.json"), CrystalGraphConverter(atom_graph_cutoff=6), targets="efs", shuffle=False
    )
    for number in range(3):
        _, targets = data[number]
        nearest = min(frames(), key=lambda f: abs(f.energy_eV_per_atom - float(targets["e"])))
        assert float(targets["e"]) == pytest.approx(nearest.energy_eV_per_atom, rel=1e-6)
        assert np.allclose(targets["f"], nearest.forces_eV_per_A, atol=1e-6)
        assert np.allclose(targets["s"], nearest.stress_eV_per_A3 * 160.21766, atol=1e-4)


def test_lists_as_of_parse_vasp_dir(tmp_path):
    write_chgnet_json(frames().take(range(3)), tmp_path / "a.json")
    entries = [e for graphs in json.loads((tmp_path / "a.json").read_text()).values() for e in graphs.values()]
    lists = {key: [entry[key] for entry in entries] for key in ("structure", "energy_per_atom", "force", "stress")}
    (tmp_path / "b.json").write_text(json.dumps(lists | {"magmom": None}))
    assert len(read_labels(tmp_path / "b.json", SAID).candidates) == 3


def test_records_of_labels(tmp_path):
    def record(candidate, **more):
        frame = candidate.frame
        return {
            "name": f"O-300K-{frame.origin.step}", "reference": PBESOL.potential.model_dump(), "converged": True,
            "energy_eV": candidate.energy_eV, "forces_eV_per_A": candidate.forces_eV_per_A.tolist(),
            "stress_eV_per_A3": candidate.stress_eV_per_A3.tolist(), "numbers": frame.numbers.tolist(),
            "positions_A": frame.positions_A.tolist(), "cell_A": frame.cell_A.tolist(),
            "origin": {"ordering": "O", "temperature_K": 300, "step": 500, "sampled_with": "CHGNet"},
        } | more  # fmt: skip

    good = record(candidates()[0])
    bad = record(candidates()[1], converged=False, reason="CP2K: self-consistency was not reached")
    file = tmp_path / "labels.jsonl"
    file.write_text(json.dumps(good) + "\n" + json.dumps(bad) + "\n")
    found = read_labels(file, Given()).candidates
    assert [c.problem is None for c in found] == [True, False]
    assert found[0].energy_eV == candidates()[0].energy_eV
    assert found[0].reference == PBESOL
    settings = {"k_mesh": [3, 2, 3]}
    said = PBESOL.model_copy(update={"settings": settings})
    assert read_labels(file, Given(reference=said)).candidates[0].reference.settings == settings
    other = said.model_copy(update={"potential": PBESOL.potential.model_copy(update={"model": "PBE"})})
    with pytest.raises(InputError, match="its reference is CP2K PBEsol"):
        read_labels(file, Given(reference=other))
    file.write_text(json.dumps(good) + "\n" + json.dumps(bad)[:200])
    with pytest.raises(InputError, match="line 2 is not the record of a label"):
        read_labels(file, Given())


def test_objects_that_a_file_names_are_not_made(tmp_path):
    marker = tmp_path / "ran"
    structure = {"@module": "os", "@class": "system", "command": f"touch {marker}"}
    (tmp_path / "a.json").write_text(json.dumps({"m": {"g": {"structure": structure, "energy_per_atom": 1}}}))
    with pytest.raises(InputError, match="is not readable"):
        read_labels(tmp_path / "a.json", SAID)
    assert not marker.exists()


@pytest.mark.parametrize("content", ["hello", "[1, 2]", "{}", '{"a": 1}'])
def test_unknown_files_are_refused(tmp_path, content):
    (tmp_path / "file").write_text(content)
    with pytest.raises(InputError, match=r"no known format|not readable|no frame"):
        read_labels(tmp_path / "file", SAID)
    with pytest.raises(InputError, match="does not exist"):
        read_labels(tmp_path / "none", SAID)


def test_what_gave_the_labels_must_be_said(tmp_path):
    (tmp_path / "a.xyz").write_text("2\nLattice='4 0 0 0 4 0 0 0 4' energy=1\nLi 0 0 0\nCl 0 0 2\n")
    with pytest.raises(InputError, match="give --reference"):
        read_labels(tmp_path / "a.xyz", Given())
