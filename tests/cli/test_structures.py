"""The three commands on structures, as in the README of the issue."""

import json
import re

import pytest
from click.testing import CliRunner
from monty.json import MontyDecoder
from pymatgen.core import Structure

from superionic.cli import cli
from superionic.documents.decoration import DecorationSetDocument
from superionic.documents.frameworks import FrameworkSetDocument
from superionic.documents.placement import PlacementDocument
from superionic.errors import InputError


def call(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False).stdout


def document(kind, *arguments):
    return kind.from_stored(json.loads(call(*arguments, "--json"), cls=MontyDecoder))


ENUMERATE = ("enumerate", "Li3InCl6", "--supercell", 2, 1, 2, "--move", "In:2b:4g:1")


def test_enumerate_and_place_what_was_written(tmp_path):
    printed = call(*ENUMERATE, "--out", tmp_path)
    assert printed.count("shortest Cl-In 2.47 Å") == 6
    assert "6 distinct frameworks of 128 configurations under 32 operations" in printed
    assert len(list(tmp_path.glob("*.cif"))) == 6
    placed = document(
        PlacementDocument, "place", tmp_path / "OHC.cif", "--host", "Li3InCl6", "--method", "random",
        "--energy", "shifted-force", "--candidates", 30000, "--keep", 10,
    )  # fmt: skip
    assert [cell.rank for cell in placed.cells] == list(range(10))
    assert (placed.n_candidates, placed.cutoff_A, placed.energy) == (30_000, 10.0, "shifted-force")


def test_enumerate_json():
    found = document(FrameworkSetDocument, *ENUMERATE)
    assert sorted(f.label for f in found.frameworks) == ["EHC", "ELC", "ELC", "OHC", "OLC", "OLC"]


def test_decorate_and_place_poscars(tmp_path):
    arguments = ("decorate", "Li3InCl6", "--supercell", 2, 2, 2, "--composition", "In3Lu3Sc4Yb3Zr3",
                 "--arrangement", "dispersed", "--seed", 1)  # fmt: skip
    assert document(DecorationSetDocument, *arguments).n_mobile_ions == 45
    printed = call(*arguments, "--out", tmp_path, "--format", "poscar")
    assert "S = 1.602 R (high entropy); 10552080 distinct decorations under 64 operations" in printed
    assert re.search(r"dispersed-1 .* Cl-\w+ 2\.47 Å", printed)
    out = tmp_path / "placed"
    call("place", tmp_path / "dispersed-1.vasp", "--host", "Li3InCl6", "--swaps", 20_000, "--keep", 2, "--out", out)
    cells = [Structure.from_file(path) for path in sorted(out.glob("*.cif"))]
    assert [cell.composition.element_composition["Li"] for cell in cells] == [45, 45]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("enumerate", "Li3InCl6", "--supercell", 2, 1, 2), "0.89 x 8"),
        (("enumerate", "nowhere"), "nowhere"),
        (("decorate", "Li3InCl6", "--composition", "Xe2"), "'Xe' has no oxidation state"),
        (("place", "missing.cif", "--host", "Li3InCl6"), "missing.cif"),
    ],
)
def test_bad_input_is_one_sentence(arguments, message):
    with pytest.raises(InputError, match=message) as error:
        call(*arguments)
    assert "\n" not in str(error.value)
