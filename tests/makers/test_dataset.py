"""A study's runs become a dataset: frames chosen, labelled in batches, checked and dealt out; killed, it goes on."""

import contextlib
import json
from collections import Counter

import numpy as np
import pytest
from jobflow import run_locally
from monty.json import MontyDecoder, MontyEncoder

from superionic.datasets.document import dataset_frames
from superionic.datasets.journal import LabelJournal
from superionic.documents import ChgnetSettings, MDSet, SplitSettings
from superionic.documents.selection import FrameSelectionDocument, LabelBatchDocument, SelectionSettings
from superionic.errors import InputError
from superionic.makers.dataset import DatasetMaker
from superionic.makers.frame_selection import FrameSelectionMaker
from superionic.makers.labels import LabelMaker
from superionic.makers.mltp_md import MltpMdMaker
from superionic.makers.study import EveryOrderingMaker, StudyMaker
from superionic.managers.local import run_flow
from superionic.potentials.load import load
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.stores.datasets import load_dataset
from superionic.stores.runs import load_segments
from superionic.structures.host import load_host
from superionic.study.load import load_study
from superionic.trajectories import stitch

MD = MDSet(
    temperatures_K=[500, 900], seeds=[1], length_ps=0.24, equilibration_ps=0.04, segment_length_ps=0.12, stride=2
)
SELECT = SelectionSettings(n_frames=10, spacing_ps=0.016, min_distance=0.05, n_strained=2, n_relaxed=1,
                           frames_per_relaxation=2)  # fmt: skip
TEACHER = ChgnetSettings(model="r2scan")
STAGES = [
    EveryOrderingMaker(MltpMdMaker(md=MD, relax_maker=None, study="test")),
    DatasetMaker(
        FrameSelectionMaker(SELECT, ChgnetSettings()),
        LabelMaker(TEACHER, "taught", frames_per_job=6, split=SplitSettings(fractions=(0.6, 0.2, 0.2))),
        runs="md",
    ),
]


