"""A CIF is read as it is meant, mended where that is unambiguous, or refused in one sentence."""

import json
import warnings

import numpy as np
import pytest

from cif_files import CUBIC, cif
from superionic.errors import InputError
from superionic.structures.cif import read_cif
from superionic.structures.host import load_host

ROCK_SALT = [("Na1", "Na", 0, 0, 0, 1), ("Cl1", "Cl", 0.5, 0.5, 0.5, 1)]
HEXAGONAL = (11.2, 11.2, 6.0, 90, 90, 120)


def read(tmp_path, text, name="crystal.cif"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what libraries warn of belongs into a sentence
        return read_cif(tmp_path / name)


def amounts(crystal):
    return {ion.symbol: n for ion, n in crystal.structure.composition.items()}


@pytest.mark.parametrize(
    ("cell", "symmetry", "n_atoms"),
    [
        (CUBIC, "_space_group_name_Hall '-F 4 2 3'", 8),
        (CUBIC, "_symmetry_space_group_name_H-M 'F m -3 m'", 8),
        (CUBIC, "_symmetry_space_group_name_H-M 'F m 3 m'", 8),
        (CUBIC, "_symmetry_Int_Tables_number 225", 8),
        ((4, 4, 4, 60, 60, 60), "_symmetry_space_group_name_H-M 'R -3 m'", 2),
        ((4, 4, 10, 90, 90, 120), "_symmetry_space_group_name_H-M 'R -3 m :H'", 12),
        ((4, 4, 4, 90, 90, 90), "_symmetry_equiv_pos_as_xyz x,y,z", 2),
        ((4, 5, 6, 90, 90, 90), "_symmetry_space_group_name_H-M 'P 1'", 2),
        ((4, 5, 6, 90, 95, 90), "_symmetry_space_group_name_H-M 'P 1 2/m 1'", 2),
        ((4, 4, 6, 90, 90, 120), "_symmetry_space_group_name_H-M 'P -3 m 1'", 4),
    ],
)
def test_the_named_group_gives_the_atoms(tmp_path, cell, symmetry, n_atoms):
    assert len(read(tmp_path, cif(cell, ROCK_SALT, symmetry)).structure) == n_atoms


def test_p21n_is_the_setting_with_its_glide_along_n(tmp_path):
    atoms = [("Li1", "Li", 0.1, 0.2, 0.3, 1), ("F1", "F", 0.4, 0.15, 0.77, 1)]
    crystal = read(tmp_path, cif((6.1, 7.2, 5.3, 90, 91.5, 90), atoms, "_symmetry_space_group_name_H-M 'P 21/n'"))
    lithium = np.array([s.frac_coords for s in crystal.structure if s.species_string == "Li"])
    expected = [[0.1, 0.2, 0.3], [0.9, 0.8, 0.7], [0.4, 0.7, 0.2], [0.6, 0.3, 0.8]]  # -x+1/2, y+1/2, -z+1/2 and inverse
    assert np.allclose(sorted((lithium % 1).round(6).tolist()), sorted(expected))


@pytest.mark.parametrize(
    ("cell", "symmetry", "words"),
    [
        ((4, 5, 6, 90, 90, 90), "_symmetry_space_group_name_H-M 'F m -3 m'", "does not fit the cell"),
        (CUBIC, "_symmetry_space_group_name_H-M 'F d -3 m'", "two origin choices"),
        (CUBIC, "_symmetry_space_group_name_H-M 'X 9 9'", "unknown"),
        (CUBIC, "_symmetry_space_group_name_H-M 'F m -3 m'\n_symmetry_equiv_pos_as_xyz x,y,z", "operations of P1"),
        (CUBIC, "_symmetry_space_group_name_H-M 'F m -3 m'\n_symmetry_Int_Tables_number 14", "contradict"),
        (CUBIC, "", "neither a space group nor operations"),
    ],
)  # fmt: skip
def test_group_operations_and_metric_agree_or_are_refused(tmp_path, cell, symmetry, words):
    with pytest.raises(InputError, match=words):
        read(tmp_path, cif(cell, ROCK_SALT, symmetry))


def test_thirds_cut_off_are_thirds(tmp_path):
    def text(third, two_thirds):
        atoms = [("Y1", "Y", third, two_thirds, 0.49, 0.75), ("Cl1", "Cl", 0.11, -0.11, 0.77, 1)]
        return cif(HEXAGONAL, atoms, "_symmetry_space_group_name_H-M 'P -3 m 1'")

    exact = amounts(read(tmp_path, text("0.33333333", "0.66666667")))
    assert exact == pytest.approx({"Y": 1.5, "Cl": 6})
    for third, two_thirds in (("0.333", "0.667"), ("0.333", "0.666"), ("0.33", "0.67")):
        crystal = read(tmp_path, text(third, two_thirds))
        assert amounts(crystal) == pytest.approx(exact)
        assert "special position" in crystal.notes[0]


def test_occupancies_a_little_above_one_are_scaled_and_said_others_refused(tmp_path):
    def text(titanium, aluminium):
        atoms = [("Ti1", "Ti", 0, 0, 0, titanium), ("Al1", "Al", 0, 0, 0, aluminium), ("O1", "O", 0.5, 0.5, 0.5, 1)]
        return cif(CUBIC, atoms)

    crystal = read(tmp_path, text("0.834(6)", "0.168(6)"))
    assert amounts(crystal) == pytest.approx({"Ti": 0.834 / 1.002, "Al": 0.168 / 1.002, "O": 1})
    assert "sum to 1.002: scaled to 1" in crystal.notes[0]
    with pytest.raises(InputError, match=r"Ti1/Al1 sum to 1\.200"):
        read(tmp_path, text("0.8", "0.4"))


def test_atoms_refined_apart_are_one_site_and_none_is_counted_twice(tmp_path):
    atoms = [("Ti1", "Ti", 0, 0, 0.10, 0.75), ("Al1", "Al", 0, 0, 0.11, 0.25), ("O1", "O", 0.5, 0.5, 0.5, 1)]
    crystal = read(tmp_path, cif((4, 4, 10, 90, 90, 90), atoms))
    assert amounts(crystal) == pytest.approx({"Ti": 0.75, "Al": 0.25, "O": 1})
    assert len(crystal.structure) == 2
    assert "taken as one site" in crystal.notes[0]


def test_several_blocks_are_named_and_a_byte_order_mark_is_none(tmp_path):
    one = cif(CUBIC, ROCK_SALT)
    assert len(read(tmp_path, "\ufeff" + one).structure) == 2
    with pytest.raises(InputError, match=r"several crystals .*'crystal', 'second'"):
        read(tmp_path, one + one.replace("data_crystal", "data_second"))
    with pytest.raises(InputError, match="several crystals"):
        read(tmp_path, one + one)


@pytest.mark.parametrize(
    ("atoms", "words"),
    [
        ([("Na1", "Na", "?", 0, 0, 1)], "Na1 has no position"),
        ([("Wat", "Wat", 0, 0, 0, 1)], "no element"),
        ([("Na1", "Na", 0, 0, 0, -0.5)], "occupancy of Na1"),
        ([("Na1", "Na", "zero", 0, 0, 1)], "no number"),
    ],
)
def test_rows_that_say_nothing_are_named(tmp_path, atoms, words):
    with pytest.raises(InputError, match=words):
        read(tmp_path, cif(CUBIC, atoms))


def test_charges_of_symbols_and_of_a_loop_are_the_same(tmp_path):
    charged = [("Na1", "Na1+", 0, 0, 0, 1), ("Cl1", "Cl1-", 0.5, 0.5, 0.5, 1)]
    by_symbol = read(tmp_path, cif(CUBIC, charged)).structure
    by_loop = read(tmp_path, cif(CUBIC, ROCK_SALT, charges={"Na": 1, "Cl": -1})).structure
    assert by_symbol == by_loop
    assert {str(ion) for ion in by_symbol.composition} == {"Na+", "Cl-"}


def test_deuterium_is_not_taken_for_hydrogen_in_silence(tmp_path):
    (tmp_path / "d.cif").write_text(cif(CUBIC, [("Li1", "Li", 0, 0, 0, 1), ("D1", "D", 0.5, 0.5, 0.5, 1)]))
    host = load_host(tmp_path / "d.cif")
    assert host.oxidation_states == {"Li": 1, "H": -1}
    assert "deuterium is called H: `masses_u: {H: 2.014}`" in host.notes[0]


def test_only_cif_and_poscar_are_read(tmp_path):
    content = read(tmp_path, cif(CUBIC, ROCK_SALT)).structure
    (tmp_path / "a.json").write_text(json.dumps({**content.as_dict(), "@module": "os", "@class": "system"}))
    with pytest.raises(InputError, match="neither a CIF"):
        load_host(tmp_path / "a.json")
    content.to(str(tmp_path / "POSCAR"), fmt="poscar")
    assert load_host(tmp_path / "POSCAR").oxidation_states == {"Na": 1, "Cl": -1}
