"""A MongoDB with a password: wrong ones are one sentence, right ones work, and nothing else ever holds it."""

import subprocess

import pymongo
import pytest
import yaml

from cluster import Cluster
from mongod import Mongod
from quickstart import small_study
from sample_runs import store_run

pytestmark = [pytest.mark.mongo, pytest.mark.slow]
SECRET = "s3cr:t/w@rd"  # noqa: S105 - no real one
QUOTED = "s3cr%3At%2Fw%40rd"
WRONG = "wrong-one"


@pytest.fixture
def guarded(tmp_path):
    """A server that asks for a login, and an account on a cluster that has one."""
    server = Mongod(tmp_path / "db").start()
    with pymongo.MongoClient(server.uri("admin")) as client:
        roles = ["root"]
        client.admin.command("createUser", "joe", pwd=SECRET, roles=roles)
    server.stop()
    server.options = ["--auth"]
    server.start()
    cluster = Cluster(tmp_path, server, "superionic")
    cluster.client.close()
    cluster.client = pymongo.MongoClient(server.uri("superionic"), username="joe", password=SECRET, authSource="admin")
    cluster.db = cluster.client["superionic"]
    cluster.login = cluster.uri.replace("://", "://joe@") + "?authSource=admin"
    yield cluster
    cluster.close()
    server.stop()


def one_sentence_without_credentials(done):
    assert done.returncode == 1
    (line,) = [line for line in (done.stdout + done.stderr).splitlines() if "refuses the login" in line]
    assert "Traceback" not in done.stderr
    for word in (SECRET, QUOTED, WRONG, "joe"):
        assert word not in done.stdout + done.stderr
    return line


def test_a_wrong_password_is_one_sentence_and_a_right_one_is_nowhere_but_in_the_private_files(guarded):
    cluster = guarded
    init = ("superionic", "init", "--mongo", cluster.login, "--manager", "jobflow-remote", "--force")
    cluster.run(*init, SUPERIONIC_MONGO_PASSWORD=WRONG)
    assert "MongoDB database 'superionic' at 127.0.0.1" in one_sentence_without_credentials(
        cluster.run("superionic", "show", check=False)
    )
    one_sentence_without_credentials(cluster.run("superionic", "doctor", check=False))
    study = small_study(cluster.folder, relax=None)
    submit = ("superionic", "submit", study, "--manager", "jobflow-remote")
    refused = cluster.run(*submit, check=False)
    assert refused.returncode == 1
    assert len(refused.stderr.strip().splitlines()) == 1
    assert WRONG not in refused.stderr

    said = [cluster.run(*init, SUPERIONIC_MONGO_PASSWORD=SECRET)]
    files = {line.removeprefix("wrote ") for line in said[0].stdout.splitlines() if line.startswith("wrote ")}
    said.append(cluster.run("superionic", "doctor"))
    assert "ok       stores: MongoDB database 'superionic'" in said[-1].stdout
    cluster.hurry()
    said.append(cluster.run("jf", "-p", "superionic", "admin", "reset", "-y"))
    content = yaml.safe_load(study.read_text())
    content["md"].update(temperatures_K=[700], length_ps=0.4)
    study.write_text(yaml.safe_dump(content))
    said.append(cluster.run(*submit))
    cluster.runner()
    cluster.wait_all()
    with cluster.stores() as stores:
        store_run(stores.jobs, run_id="walk", n_segments=1, frames_each=300)
    said += [
        cluster.run("superionic", "build"),
        cluster.run("superionic", "show", "--json"),
        cluster.run("superionic", "inspect", "walk"),
        cluster.run("jf", "job", "list", "-vvv"),
        cluster.run("jf", "job", "info", "1", "-vvv"),
        cluster.run("jf", "project", "list"),
    ]
    assert '"kind": "diffusivity"' in said[5].stdout
    for done in said:
        assert SECRET not in done.stdout + done.stderr
        assert QUOTED not in done.stdout + done.stderr
    cluster.kill_all()
    for name in cluster.db.list_collection_names():
        for document in cluster.db[name].find():
            assert SECRET not in str(document), name
            assert QUOTED not in str(document), name
    holding = subprocess.run(
        ["grep", "-rlF", "-e", SECRET, "-e", QUOTED, cluster.folder, "--exclude-dir=db"], stdout=subprocess.PIPE,
        text=True, check=False,
    ).stdout.splitlines()  # fmt: skip
    assert set(holding) <= files
    assert len(holding) == 2
