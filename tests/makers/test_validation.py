"""A whole validation with real weights: CHGNet r2scan is believed, 0.3.0 is judged, and a kill costs nothing."""

import json

import pytest
from jobflow import Flow, run_locally
from monty.json import MontyDecoder, MontyEncoder

from labels import frames
from superionic.builders import build_documents
from superionic.datasets.document import dataset_document
from superionic.datasets.frames import LabelledFrames
from superionic.documents import AimdSet, ChgnetSettings, Provenance
from superionic.documents.validation import Outcome, Question, ValidationDocument, ValidationRequest
from superionic.documents.validation_settings import ConstantPressure
from superionic.makers.aimd import AimdSetMaker, ReferenceRelaxMaker
from superionic.makers.ordering import OrderingMaker
from superionic.makers.relax import RelaxMaker
from superionic.makers.study import EveryOrderingMaker, StudyMaker
from superionic.makers.validation import ValidationMaker, label_again, request_validation
from superionic.makers.validation_stage import ValidationStage
from superionic.managers.local import run_flow
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.structures.host import load_host
from superionic.study.validation import ValidateEntry

R2SCAN = ChgnetSettings(model="r2scan")
AIMD = AimdSet(temperatures_K=[700], seeds=[1], length_ps=0.12, equilibration_ps=0.02, segment_length_ps=0.06, stride=2)
ENTRY = ValidateEntry(
    npt=ConstantPressure(length_ps=0.06, equilibration_ps=0.02, with_reference=True), length_ps=0.16,
    beside={"itself": R2SCAN},
)  # fmt: skip
RELAX = RelaxMaker(max_steps=2)


def study():
    reference = ReferenceRelaxMaker(potential=R2SCAN, max_steps=2)
    aimd = EveryOrderingMaker(AimdSetMaker(AIMD, R2SCAN, relax_maker=reference, study="test"), "aimd")
    return StudyMaker([aimd, ENTRY.stage("test", ChgnetSettings(), R2SCAN, AIMD, RELAX, AIMD_ANALYSIS)])


AIMD_ANALYSIS = ValidationMaker({}).analysis


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """The store after the study was run and built, and the flow."""
    folder = tmp_path_factory.mktemp("store")
    with open_stores(SuperionicSettings(store_dir=folder)).connected() as stores:
        flow = study().make(load_host("Li3InCl6"))
        run = run_flow(flow, stores.jobs, folder, workers=1)
        assert run.failed == {}
        yield stores, build_documents(stores), folder


def document(stores):
    (stored,) = stores.validation.query({"kind": "validation"})
    return ValidationDocument.from_stored(stored)


def test_makers_come_back_from_json():
    stage = study().stages[1]
    assert isinstance(stage, ValidationStage)
    assert json.loads(json.dumps(stage, cls=MontyEncoder), cls=MontyDecoder) == stage


def test_what_belongs_together_is_named_and_judged(judged):
    stores, built, _ = judged
    assert (built.validation, built.failures) == (1, [])
    found = document(stores)
    assert found.study == "test"
    assert found.reference.potential.model == "r2scan"
    assert [member.name for member in found.candidates] == ["potential", "itself"]
    assert [len(member.runs) for member in (found.reference, *found.candidates)] == [1, 1, 1]
    assert [len(member.volumes) for member in (found.reference, *found.candidates)] == [1, 1, 1]
    assert [len(member.cells) for member in (found.reference, *found.candidates)] == [1, 2, 2]
    judgement = found.judgements[0]
    questions = {check.question for check in judgement.checks}
    assert {Question.DIFFUSIVITY, Question.VOLUME, Question.ANGLES, Question.NPT_VOLUME} <= questions
    assert {Question.RADIAL_DISTRIBUTION, Question.OCCUPATION} <= questions
    assert judgement.outcome == Outcome.UNKNOWN  # of a tenth of a picosecond
    assert judgement.valid_for is None


