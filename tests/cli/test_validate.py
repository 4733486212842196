"""superionic validate, on runs that are in the store: real weights, tiny runs."""

import json
import re
import sys

import pytest

from sample_runs import memory_stores
from superionic.cli import main
from superionic.documents import AimdSet, ChgnetSettings, MDSet
from superionic.documents.validation import Outcome
from superionic.errors import InputError
from superionic.makers.aimd import AimdSetMaker, ReferenceRelaxMaker
from superionic.makers.ordering import OrderingMaker
from superionic.makers.stored_reference import against_stored
from superionic.makers.study import EveryOrderingMaker, StudyMaker
from superionic.managers.local import run_flow
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.stores.validations import validation_documents
from superionic.structures.host import load_host

R2SCAN = ChgnetSettings(model="r2scan")
AIMD = AimdSet(
    temperatures_K=[700, 900], seeds=[1], length_ps=0.1, equilibration_ps=0.02, segment_length_ps=0.1, stride=2
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A store with runs of a reference, and its relaxation."""
    folder = tmp_path_factory.mktemp("store")
    relax = ReferenceRelaxMaker(potential=R2SCAN, max_steps=2)
    study = StudyMaker([EveryOrderingMaker(AimdSetMaker(AIMD, R2SCAN, relax_maker=relax, study="believed"), "aimd")])
    with open_stores(SuperionicSettings(store_dir=folder)).connected() as stores:
        run = run_flow(study.make(load_host("Li3InCl6")), stores.jobs, folder, workers=1)
        assert run.failed == {}
    return folder


def superionic(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["superionic", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code or 0


def test_stored_runs_are_something_to_be_judged_by(folder):
    with open_stores(SuperionicSettings(store_dir=folder)).connected() as stores:
        found = against_stored(stores.jobs, ["believed"])
        assert list(found) == ["O"]
        against = found["O"]
        assert against.md.temperatures_K == [700, 900]
        assert against.md.length_ps == pytest.approx(0.1)
        assert against.md.frame_interval_ps == AIMD.frame_interval_ps
        assert [run.protocol.temperature_K for run in against.runs] == [700, 900]
        assert against.relaxation.provenance.potential.model == "r2scan"
        start = against.relaxation.ordering.structure
        assert against.ordering.structure.volume == pytest.approx(start.volume)
        assert against.ordering.structure[0].specie == start[0].specie
        assert against_stored(stores.jobs, ["O"], length_ps=2.0)["O"].md == MDSet(
            **{**against.md.model_dump(), "length_ps": 2.0}
        )
        assert OrderingMaker().label in against_stored(stores.jobs, [against.runs[0].run_id[:10]])


def test_a_verdict_is_printed_and_stored_and_nothing_is_run_twice(folder, monkeypatch, capsys):
    words = ("validate", "0.3.0", "--against", "believed", "--store", folder, "--workers", 1, "--study", "mine")
    assert superionic(monkeypatch, *words) == 0
    printed = capsys.readouterr().out
    assert "Validation mine / reference / 0.3.0: 0.3.0 (CHGNet 0.3.0): " in printed
    assert "relaxed volume" in printed
    assert superionic(monkeypatch, *words) == 0
    done, found = re.search(r"(\d+) jobs done, (\d+) of them before; 0 failed", capsys.readouterr().out).groups()
    assert done == found
    with open_stores(SuperionicSettings(store_dir=folder)).connected() as stores:
        (document,) = validation_documents(stores, {"study": "mine"})
    assert document.judgements[0].outcome != Outcome.PASSED
    assert len(document.candidates[0].runs) == 2
    assert document.reference.potential.model == "r2scan"
    assert superionic(monkeypatch, "show", "--study", "mine validation", "--store", folder) == 0
    assert re.search(r"beware: validation 'mine / reference / 0.3.0 / \w+' does not decide", capsys.readouterr().out)
    assert superionic(monkeypatch, "show", "--study", "mine", "--json", "--store", folder) == 0
    assert json.loads(capsys.readouterr().out)[-1]["kind"] == "validation"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("0.3.0", "--against", "nothing"), "no run is in this store with an id that begins with 'nothing'"),
        (("0.3.1", "--against", "believed"), "0.3.1"),
        (("banana:1", "--against", "believed"), "the family is unknown"),
        (("0.3.0", "--against", "believed", "--dataset", "labels"), "no dataset is in this store"),
        (("0.3.0", "--against", "believed", "--length", "0.01"), "leaves nothing of length_ps = 0.01"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(folder, monkeypatch, capsys, words, said):
    assert superionic(monkeypatch, "validate", *words, "--store", folder) == 2
    assert said in capsys.readouterr().err


def test_thresholds_come_from_a_file(folder, monkeypatch, capsys, tmp_path):
    file = tmp_path / "thresholds.yaml"
    file.write_text("diffusivity_facto: 3\n")
    words = ("validate", "0.3.0", "--against", "believed", "--thresholds", file, "--store", folder)
    assert superionic(monkeypatch, *words) == 2
    assert "diffusivity_facto" in capsys.readouterr().err


def test_no_runs_are_refused():
    with memory_stores().connected() as stores, pytest.raises(InputError, match="no run is in this store"):
        against_stored(stores.jobs, ["x"])
