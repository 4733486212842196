"""Labels and charges survive what loses them."""

import json

import numpy as np
import pytest
from monty.json import MontyDecoder, MontyEncoder
from pymatgen.core import Structure
from pymatgen.io.cif import CifWriter
from pymatgen.io.vasp import Poscar
from pymatgen.io.vasp.sets import MPStaticSet

from superionic.errors import InputError
from superionic.structures.carry import carry_site_properties, framework_on_host, read_framework

PROPERTIES = ("site_label", "wyckoff", "layer")


@pytest.fixture(scope="module")
def labelled(cell_212):
    rng = np.random.default_rng(0)
    lithium = rng.permutation(cell_212.sites_of(["4g", "2c", "4h"]))[:24]
    species = ["In" if label == "2b" else "" for label in cell_212.labels]
    for site in lithium:
        species[site] = "Li"
    return cell_212.structure(species)


def assert_same_names(labelled, carried):
    assert len(carried) == len(labelled)
    for site in carried:
        nearest = min(labelled, key=lambda other: other.distance(site))
        assert site.specie == nearest.specie
        assert {key: site.properties[key] for key in PROPERTIES} == {key: nearest.properties[key] for key in PROPERTIES}


def test_through_json(labelled):
    back = json.loads(json.dumps(labelled, cls=MontyEncoder), cls=MontyDecoder)
    assert back == labelled
    assert back.site_properties == labelled.site_properties


def test_through_poscar_cif_and_shuffling(labelled, tmp_path):
    Poscar(labelled).write_file(tmp_path / "POSCAR")
    CifWriter(labelled).write_file(tmp_path / "cell.cif")
    shuffled = Structure.from_sites([labelled[i] for i in np.random.default_rng(1).permutation(len(labelled))])
    shuffled = Structure(shuffled.lattice, [site.specie.symbol for site in shuffled], shuffled.frac_coords)
    for bare in (read_framework(tmp_path / "POSCAR"), read_framework(tmp_path / "cell.cif"), shuffled):
        assert "site_label" not in bare.site_properties
        assert_same_names(labelled, carry_site_properties(labelled, bare))


def test_through_the_sorting_of_a_vasp_input_set(labelled):
    sorted_by_vasp = MPStaticSet(labelled, user_potcar_settings={}).poscar.structure
    bare = Structure.from_str(str(Poscar(sorted_by_vasp)), fmt="poscar")
    assert_same_names(labelled, carry_site_properties(labelled, bare))


def test_through_a_relaxation_with_drift_and_strain(labelled):
    rng = np.random.default_rng(2)
    moved = labelled.frac_coords + rng.normal(scale=0.01, size=(len(labelled), 3)) + [0.09, 0.0, 0.03]
    order = rng.permutation(len(labelled))
    bare = Structure(
        labelled.lattice.scale(labelled.volume * 1.06), [labelled[i].specie.symbol for i in order], moved[order]
    )
    carried = carry_site_properties(labelled, bare, max_displacement_A=0.8)
    assert carried.site_properties["site_label"] == [labelled[i].properties["site_label"] for i in order]
    assert np.allclose(carried.frac_coords, bare.frac_coords)


def test_other_cells_are_refused(labelled):
    with pytest.raises(InputError, match="different atoms"):
        carry_site_properties(labelled, labelled.copy().remove_sites([0]))
    scrambled = Structure(labelled.lattice, labelled.species, np.random.default_rng(3).random((len(labelled), 3)))
    with pytest.raises(InputError, match="not the same cell"):
        carry_site_properties(labelled, scrambled, max_displacement_A=1.0)


def test_frameworks_are_found_again_in_files(host, cell_212, labelled, tmp_path):
    rng = np.random.default_rng(4)
    relaxed = labelled.copy()
    relaxed.perturb(0.2, min_distance=0, seed=1)
    relaxed.apply_strain(0.03)
    Poscar(relaxed).write_file(tmp_path / "POSCAR")
    CifWriter(relaxed).write_file(tmp_path / "cell.cif")
    rotated = Structure(
        relaxed.lattice.matrix @ np.linalg.qr(rng.normal(size=(3, 3)))[0], relaxed.species, relaxed.frac_coords
    )
    expected = tuple("In" if label == "2b" else "" for label in cell_212.labels)
    for structure in (relaxed, rotated, read_framework(tmp_path / "POSCAR"), read_framework(tmp_path / "cell.cif")):
        cell, species = framework_on_host(host, structure)
        assert cell.matrix == cell_212.matrix
        assert species == expected


def test_foreign_structures_are_refused(host, labelled, tmp_path):
    shifted = labelled.copy()
    shifted.translate_sites(range(len(shifted)), [0.1, 0.1, 0.2])
    with pytest.raises(InputError, match="on no free named site"):
        framework_on_host(host, shifted)
    cubic = Structure.from_spacegroup("Fm-3m", np.eye(3) * 5.64, ["Na+", "Cl-"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    with pytest.raises(InputError, match="no supercell"):
        framework_on_host(host, cubic)
    foreign = labelled.copy().replace_species({"In3+": "U3+"})
    with pytest.raises(InputError, match="'U' has no oxidation state"):
        framework_on_host(host, foreign)
    with pytest.raises(InputError, match="does not exist"):
        read_framework(tmp_path / "nothing.cif")
    (tmp_path / "bad.cif").write_text("not a CIF")
    with pytest.raises(InputError, match="holds no crystal"):
        read_framework(tmp_path / "bad.cif")
