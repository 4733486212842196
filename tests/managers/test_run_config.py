"""Options by kind of job reach every job of a flow, those that exist and those that are made while it runs."""

import json

import pytest
from jobflow import Flow, JobStore
from maggma.stores import MemoryStore
from monty.json import MontyDecoder, MontyEncoder
from pydantic import ValidationError

from sample_jobs import add, count_down
from superionic.documents import AimdSet, ChgnetSettings
from superionic.documents.run_config import RunConfig
from superionic.errors import InputError
from superionic.makers import mltp_md
from superionic.managers import run_config as module
from superionic.managers.identity import with_content_uuids
from superionic.managers.run_config import apply_by_kind
from superionic.managers.submission import Submission, new_part
from superionic.study.load import load_study

STUDY = "workflows/quickstart/study.yaml"


def applied(flow, **kinds):
    def apply(flow, function, options):
        flow.update_config({"manager_config": {"worker": options.worker}}, function_filter=function)

    apply_by_kind(flow, RunConfig(**kinds), apply)
    return flow


def workers(flow):
    return {job.name: job.config.manager_config["worker"] for job, _ in flow.iterflow()}


@pytest.fixture
def quickstart(request):
    study = load_study(request.config.rootpath / STUDY)
    return study.plan().flow()


def test_every_job_gets_the_options_of_its_kind(quickstart):
    found = workers(applied(quickstart, md={"worker": "gpu"}, analysis={"worker": "cpu"}, dft={"worker": "big"}))
    assert found["order cell O"] == "cpu"
    assert found["relax O"] == "gpu"
    assert found["mltp-md 850 K seed 1 segment 1 of 6 O"] == "gpu"


def test_the_reference_has_jobs_of_its_own(request):
    study = load_study(request.config.rootpath / STUDY)
    aimd = AimdSet(temperatures_K=[850], length_ps=3)
    study = study.model_copy(update={"reference": ChgnetSettings(model="r2scan"), "aimd": aimd})
    found = workers(applied(study.plan().flow(), md={"worker": "gpu"}, dft={"worker": "big"}))
    assert found["aimd relax O"] == found["aimd 850 K seed 0 segment 1 of 3 O"] == "big"
    assert found["relax O"] == found["mltp-md 850 K seed 1 segment 1 of 6 O"] == "gpu"


def test_a_job_made_while_another_runs_gets_the_options_of_its_own_kind(tmp_path, monkeypatch):
    """Also after the job has been through JSON, as it is on its way to a worker."""
    monkeypatch.setitem(module._FUNCTIONS, "md", ("sample_jobs:count_down",))
    log = str(tmp_path / "log")
    job = applied(Flow([count_down(0, log)]), md={"worker": "gpu"}, analysis={"worker": "cpu"}).jobs[0]
    assert job.config.manager_config == {"worker": "gpu"}
    job = json.loads(json.dumps(job, cls=MontyEncoder), cls=MontyDecoder)
    followers = Flow([count_down(1, log), add(1, 2, log)])
    for update in job.config_updates:
        followers.update_config(**update, dynamic=True)
    assert workers(followers) == {"count_down": "gpu", "add": "cpu"}
    chain = applied(Flow([count_down(1, log)]), md={"worker": "gpu"}, analysis={"worker": "cpu"}).jobs[0]
    store = JobStore(MemoryStore())
    store.connect()
    following = json.loads(json.dumps(chain, cls=MontyEncoder), cls=MontyDecoder).run(store).replace
    assert workers(following) == {"count_down": "gpu"}


def test_functions_of_the_heavy_kinds_exist_and_are_jobs():
    for names in module._FUNCTIONS.values():
        for name in names:
            assert hasattr(module._function(name), "__wrapped__"), name
    assert mltp_md.run_md_segment is module._function("superionic.makers.mltp_md:run_md_segment")


def test_wrong_keys_are_refused():
    with pytest.raises(ValidationError, match="gpu"):
        RunConfig(gpu={"worker": "a"})
    with pytest.raises(ValidationError, match="cores"):
        RunConfig(md={"cores": 4})


def test_only_what_is_new_is_submitted(tmp_path):
    log = str(tmp_path / "log")
    first = add(1, 2, log)
    flow = with_content_uuids(Flow([first, add(first.output, 3, log)]))
    one, two = [job.uuid for job, _ in flow.iterflow()]
    assert new_part(flow, {}) is flow
    assert new_part(flow, {one: "COMPLETED", two: "FAILED"}) is None
    assert new_part(flow, {one: "COMPLETED"}).job_uuids == (two,)
    with pytest.raises(InputError, match="is RUNNING: submit again when it is COMPLETED"):
        new_part(flow, {one: "RUNNING"})


def test_the_outcome_in_words():
    assert Submission(["a", "b"], {}).lines() == ["2 jobs submitted"]
    assert Submission([], {"x": "FAILED", "y": "COMPLETED", "z": "COMPLETED"}).lines() == [
        "nothing new to submit",
        "3 jobs were submitted before: 2 COMPLETED, 1 FAILED",
    ]
