"""superionic dataset: in, out, joined, extended and split, each version with its parents."""

import json

import pytest
from click.testing import CliRunner

from labels import FILE, frames
from superionic.cli import cli
from superionic.datasets.document import dataset_frames
from superionic.datasets.extxyz import write_extxyz
from superionic.documents import DatasetDocument
from superionic.errors import InputError
from vasp_labels import write_run

REFERENCE = "family: CP2K\nmodel: PBEsol\norigin: first principles\nsettings: {k_mesh: [3, 2, 3]}\n"


@pytest.fixture
def superionic(tmp_path):
    (tmp_path / "reference.yaml").write_text(REFERENCE)

    def call(*arguments):
        done = CliRunner().invoke(
            cli, ["dataset", *map(str, arguments), "--store", str(tmp_path / "store")], catch_exceptions=False
        )
        assert done.exit_code == 0, done.output
        return done.output

    return call


def shown(superionic, *which):
    return [
        DatasetDocument.model_validate({**d, "payload": ""}) for d in json.loads(superionic("show", *which, "--json"))
    ]


def test_import_split_and_export(superionic, tmp_path):
    said = ("--reference", tmp_path / "reference.yaml")
    out = superionic("import", FILE, "--name", "pbesol", *said)
    assert f"{len(frames())} frames by CP2K PBEsol" in out
    superionic("import", FILE, "--name", "pbesol", *said)  # again: nothing new
    (first,) = shown(superionic)
    assert first.references[0].settings == {"k_mesh": [3, 2, 3]}
    assert first.notes == []
    superionic("split", "pbesol", "--by", "run", "--seed", 3)
    _, second = shown(superionic)
    assert second.parents == [first.version]
    assert second.split.seed == 3
    assert sum(second.frames_by_split.values()) == len(frames())
    superionic("export", "pbesol", "--format", "mace", "--part", "train", "--out", tmp_path / "train.extxyz")
    assert (tmp_path / "train.extxyz").read_text().count("REF_energy") == second.frames_by_split["train"]
    superionic("export", first.version[:8], "--format", "chgnet", "--out", tmp_path / "a.json")
    superionic("export", "pbesol", "--format", "superionic", "--out", tmp_path / "own.json")
    whole = DatasetDocument.from_stored(json.loads((tmp_path / "own.json").read_text()))
    assert len(dataset_frames(whole)) == len(frames())
    superionic("import", tmp_path / "own.json", "--name", "copy")
    assert {d.name for d in shown(superionic)} == {"pbesol", "copy"}
    assert "parents" in superionic("show", "copy")


def test_merge_and_extend(superionic, tmp_path):
    said = ("--reference", tmp_path / "reference.yaml", "--against", "no")
    for name, part in (("a", range(20)), ("b", range(15, 33))):
        write_extxyz(frames().take(part), tmp_path / f"{name}.xyz")
        superionic("import", tmp_path / f"{name}.xyz", "--name", name, *said)
    superionic("merge", "a", "b", "--name", "both")
    a, b, both = shown(superionic)
    assert both.parents == [a.version, b.version]
    assert both.n_frames == 33
    assert [entry.check for entry in both.excluded] == ["duplicate"] * 5
    superionic("import", tmp_path / "b.xyz", "--extend", "a", *said)
    longer = next(d for d in shown(superionic) if d.name == "a" and d.parents)
    assert (longer.parents, longer.n_frames) == ([a.version], 33)
    assert "units and signs of labels were not checked against a model" in longer.notes


def test_vasp_comes_in_with_its_bad_runs_named(superionic, tmp_path):
    for number in range(5):
        write_run(tmp_path / "runs" / str(number), [frames()[number]], n_scf=60 if number == 1 else 9)
    out = superionic("import", tmp_path / "runs", "--name", "vasp", "--structure", "O")
    assert "4 frames by VASP PBEsol, 1 left out" in out
    assert "frame 0 of 1: refused by its source: unconverged" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("import", FILE), "--name is missing"),
        (("import", FILE, "--name", "x"), "give --reference"),
        (("import", "none.xyz", "--name", "x"), "does not exist"),
        (("import", FILE, "--name", "x", "--reference", "{ref}", "--stress-unit", "psi"), "unit of stress 'psi'"),
        (("import", FILE, "--name", "x", "--reference", "{ref}", "--stress-unit", "GPa"), "stresses are"),
        (("import", FILE, "--name", "x", "--reference", "none.yaml"), "does not exist"),
        (("show", "nothing"), "no dataset is in this store"),
        (("split", "nothing", "--fractions", "0.5,0.5"), "split: fractions"),
    ],
)
def test_bad_input_is_one_sentence(superionic, tmp_path, arguments, message):
    filled = [str(a).replace("{ref}", str(tmp_path / "reference.yaml")) for a in arguments]
    with pytest.raises(InputError, match=message):
        superionic(*filled)
