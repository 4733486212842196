"""Charges that balance, and the one ion that is meant to move."""

import pytest

from cif_files import CUBIC, cif
from superionic.errors import InputError
from superionic.structures.charges import guess_charges
from superionic.structures.host import load_host
from superionic.structures.mobile import mobile_ions


@pytest.mark.parametrize(
    ("amounts", "charges"),
    [
        ({"Li": 24.2, "P": 3.8, "Si": 0.2, "S": 20, "Br": 4}, {"Li": 1, "P": 5, "Si": 4, "S": -2, "Br": -1}),
        ({"Li": 4, "P": 2, "S": 6}, {"Li": 1, "P": 4, "S": -2}),
        ({"Li": 1, "B": 1, "H": 4}, {"Li": 1, "B": 3, "H": -1}),
        ({"Li": 2, "V": 1, "Cl": 4}, {"Li": 1, "V": 2, "Cl": -1}),
        ({"Li": 1, "Mn": 2, "O": 4}, {"Li": 1, "Mn": 3.5, "O": -2}),
        ({"Na": 2, "S": 1, "O": 4}, {"Na": 1, "S": 6, "O": -2}),
        ({"Na": 2, "B": 12, "H": 12}, {"Na": 1, "B": 10 / 12, "H": -1}),
        ({"La": 240, "Zr": 160, "Li": 560, "O": 960}, {"La": 3, "Zr": 4, "Li": 1, "O": -2}),
    ],
)
def test_usual_charges_balance(amounts, charges):
    assert guess_charges(amounts, {}) == pytest.approx(charges)


def test_what_the_user_states_is_kept_and_what_cannot_balance_is_refused():
    assert guess_charges({"Fe": 3, "O": 4, "Li": 2}, {"Fe": 2}) == {"Fe": 2, "O": -2, "Li": 1}
    with pytest.raises(InputError, match=r"La \+3.* has -1 e .*oxidation_states"):
        guess_charges({"La": 1, "Ti": 2, "O": 6}, {"Ti": 4})


def test_the_mobile_ion_is_asked_for_where_several_may_be_meant():
    assert mobile_ions({"Ag": 1, "Ga": 3, "S": -2}) == ("Ag",)
    assert mobile_ions({"Li": 1, "Al": 3, "H": -1}) == ("Li",)
    assert mobile_ions({"Ca": 2, "F": -1}, "F") == ("F",)
    for charges in ({"Li": 1, "Na": 1, "Cl": -1}, {"Ca": 2, "F": -1}, {"H": 1, "O": -2}, {"Cu": 2, "O": -2}):
        with pytest.raises(InputError, match="--mobile"):
            mobile_ions(charges)
    with pytest.raises(InputError, match="'Mg' is none"):
        mobile_ions({"Li": 1, "Cl": -1}, "Mg")


def test_several_mobile_ions_are_named_once_each():
    charges = {"Li": 1, "Na": 1, "Cl": -1}
    assert mobile_ions(charges, ["Na", "Li"]) == ("Na", "Li")
    with pytest.raises(InputError, match="Li and Na may each be"):
        mobile_ions(charges)
    for wrong in (["Li", "Li"], []):
        with pytest.raises(InputError, match="name each mobile ion once"):
            mobile_ions(charges, wrong)
    with pytest.raises(InputError, match="'K' is none of the ions"):
        mobile_ions(charges, ["Li", "K"])


def test_valence_belongs_to_the_site(tmp_path):
    atoms = [
        ("Li1", "Li1+", 0, 0, 0, 1), ("Fe1", "Fe2+", 0.5, 0, 0, 1), ("Fe2", "Fe3+", 0, 0.5, 0, 1),
        ("O1", "O2-", 0, 0, 0.5, 1), ("O2", "O2-", 0.5, 0.5, 0.5, 1), ("O3", "O2-", 0.5, 0.5, 0, 1),
    ]  # fmt: skip
    (tmp_path / "fe.cif").write_text(cif(CUBIC, atoms))
    host = load_host(tmp_path / "fe.cif")
    assert host.oxidation_states == {"Li": 1, "Fe2+": 2, "Fe3+": 3, "O": -2}
    cell = host.ordered(host.named_filling("O"), (2, 2, 2))
    assert {str(ion): n for ion, n in cell.composition.items()} == {"Li+": 8, "Fe2+": 8, "Fe3+": 8, "O2-": 24}


def test_a_part_of_a_crystal_is_no_crystal(tmp_path):
    (tmp_path / "li.cif").write_text(cif(CUBIC, [("Li1", "Li", 0, 0, 0, 1)]))
    with pytest.raises(InputError, match="no anions"):
        load_host(tmp_path / "li.cif")