def run(folder):
    with open_stores(SuperionicSettings(store_dir=folder, jobflow_config=None)).connected() as stores:
        done = run_flow(StudyMaker(STAGES).make(load_host("Li3InCl6")), stores.jobs, folder, workers=1)
        assert not done.failed, done.failed
        return done


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The study in an embedded store, with a cache of its own."""
    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUPERIONIC_CACHE", str(folder / "cache"))
        run(folder)
        with open_stores(SuperionicSettings(store_dir=folder, jobflow_config=None)).connected() as stores:
            yield folder, stores.jobs


def outputs(jobs, kind):
    return [d["output"] for d in jobs.query({"output.kind": kind}, load=True)]


def test_makers_come_back_from_json():
    assert json.loads(json.dumps(STAGES[1], cls=MontyEncoder), cls=MontyDecoder) == STAGES[1]


def test_frames_say_where_they_come_from_and_are_those_that_were_stored(ran):
    _, jobs = ran
    frames = dataset_frames(load_dataset(jobs, "taught"))
    sampled = Counter(frame.origin.sampling for frame in frames)
    assert sampled == {"molecular dynamics": 10, "strained cell": 2, "relaxation": 2}
    assert Counter(f.origin.temperature_K for f in frames if f.origin.sampling == "molecular dynamics") == {
        500: 5, 900: 5,
    }  # fmt: skip
    runs = {}
    for frame in frames:
        origin = frame.origin
        if origin.sampling != "molecular dynamics":
            continue
        if origin.run not in runs:
            segments = load_segments(jobs, origin.run)
            runs[origin.run] = segments, stitch(segments)
        segments, trajectory = runs[origin.run]
        assert segments[origin.segment].first_step < origin.step <= segments[origin.segment].last_step
        assert origin.step == 2 * origin.index >= 20
        difference = frame.positions_A - trajectory.positions_A[origin.index]
        cells = difference @ np.linalg.inv(frame.cell_A)
        assert np.abs(cells - np.rint(cells)).max() < 1e-9
        assert origin.sampled_with == "CHGNet 0.3.0"


def test_labels_are_the_references(ran):
    _, jobs = ran
    document = load_dataset(jobs, "taught")
    teacher = load(TEACHER)
    assert document.references[0].potential == teacher.reference
    assert document.excluded == []
    for frame in dataset_frames(document):
        found = teacher.session(frame.numbers).evaluate(frame.positions_A, frame.cell_A)
        assert frame.energy_eV == pytest.approx(found.energy_eV, abs=1e-9)
        assert np.allclose(frame.forces_eV_per_A, found.forces_eV_per_A, atol=1e-9)
        assert np.allclose(frame.stress_eV_per_A3, found.stress_eV_per_A3, atol=1e-9)


def test_the_documents_of_the_way(ran):
    _, jobs = ran
    (selection,) = (FrameSelectionDocument.from_stored(d) for d in outputs(jobs, "frame_selection"))
    assert [run.n_chosen for run in selection.runs] == [5, 5]
    assert selection.n_frames == 14
    batches = [LabelBatchDocument.from_stored(d) for d in outputs(jobs, "label_batch")]
    assert sorted(batch.n_labelled for batch in batches) == [2, 6, 6]
    assert all(batch.cost.wall_s > 0 for batch in batches)
    (split, *_) = [d for d in outputs(jobs, "dataset") if d["split"]]
    assert sum(split["frames_by_split"].values()) == 14
    stored = list(jobs.docs_store.query({"output.kind": {"$in": ["dataset", "label_batch", "frame_selection"]}}))
    assert all(set(d["output"]["payload"]) >= {"blob_uuid"} for d in stored)


def test_run_again_nothing_is_done(ran):
    folder, _ = ran
    done = run(folder)
    assert sorted(done.found) == sorted(done.done)


def test_a_batch_that_was_killed_labels_no_frame_twice(ran, tmp_path, monkeypatch):
    """As if a kill had struck while a label was being written: whole lines are kept, the one that was cut is not."""
    folder, jobs = ran
    (before,) = (folder / "cache" / "labels").glob("*.jsonl")
    lines = before.read_bytes().splitlines(keepends=True)
    assert len(lines) == 14
    monkeypatch.setenv("SUPERIONIC_CACHE", str(tmp_path))
    (tmp_path / "labels").mkdir()
    journal = tmp_path / "labels" / before.name
    journal.write_bytes(b"".join(lines[:8]) + lines[8][:500])
    with open_stores(SuperionicSettings(store_dir=tmp_path / "again", jobflow_config=None)).connected() as stores:
        done = run_flow(StudyMaker(STAGES).make(load_host("Li3InCl6")), stores.jobs, tmp_path / "again", workers=1)
        assert not done.failed, done.failed
        again = load_dataset(stores.jobs, "taught")
        batches = [LabelBatchDocument.from_stored(d) for d in outputs(stores.jobs, "label_batch")]
    assert sum(batch.n_before for batch in batches) == 8
    assert again.version == load_dataset(jobs, "taught").version
    assert journal.read_bytes().startswith(b"".join(lines[:8]))
    assert len(LabelJournal(journal).finished()) == 14


STUDY = """
name: taught
host: Li3InCl6
orderings: [{label: O}]
reference: {family: chgnet, model: r2scan}
potential: {family: chgnet}
md: {temperatures_K: [500], length_ps: 0.2, equilibration_ps: 0.02, stride: 2}
dataset: {runs: md, n_frames: 20, min_distance: 0.2, label: {frames_per_job: 7}, split: {by: run, seed: 4}}
"""


def test_the_section_of_a_study(tmp_path):
    (tmp_path / "study.yaml").write_text(STUDY)
    plan = load_study(tmp_path / "study.yaml").plan()
    stage = plan.stages[-1]
    assert stage.select.settings == SelectionSettings(n_frames=20, min_distance=0.2)
    assert stage.label.reference == TEACHER
    assert (stage.label.dataset, stage.label.frames_per_job, stage.label.split.by) == ("taught", 7, "run")
    names = [job.name for job, _ in plan.flow().iterflow()]
    assert names[-2:] == ["select frames", "label: deal out"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("runs: md", "runs: aimd", "the study has no such runs"),
        ("reference: {family: chgnet, model: r2scan}\n", "", "reference: there is none to label"),
        ("n_frames: 20", "n_frames: 0", "dataset.n_frames"),
        ("split: {by: run", "split: {by: luck", "dataset.split.by"),
        ("model: r2scan", "model: r3scan", "r3scan"),
    ],
)
def test_a_wrong_section_is_one_sentence(tmp_path, old, new, message):
    assert old in STUDY
    (tmp_path / "study.yaml").write_text(STUDY.replace(old, new))
    with pytest.raises(InputError, match=message):
        load_study(tmp_path / "study.yaml").plan()


def test_runs_are_read_from_the_store_that_a_job_is_run_on(ran, tmp_path):
    """As FireWorks and jobflow's run_locally do; ids of stored runs are enough."""
    _, jobs = ran
    run_ids = [d["uuid"] for d in jobs.query({"output.kind": "md_run"})]
    select = FrameSelectionMaker(SelectionSettings(spacing_ps=0.04)).make(run_ids)
    with contextlib.chdir(tmp_path):
        run_locally(select, store=jobs, ensure_success=True, raise_immediately=True, log=False)
    document = FrameSelectionDocument.from_stored(jobs.get_output(select.uuid, load=True))
    assert {run.run_id for run in document.runs} == set(run_ids)
    assert document.n_frames == 2 * 6
