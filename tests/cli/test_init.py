"""`superionic init` writes configurations that work, keeps them private, and repeats no password."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from superionic.errors import InputError
from superionic.managers.configuration import launchpad, mongo_job_store, needs_password, parse_mongo_uri
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.stores.kinds import describe

SUPERIONIC = Path(sys.executable).parent / "superionic"
SECRET = "p@ss:w/rd"  # noqa: S105 - no real one
URI = "mongodb://joe:p%40ss%3Aw%2Frd@db.example:27018/results?authSource=admin&tls=true"


@pytest.fixture
def init(tmp_path):
    def run(*arguments, check=True, **env):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("SUPERIONIC", "JFREMOTE"))}
        done = subprocess.run(
            [SUPERIONIC, "init", *arguments], cwd=tmp_path, env={**clean, "HOME": str(tmp_path), **env},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stderr
        return done

    run.home = tmp_path
    return run


def test_a_local_store_is_the_one_that_jobflow_finds_too(init):
    init("--local")
    settings = yaml.safe_load((init.home / ".superionic.yaml").read_text())
    by_jobflow = open_stores(SuperionicSettings(**settings))
    embedded = open_stores(SuperionicSettings(store_dir=settings["store_dir"], jobflow_config=None))
    assert describe(by_jobflow.jobs.docs_store) == describe(embedded.jobs.docs_store)
    with embedded.connected() as stores:
        stores.jobs.update({"uuid": "a", "index": 1, "output": {"blob": "x" * 100}}, save={"data": "blob"})
    with by_jobflow.connected() as stores:
        assert stores.jobs.query_one({"uuid": "a"}, load=True)["output"] == {"blob": "x" * 100}


@pytest.mark.parametrize("manager", ["jobflow-remote", "fireworks"])
def test_credentials_are_neither_printed_nor_readable_by_others(init, manager):
    done = init("--mongo", URI, "--manager", manager)
    files = [line.removeprefix("wrote ") for line in done.stdout.splitlines() if line.startswith("wrote ")]
    assert len(files) in {4, 5}
    for file in map(Path, files):
        assert file.stat().st_mode & 0o077 == 0, file
    assert "p%40ss" not in done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr
    store = open_stores(SuperionicSettings(jobflow_config=init.home / "superionic" / "jobflow.yaml")).jobs
    for text in (describe(store.docs_store), store.docs_store.name, store.additional_stores["data"].name, store.name):
        assert SECRET not in text
        assert "p%40ss" not in text
    assert describe(store.docs_store) == "MongoDB database 'results' at db.example:27018"


def test_a_password_can_come_from_the_environment(init):
    init("--mongo", "mongodb://joe@db.example/results", SUPERIONIC_MONGO_PASSWORD=SECRET)
    text = (init.home / "superionic" / "jobflow.yaml").read_text()
    assert yaml.safe_load(text)["JOB_STORE"]["docs_store"]["mongoclient_kwargs"]["password"] == SECRET


def test_files_that_exist_are_kept_unless_forced(init):
    init()
    done = init("--mongo", URI, check=False)
    assert done.returncode == 2
    assert "exists: give --force" in done.stderr
    assert "MontyStore" in (init.home / "superionic" / "jobflow.yaml").read_text()
    init("--mongo", URI, "--force")
    assert "GridFSStore" in (init.home / "superionic" / "jobflow.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mongo", "http://joe:p%40ss@x/y"], "is no MongoDB URI"),
        (["--mongo", "mongodb://joe:p%40ss@x:1"], "names no database"),
        (["--local", "--mongo", URI], "exclude each other"),
        (["--manager", "fireworks"], "needs a MongoDB"),
    ],
)
def test_wrong_input_is_one_sentence_without_the_password(init, arguments, message):
    done = init(*arguments, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert "p%40ss" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (init.home / ".superionic.yaml").exists()


def test_a_connection_string_is_taken_apart():
    address = parse_mongo_uri(URI)
    assert address.uri == "mongodb://db.example:27018/results?tls=true"
    assert address.login == {"username": "joe", "password": SECRET, "authSource": "admin"}
    many = parse_mongo_uri("mongodb://a:1,b:2/x?replicaSet=rs")
    assert (many.uri, many.login) == ("mongodb://a:1,b:2/x?replicaSet=rs", {})
    assert needs_password("mongodb+srv://joe@cluster.example/x")
    assert not needs_password(URI)
    assert not needs_password("mongodb://host/x")
    assert mongo_job_store(address)["additional_stores"]["data"]["key"] == "blob_uuid"
    assert launchpad(address)["mongoclient_kwargs"]["journal"]
    with pytest.raises(InputError):
        parse_mongo_uri("nonsense")
