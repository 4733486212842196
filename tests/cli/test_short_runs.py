"""A run that has hardly begun is built, shown and inspected without a crash, and without a number it cannot bear."""

import json

import pytest
from click.testing import CliRunner

from sample_runs import segments, store_segment
from superionic.cli import cli
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores


@pytest.fixture
def call(tmp_path):
    def run(*arguments, code=0):
        done = CliRunner().invoke(cli, [*arguments, "--store", str(tmp_path)])
        assert done.exit_code == code, done.output
        return done.stdout if "--json" in arguments else done.output  # what a pipe would get

    return run


def store_running(tmp_path, frames_each):
    first, _ = segments(run_id="young", frames_each=frames_each)
    with open_stores(SuperionicSettings(store_dir=tmp_path)).connected() as stores:
        store_segment(stores.jobs, first)


@pytest.mark.parametrize("frames_each", [2, 6])
def test_a_run_of_a_few_frames_is_a_failure_with_its_reason(tmp_path, call, frames_each):
    store_running(tmp_path, frames_each)
    assert "give at least 10 to estimate a diffusivity" in call("build", code=1)
    assert json.loads(call("show", "--json")) == []
    assert "give at least 10 to estimate a diffusivity" in call("show")
    assert json.loads(call("inspect", "young", "--json"))["frames"] == frames_each + 1


@pytest.mark.parametrize("frames_each", [12, 60])
def test_a_short_run_has_a_document_that_says_what_is_missing(tmp_path, call, frames_each):
    store_running(tmp_path, frames_each)
    call("build")
    (document,) = (d for d in json.loads(call("show", "--json")) if d["kind"] == "diffusivity")
    assert document["framework_state"] == "too short"
    assert document["quality"]["verdict"] == "insufficient"
    assert "too short to tell" in " ".join(document["quality"]["reasons"])
    assert "young" in call("inspect", "young")
    call("show")
    assert "too short" in call("show", "--csv")


def test_a_run_whose_id_is_a_path_is_not_written_there(tmp_path, call, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    first, _ = segments(run_id="../evil", frames_each=12)
    with open_stores(SuperionicSettings(store_dir=tmp_path)).connected() as stores:
        store_segment(stores.jobs, first)
    done = CliRunner().invoke(cli, ["export", "../evil", "--format", "extxyz", "--store", str(tmp_path)])
    assert "is no name of a file" in str(done.exception)
    assert not list(tmp_path.glob("evil*"))
