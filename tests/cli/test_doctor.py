"""`superionic doctor` says what is there, what each missing thing would enable, and what is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

SUPERIONIC = Path(sys.executable).parent / "superionic"


def doctor(folder, *arguments, **env):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SUPERIONIC_J")}
    return subprocess.run(
        [SUPERIONIC, "doctor", *arguments], cwd=folder, env={**clean, "HOME": str(folder), **env},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_an_installation_that_works(tmp_path):
    vasp = tmp_path / "vasp_std"
    vasp.touch(0o755)
    done = doctor(tmp_path, "--json", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    found = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert found["package superionic"]["state"] == "ok"
    assert str(tmp_path) in found["stores"]["found"]
    assert "0.3.0" in found["CHGNet weights"]["found"]
    assert found["VASP"]["state"] == "ok"
    assert {"VASP potentials", "CP2K", "LAMMPS", "GPU", "package fireworks"} <= set(found)
    for finding in found.values():
        if finding["state"] == "missing":
            assert finding["enables"]
            assert finding["remedy"]


def test_a_database_that_does_not_answer_is_wrong_and_a_password_that_others_can_read_too(tmp_path):
    config = tmp_path / "jobflow.yaml"
    store = {
        "uri": "mongodb://127.0.0.1:1/x", "database": "x", "mongoclient_kwargs": {"username": "joe", "password": "sec"},
    }  # fmt: skip
    description = {
        "docs_store": {"type": "MongoStore", "collection_name": "jobs", **store},
        "additional_stores": {"data": {"type": "GridFSStore", "collection_name": "data", **store}},
    }
    config.write_text(yaml.safe_dump({"JOB_STORE": description}))
    config.chmod(0o644)
    done = doctor(tmp_path, SUPERIONIC_JOBFLOW_CONFIG=str(config))
    assert done.returncode == 1
    wrong = [line for line in done.stdout.splitlines() if line.startswith("wrong")]
    assert len(wrong) == 2
    assert f"chmod 600 {config}" in wrong[0]
    assert "127.0.0.1:1: no answer within 5 s" in wrong[1]
    assert "sec" not in (done.stdout + done.stderr).replace("seconds", "")