def test_potentials_start_in_the_relaxed_cell_of_the_reference_and_apart_from_its_study(judged):
    stores, _, _ = judged
    found = document(stores)
    volumes = {
        run["volume_A3"] for run in stores.diffusivity.query({"identity.label": "O"}) if run["temperature_K"] == 700
    }
    assert len({round(volume, 6) for volume in volumes}) == 1
    studies = {run["identity"]["study"] for run in stores.diffusivity.query()}
    assert studies == {"test", "test validation", "test validation NPT"}
    assert found.candidates[0].runs[0].analysed_length_ps > found.reference.runs[0].analysed_length_ps
    (arrhenius,) = stores.arrhenius.query({"identity.study": "test"})
    assert len(arrhenius["points"]) == 1


def test_run_again_nothing_is_done_twice_and_a_lost_end_is_made_up_for(judged):
    stores, _, folder = judged
    run = run_flow(study().make(load_host("Li3InCl6")), stores.jobs, folder, workers=1)
    assert len(run.found) == len(run.done)
    stores.jobs.docs_store.remove_docs({"output.kind": "validation_request"})
    assert build_documents(stores).validation == 0
    run = run_flow(study().make(load_host("Li3InCl6")), stores.jobs, folder, workers=1)
    assert len(run.done) - len(run.found) == 1
    assert build_documents(stores).validation == 1


def dataset(part=None):
    labelled = LabelledFrames(frames().frames[:12])
    if part:
        labelled = labelled.dealt_out(["train"] * 6 + ["test"] * 6)
    return dataset_document("PBEsol", labelled, provenance=Provenance())


def test_labels_of_the_real_reference_are_given_again(tmp_path, monkeypatch):
    """CHGNet 0.3.0 is soft on PBEsol's forces: a slope of 0.77 was seen of one frame."""
    from superionic.stores.connecting import embedded_job_store

    store = embedded_job_store(tmp_path)
    store.connect()
    monkeypatch.chdir(tmp_path)
    job = label_again(dataset(), ChgnetSettings())
    run_locally(Flow([job]), store=store, ensure_success=True, log=False, raise_immediately=True)
    found = store.get_output(job.uuid)
    assert found["n_frames"] == 12
    assert 0.5 < found["force_meV_per_A"]["slope"]["value"] < 0.95
    assert found["shifted_energy_meV_per_atom"]["mean_absolute"]["value"] < 30
    store.close()


def test_the_request_takes_runs_of_one_potential_only(judged):
    stores, _, _ = judged
    runs = [stored["output"] for stored in stores.jobs.docs_store.query({"output.kind": "md_run"})]
    from superionic.documents import MDRunDocument

    documents = [MDRunDocument.from_stored(run) for run in runs]
    of = {model: [run for run in documents if run.identity.potential.model == model] for model in ("r2scan", "0.3.0")}
    usual = {"npt_runs": [], "relaxed": []}
    ask = request_validation.original
    fine = ask(None, ENTRY.thresholds, {"name": "reference", "runs": of["r2scan"], **usual},
               [{"name": "a", "runs": of["0.3.0"], **usual}])  # fmt: skip
    assert isinstance(fine, ValidationRequest)
    with pytest.raises(ValueError, match="give runs of one potential"):
        ask(None, ENTRY.thresholds, {"name": "reference", "runs": documents, **usual}, [])
    with pytest.raises(ValueError, match="no runs to judge by"):
        ask(None, ENTRY.thresholds, {"name": "reference", "runs": [], **usual}, [])


def test_the_ordering_has_no_relaxation_to_be_judged_by_where_the_reference_relaxes_none():
    aimd = EveryOrderingMaker(AimdSetMaker(AIMD, R2SCAN, study="test"), "aimd")
    stage = ENTRY.stage("test", ChgnetSettings(), R2SCAN, AIMD, None, AIMD_ANALYSIS)
    flow = StudyMaker([aimd, stage], [OrderingMaker()]).make(load_host("Li3InCl6"))
    assert not [job for job, _ in flow.iterflow() if "relax" in job.name]
