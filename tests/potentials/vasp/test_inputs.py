"""VASP's input against the study's table: cutoffs, meshes, thresholds, potentials, order of the atoms."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from pymatgen.core import Lattice, Structure

import fake_vasp
from superionic.documents import MDProtocol, VaspSettings
from superionic.dynamics.vasp.engine import md_tags
from superionic.errors import InputError
from superionic.makers.ordering import OrderingMaker
from superionic.potentials.vasp.inputs import grouped, input_set, potcar_symbols, require_dense_mesh
from superionic.structures.host import load_host

VASP = VaspSettings(family="vasp")
LARGE = VaspSettings(  # the study's 2x2x2 cells
    family="vasp",
    relax={"encut_eV": 400, "ediff_eV": 1e-4, "k_mesh": [2, 1, 2]},
    aimd={"encut_eV": 300, "ediff_eV": 1e-4, "k_mesh": [1, 1, 1]},
)


@pytest.fixture(scope="module")
def crystal():
    """80 atoms of Li3InCl6 as an ordering has them: labels, charges, an order of its own."""
    return OrderingMaker(supercell=(2, 1, 2)).ordered(load_host("Li3InCl6"))


def written(settings, kind, structure, more=None):
    return input_set(settings, kind, more).get_input_set(structure, potcar_spec=True)


@pytest.mark.parametrize(
    ("settings", "kind", "encut", "ediff", "mesh"),
    [
        (VASP, "relax", 520, 1e-4, (3, 3, 3)),
        (LARGE, "relax", 400, 1e-4, (2, 1, 2)),
        (VASP, "aimd", 400, 1e-4, (1, 1, 1)),
        (LARGE, "aimd", 300, 1e-4, (1, 1, 1)),
        (VASP, "label", 450, 1e-6, (2, 2, 2)),
    ],
)
def test_cutoffs_thresholds_and_meshes_are_those_of_the_study(crystal, settings, kind, encut, ediff, mesh):
    found = written(settings, kind, grouped(crystal)[0])
    incar, kpoints = found.incar, found.kpoints
    assert (incar["ENCUT"], incar["EDIFF"], incar["GGA"].upper()) == (encut, ediff, "PS")
    assert (kpoints.style.name, tuple(kpoints.kpts[0]), tuple(kpoints.kpts_shift)) == ("Gamma", mesh, (0, 0, 0))
    assert dict(zip(found.poscar.site_symbols, found.potcar.split(), strict=True)) == {
        "Li": "Li_sv", "In": "In_d", "Cl": "Cl",
    }  # fmt: skip


def test_the_whole_incar_of_molecular_dynamics(crystal):
    protocol = MDProtocol(engine="vasp", temperature_K=700, length_ps=200, thermostat_chain_length=1)
    tags = md_tags(protocol, 5000, len(crystal), crystal.lattice.matrix)
    incar = dict(written(VASP, "aimd", grouped(crystal)[0], tags).incar)
    smass = incar.pop("SMASS")
    a = crystal.lattice.a
    # Q = 237 k T (100 fs)^2 in u Å^2
    assert smass == pytest.approx(237 * 8.617333e-5 * 700 * 100**2 / 103.642697 / a**2, rel=1e-5)
    assert incar == {
        "GGA": "Ps", "LASPH": True, "ISPIN": 1, "ISMEAR": 0, "SIGMA": 0.05, "NELM": 100, "LREAL": False,
        "LCHARG": False, "LWAVE": False,
        "PREC": "Normal", "ALGO": "Fast", "IBRION": 0, "ISIF": 2, "ISYM": 0, "NELMIN": 4, "MAXMIX": 20,
        "NBLOCK": 1, "KBLOCK": 100, "ENCUT": 400.0, "EDIFF": 1e-4, "LMAXMIX": 4, "NSW": 5000, "POTIM": 2.0,
        "TEBEG": 700.0, "TEEND": 700.0, "MDALGO": 2,
    }  # fmt: skip


def test_nve_has_no_thermostat(crystal):
    protocol = MDProtocol(engine="vasp", ensemble="nve", temperature_K=700, length_ps=200)
    tags = md_tags(protocol, 10, len(crystal), crystal.lattice.matrix)
    assert (tags["MDALGO"], tags["ANDERSEN_PROB"]) == (1, 0.0)
    assert "SMASS" not in tags


def test_poscar_has_each_element_once_and_its_atoms_where_they_were(crystal):
    velocities = np.arange(3 * len(crystal)).reshape(-1, 3) * 1e-4
    atoms, order = grouped(crystal, velocities)
    poscar = written(VASP, "aimd", atoms).poscar
    assert len(set(poscar.site_symbols)) == len(poscar.site_symbols) == 3
    assert sorted(order) == list(range(len(crystal)))
    assert np.array_equal(poscar.structure.frac_coords, crystal.frac_coords[order])
    assert [site.specie.symbol for site in poscar.structure] == [crystal[index].specie.symbol for index in order]
    assert poscar.velocities == pytest.approx(velocities[order])


def test_poscar_is_read_as_it_was_meant(crystal, tmp_path):
    velocities = np.random.default_rng(1).normal(size=(len(crystal), 3)) * 0.01
    atoms, order = grouped(crystal, velocities)
    written(VASP, "aimd", atoms).poscar.write_file(tmp_path / "POSCAR")
    read = fake_vasp.read_poscar(tmp_path / "POSCAR")
    assert read.frac == pytest.approx(crystal.frac_coords[order], abs=1e-14)
    assert read.velocities == pytest.approx(velocities[order], rel=1e-6, abs=1e-9)
    assert read.species == [crystal[index].specie.symbol for index in order]


def test_every_element_of_the_study_has_a_potential():
    symbols = potcar_symbols(VASP)
    wanted = {"Li": "Li_sv", "In": "In_d", "Sc": "Sc_sv", "Y": "Y_sv", "Yb": "Yb_3", "Lu": "Lu_3", "Zr": "Zr_sv"}
    assert wanted.items() <= symbols.items()
    assert {"Na", "Cl", "Br", "S", "P"} <= set(symbols)
    own = VaspSettings(family="vasp", potcars={"Li": "Li"})
    assert potcar_symbols(own)["Li"] == "Li"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"aimd": {"encut_eV": 400, "ediff_eV": 1e-4, "k_mesh": [0, 1, 1]}}, "has no points"),
        ({"potcars": {"Li": "Na_pv"}}, "is no POTCAR of Li"),
        ({"incar": {"potim": 1}}, "POTIM is decided by"),
        ({"label": {"encut_eV": 450, "ediff_eV": 0.1, "k_mesh": [1, 1, 1]}}, "less than or equal to 0.001"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, words):
    with pytest.raises(ValidationError, match=words):
        VaspSettings(family="vasp", **settings)


def test_a_cell_too_small_for_its_mesh_is_refused():
    small = Structure(Lattice.cubic(5.1), ["Li", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    with pytest.raises(
        InputError, match=r"too small for k_mesh = \[1, 1, 1\]: set reference.aimd.k_mesh to at least \[2, 2, 2\]"
    ):
        require_dense_mesh(VASP, "aimd", small.lattice.matrix)
