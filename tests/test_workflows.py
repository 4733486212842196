"""Every study below workflows/ builds, and the quickstart runs to its documents, undisturbed and killed half-way."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.study.load import load_study

WORKFLOWS = Path(__file__).parents[1] / "workflows"
SUPERIONIC = Path(sys.executable).parent / "superionic"


@pytest.mark.parametrize("file", sorted(WORKFLOWS.glob("*/study.yaml")), ids=lambda file: file.parent.name)
def test_every_study_is_valid_and_builds_its_flow(file):
    study = load_study(file)
    assert list(study.plan().flow().iterflow())
    assert (file.parent / "README.md").is_file()


def shortened(folder, study=WORKFLOWS / "quickstart" / "study.yaml"):
    """The quickstart with a smaller cell and shorter runs, every step of it real."""
    content = yaml.safe_load(study.read_text())
    content["orderings"][0]["supercell"] = [1, 1, 1]
    content["md"].update(length_ps=0.8, equilibration_ps=0.2, segment_length_ps=0.2)
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def superionic(folder, *arguments, check=True):
    done = subprocess.run(
        [SUPERIONIC, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=600
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quickstart")
    shortened(folder)
    return folder, superionic(folder, "run", "study.yaml")


def documents(folder):
    return json.loads(superionic(folder, "show", "--json").stdout)


def diffusivities(folder):
    """D by temperature."""
    return {
        document["temperature_K"]: document["diffusivity_cm2_per_s"]
        for document in documents(folder)
        if document["kind"] == "diffusivity"
    }


def trajectories(folder):
    """Checksum of the frames of every segment."""
    with open_stores(SuperionicSettings(store_dir=folder / "superionic-data")).connected() as stores:
        found = stores.jobs.docs_store.query({"output.kind": "trajectory_segment"})
        return {(job["uuid"], job["index"]): job["output"]["sha256"] for job in found}


@pytest.mark.slow
def test_the_quickstart_ends_with_table_figure_and_documents(finished):
    folder, done = finished
    for words in ("Diffusivity", "Arrhenius", "insufficient", "jobs done", "left"):
        assert words in done.stdout + done.stderr
    assert (folder / "superionic-data" / "quickstart" / "arrhenius.png").stat().st_size > 10_000
    found = documents(folder)
    assert [document["kind"] for document in found] == ["diffusivity"] * 3 + ["arrhenius"]
    for document in found:
        assert document["quality"]["verdict"] in {"insufficient", "unusable"}
        assert document["quality"]["reasons"]
        assert document["provenance"]["sources"]
        assert document["provenance"]["versions"]["superionic"]
        assert len(document["identity"]["potential"]["sha256"]) == 64
    assert [document["temperature_K"] for document in found[:3]] == [700, 850, 1000]


@pytest.mark.slow
def test_run_again_nothing_is_done_twice(finished):
    folder, _ = finished
    before, frames = documents(folder), trajectories(folder)
    again = superionic(folder, "run", "study.yaml")
    assert "17 jobs done, 17 of them before; 0 failed" in again.stdout
    assert documents(folder) == before
    assert trajectories(folder) == frames


@pytest.mark.slow
def test_a_temperature_more_runs_that_one_only(finished):
    folder, _ = finished
    frames = trajectories(folder)
    content = yaml.safe_load((folder / "study.yaml").read_text())
    content["md"]["temperatures_K"].append(600)
    (folder / "more.yaml").write_text(yaml.safe_dump(content))
    assert "22 jobs done, 17 of them before; 0 failed" in superionic(folder, "run", "more.yaml").stdout
    assert frames.items() < trajectories(folder).items()
    kinds = [document["kind"] for document in documents(folder)]
    assert kinds == ["diffusivity"] * 4 + ["arrhenius"]


@pytest.mark.slow
def test_killed_half_way_and_run_again_it_equals_an_undisturbed_run(finished, tmp_path):
    undisturbed = trajectories(finished[0])
    shortened(tmp_path)
    journal = tmp_path / "superionic-data" / "journal"
    for wanted in (3, 8):  # killed twice: in the first segments and in the middle
        process = subprocess.Popen(
            [SUPERIONIC, "run", "study.yaml"],
            cwd=tmp_path,
            stdout=(tmp_path / "log").open("w"),
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + 300
        while len(list(journal.glob("*.json"))) < wanted and time.monotonic() < deadline:
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    superionic(tmp_path, "run", "study.yaml")
    resumed = trajectories(tmp_path)
    assert resumed
    assert resumed.items() <= undisturbed.items()
    assert len(resumed) == 12
    values = [document["diffusivity_cm2_per_s"] for document in documents(tmp_path)[:3]]
    same = diffusivities(finished[0])
    assert values == [same[temperature] for temperature in (700, 850, 1000)]


@pytest.mark.slow
def test_sigterm_stores_what_the_segments_have_and_the_run_goes_on(finished, tmp_path):
    shortened(tmp_path)
    content = yaml.safe_load((tmp_path / "study.yaml").read_text())
    content["md"].update(segment_length_ps=0.8)  # one segment: what is there after SIGTERM is a part of it
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(content))
    process = subprocess.Popen([SUPERIONIC, "run", "study.yaml"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not list((tmp_path / "superionic-data" / "jobs").glob("*/progress.json")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 130
    assert "goes on where it stopped" in process.stderr.read()
    assert 1 <= len(trajectories(tmp_path)) <= 2
    superionic(tmp_path, "run", "study.yaml")
    same = diffusivities(finished[0])
    for document in documents(tmp_path)[:3]:
        assert document["diffusivity_cm2_per_s"] == same[document["temperature_K"]]


def test_expected_errors_are_one_sentence_without_a_traceback(tmp_path):
    done = superionic(tmp_path, "run", "nowhere.yaml", check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("superionic: study file 'nowhere.yaml' does not exist")
    assert len(done.stderr.strip().splitlines()) == 1


def test_check_prints_the_jobs_and_a_cost(tmp_path):
    shortened(tmp_path)
    done = superionic(tmp_path, "check", "study.yaml")
    assert "mltp-md 850 K seed 1 segment 1 of 4 O" in done.stdout
    assert "5 jobs to submit, 17 in all" in done.stdout
    assert "CPU hours" in done.stdout
    assert not (tmp_path / "superionic-data").exists()


def test_show_without_documents_says_what_to_do(tmp_path):
    assert "run a study" in superionic(tmp_path, "show").stdout


@pytest.mark.parametrize("file", sorted((WORKFLOWS / "crystals").glob("*.yaml")), ids=lambda file: file.stem)
def test_the_ten_crystals_keep_their_composition(file):
    """Every ion of the crystal is in the cell that would run, as many as its share, to one ion or the tolerance."""
    plan = load_study(file).plan()
    (cell,) = plan.cells
    assert abs(cell.structure.charge) < 1e-8
    n_cells = cell.structure.volume / plan.host.structure.volume
    wanted = plan.host.structure.composition.element_composition * n_cells
    held = cell.structure.composition.element_composition
    assert {element.symbol for element in held} == {element.symbol for element in wanted}
    for element, amount in wanted.items():
        assert held[element] == pytest.approx(amount, abs=1.0), element
