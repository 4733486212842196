"""Studies as FireWorks workflows: options of every kind of job, and arguments that survive serialization."""

from pathlib import Path

import pytest
from fireworks import Workflow
from jobflow.managers.fireworks import flow_to_workflow

from superionic.documents import ChgnetSettings, MDProtocol
from superionic.documents.run_config import RunConfig, RunOptions
from superionic.errors import InputError
from superionic.managers.fireworks import firework_spec, open_launchpad, submit_to_fireworks
from superionic.study.load import load_study

QUICKSTART = Path(__file__).parents[2] / "workflows" / "quickstart" / "study.yaml"


def test_options_become_reserved_keys_of_the_spec():
    options = RunOptions(
        worker="gpu",
        resources={"queue": "short", "walltime": "02:00:00"},
        exec_config={"modules": ["cuda"], "export": {"A": "b c"}, "pre_run": "nvidia-smi", "post_run": "date"},
        priority=3,
    )
    assert firework_spec(options, "any") == {
        "_priority": 3,
        "_fworker": "gpu",
        "_queueadapter": {
            "queue": "short",
            "walltime": "02:00:00",
            "pre_rocket": "module load cuda\nexport A='b c'\nnvidia-smi",
            "post_rocket": "date",
        },
    }
    assert firework_spec(RunOptions(), None) == {"_priority": 0}
    assert firework_spec(RunOptions(), "any")["_fworker"] == "any"


def test_documents_among_the_arguments_come_back_as_documents():
    study = load_study(QUICKSTART)
    stored = flow_to_workflow(study.plan().flow()).to_dict()
    jobs = {fw.name: fw.tasks[0]["job"] for fw in Workflow.from_dict(stored).fws}
    _, protocol, potential, *_ = jobs["mltp-md 700 K seed 1 segment 1 of 6 O"].function_args
    assert isinstance(protocol, MDProtocol)
    assert potential == ChgnetSettings()
    assert jobs["relax O"].maker.potential == ChgnetSettings()


def test_a_named_exec_config_is_refused():
    with pytest.raises(InputError, match=r"run_config.md.exec_config = 'gpu' is a name"):
        submit_to_fireworks(None, RunConfig(md={"exec_config": "gpu"}))


def test_a_missing_launchpad_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.yaml"):
        open_launchpad(tmp_path / "nowhere.yaml")
