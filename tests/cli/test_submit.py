"""`superionic submit` refuses what cannot be submitted in one sentence."""

import re

import jobflow_remote
import pytest
import yaml

from quickstart import small_study
from superionic.cli.submit import command
from superionic.errors import InputError
from superionic.managers.configuration import parse_mongo_uri, remote_project


@pytest.fixture
def submit(tmp_path, monkeypatch):
    """With a project whose MongoDB is not there: everything below is refused before it is asked."""
    address = parse_mongo_uri("mongodb://127.0.0.1:1/x")
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(remote_project("mine", address, tmp_path / "jobs")))
    monkeypatch.setattr(jobflow_remote.SETTINGS, "projects_folder", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(run_config, *arguments):
        study = tmp_path / "study"
        study.mkdir()
        command.main([str(small_study(study, run_config=run_config)), *arguments], standalone_mode=False)

    return run


REMOTE = ("--manager", "jobflow-remote", "--project", "mine")
FIREWORKS = ("--manager", "fireworks")


@pytest.mark.parametrize(
    ("run_config", "arguments", "message"),
    [
        ({"md": {"worker": "gpu"}}, REMOTE, "run_config.md.worker = 'gpu' is none of ['local_shell', 'pilot']"),
        ({"md": {"exec_config": "cuda"}}, REMOTE, "run_config.md.exec_config = 'cuda' is none of []"),
        ({}, (*REMOTE, "--worker", "x"), "--worker 'x' is none of ['local_shell', 'pilot']"),
        ({}, (*REMOTE[:3], "yours"), "no such project of jobflow-remote that can be read (found: mine)"),
        ({}, (*REMOTE, "--launchpad", "x"), "--launchpad belongs to --manager fireworks"),
        ({}, (*FIREWORKS, "--launchpad", "nowhere"), "--launchpad 'nowhere' does not exist"),
        ({}, (*FIREWORKS, "--project", "mine"), "--project belongs to --manager jobflow-remote"),
        ({"md": {"exec_config": "cuda"}}, FIREWORKS, "'cuda' is a name, which only jobflow-remote knows"),
        ({"md": {"cores": 4}}, REMOTE, "cores"),
        ({"gpu": {}}, REMOTE, "gpu"),
    ],
)
def test_what_cannot_be_submitted_is_refused(submit, run_config, arguments, message):
    with pytest.raises(InputError, match=re.escape(message)):
        submit(run_config, *arguments)
