"""CP2K's input is what the settings say, and what it cannot be is refused before anything runs."""

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from superionic.documents import PotentialSettings
from superionic.documents.cp2k import Cp2kKind, Cp2kSettings
from superionic.errors import InputError
from superionic.potentials.cp2k.elements import KINDS, kinds_of, require_even_electrons, require_installed
from superionic.potentials.cp2k.input import cp2k_input, require_large_enough

ROCK_SALT = np.array([3, 17]), np.array([[0.0, 0, 0], [2.57, 2.57, 2.57]]), 5.14 * np.eye(3)


def settings(**changes):
    return Cp2kSettings(family="cp2k", **changes)


def section(text, name):
    """Lines of a section, up to its end."""
    return text[text.index(f"&{name}\n") :].split(f"&END {name.split()[0]}")[0].splitlines()[1:]


def test_input_of_pbesol():
    text = cp2k_input(settings(k_mesh=(3, 2, 3), cutoff_Ry=400), *ROCK_SALT)
    assert section(text, "PBE") == ["PARAMETRIZATION PBESOL"]
    assert section(text, "KPOINTS")[0] == "SCHEME MONKHORST-PACK 3 2 3"
    assert "CUTOFF [Ry] 400" in section(text, "MGRID")
    assert "EPS_SCF 1e-05" in section(text, "SCF")
    assert section(text, "KIND Li") == [
        "BASIS_SET DZVP-MOLOPT-SR-GTH-q3", "POTENTIAL GTH-PBE-q3", "POTENTIAL_FILE_NAME GTH_POTENTIALS",
    ]  # fmt: skip
    assert [line.split()[0] for line in section(text, "COORD")] == ["Li", "Cl"]
    opened = [line for line in text.splitlines() if line.startswith("&") and not line.startswith("&END")]
    assert len(opened) == text.count("&END")


def test_input_keeps_every_digit():
    numbers, positions, cell = ROCK_SALT
    text = cp2k_input(settings(), numbers, positions + 1 / 3, cell)
    written = [[float(word) for word in line.split()[1:]] for line in section(text, "COORD")]
    assert np.array_equal(written, positions + 1 / 3)


def test_gamma_has_no_mesh_and_xtb_no_basis():
    assert "KPOINTS" not in cp2k_input(settings(k_mesh=(1, 1, 1)), *ROCK_SALT)
    text = cp2k_input(settings(level="gfn1-xtb"), *ROCK_SALT)
    assert "METHOD XTB" in text
    assert not {"KPOINTS", "BASIS_SET", "PBESOL"} & set(text.split())


def test_lanthanides_have_their_f_electrons_in_the_core():
    text = cp2k_input(settings(), np.array([71, 17, 17, 17]), np.zeros((4, 3)), 9 * np.eye(3))
    assert "POTENTIAL_FILE_NAME LnPP2_POTENTIALS" in section(text, "KIND Lu")
    assert [line for line in text.splitlines() if line.startswith("BASIS_SET_FILE")] == [
        "BASIS_SET_FILE_NAME BASIS_MOLOPT", "BASIS_SET_FILE_NAME BASIS_MOLOPT_LnPP2",
    ]  # fmt: skip


def test_table_holds_the_elements_of_the_field():
    assert set(KINDS) == {"Li", "Na", "In", "Sc", "Y", "Yb", "Lu", "Zr", "Cl", "Br", "S", "P"}


def test_own_kinds_take_the_place_of_the_table():
    kind = {"basis": "TZVP-MOLOPT-GTH-q7", "pseudopotential": "GTH-PBE-q7"}
    assert kinds_of(settings(kinds={"Cl": kind}), ["Cl"]) == {"Cl": Cp2kKind(**kind)}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"k_mesh": [2, 0, 2]}, r"(?s)k_mesh.*has no points"),
        ({"cutoff_Ry": 30}, r"cutoff_Ry"),
        ({"scf_threshold": 0.1}, r"scf_threshold"),
        ({"level": "pbe"}, r"level"),
        ({"kinds": {"Li": {"basis": "SZV-MOLOPT-SR-GTH", "pseudopotential": "GTH-PBE-q3"}}}, r"no polarisation"),
        ({"kinds": {"Li": {"basis": "DZVP-MOLOPT-SR-GTH", "pseudopotential": "GTH-PBE"}}}, r"pseudopotential"),
        ({"level": "gfn1-xtb", "kinds": {"Li": KINDS["Li"].model_dump()}}, r"kinds are basis sets"),
    ],
)
def test_wrong_settings_are_refused(given, message):
    with pytest.raises(ValidationError, match=message):
        TypeAdapter(PotentialSettings).validate_python({"family": "cp2k", **given})


def test_unknown_element_is_refused_by_name():
    with pytest.raises(InputError, match=r"no basis set and pseudopotential for Fe: name them under potential\.kinds"):
        cp2k_input(settings(), np.array([26]), np.zeros((1, 3)), 6 * np.eye(3))


@pytest.mark.parametrize(("symbols", "odd"), [([3, 17], False), ([3, 3, 17], True), ([70, 17, 17, 17], False)])
@pytest.mark.parametrize("level", ["pbesol", "gfn1-xtb"])
def test_odd_electrons_are_refused(symbols, odd, level):
    if not odd:
        require_even_electrons(settings(level=level), symbols)
        return
    with pytest.raises(InputError, match="odd number of electrons"):
        require_even_electrons(settings(level=level), symbols)


def test_a_mesh_is_read_from_a_study_file():
    read = Cp2kSettings.model_validate_json('{"family": "cp2k", "k_mesh": [2, 1, 2]}', strict=True)
    assert read.k_mesh == (2, 1, 2)


def test_cell_too_small_for_its_mesh_is_refused():
    cell = np.diag([6.4, 11.1, 6.0])
    require_large_enough(settings(k_mesh=(2, 1, 2)), cell)
    with pytest.raises(InputError, match=r"k_mesh = \[1, 1, 1\].* at least \[2, 1, 2\]"):
        require_large_enough(settings(k_mesh=(1, 1, 1)), cell)


def test_thickness_is_measured_between_planes():
    """Vectors of 12 Å, of which two stand nearly in line."""
    cell = np.array([[12.0, 0, 0], [11.0, 4.8, 0], [0, 0, 12.0]])
    with pytest.raises(InputError, match=r"at least \[3, 3, 1\]"):
        require_large_enough(settings(k_mesh=(1, 1, 1)), cell)


def test_what_is_not_installed_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"BASIS_MOLOPT is not in .*: apt-get install cp2k-data"):
        require_installed({"Li": KINDS["Li"]}, tmp_path)
    (tmp_path / "BASIS_MOLOPT").write_text("Li DZVP-MOLOPT-SR-GTH DZVP-MOLOPT-SR-GTH-q3\n 1\n")
    (tmp_path / "GTH_POTENTIALS").write_text("Li GTH-PADE-q3\n 1\n")
    with pytest.raises(InputError, match=r"GTH_POTENTIALS has no GTH-PBE-q3 for Li"):
        require_installed({"Li": KINDS["Li"]}, tmp_path)
