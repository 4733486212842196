"""Blobs in S3 as the README configures it, on a server that speaks its protocol."""

import re

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

import sample_files as files
from cluster import README_URI, readme_blocks
from quickstart import small_study

pytestmark = [pytest.mark.mongo, pytest.mark.slow]
ENDPOINT = "https://s3.example.org"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "joe", "AWS_SECRET_ACCESS_KEY": "s3cr3t", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture
def bucket(monkeypatch):
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    bucket = boto3.resource("s3", endpoint_url=endpoint).create_bucket(Bucket="my-trajectories")
    bucket.endpoint = endpoint
    yield bucket
    server.stop()


@pytest.fixture
def on_s3(cluster, bucket):
    """An account whose two configuration files have the block of the README."""
    cluster.set_up_remote()
    (block,) = [block for block in readme_blocks("yaml") if "S3Store" in block]
    here = block.replace(ENDPOINT, bucket.endpoint).replace(README_URI, cluster.uri)
    wanted = yaml.safe_load(here.replace("database: superionic", f"database: {cluster.database}"))
    assert wanted["additional_stores"]["data"]["bucket"] == bucket.name
    cluster.edit_project(lambda project: project["jobstore"].update(wanted))
    cluster.edit_jobflow(lambda content: content["JOB_STORE"].update(wanted))
    cluster.env.update(CREDENTIALS)
    return cluster


def stored(bucket):
    return {entry.key for entry in bucket.objects.all()}


def test_a_study_and_an_import_go_to_s3_and_come_back(on_s3, bucket):
    cluster = on_s3
    study = small_study(cluster.folder, relax=None)
    content = yaml.safe_load(study.read_text())
    content["md"].update(temperatures_K=[700])
    study.write_text(yaml.safe_dump(content))
    cluster.run("superionic", "submit", study, "--manager", "jobflow-remote", "--worker", "local_shell")
    cluster.runner()
    cluster.wait_all()
    cluster.kill_all()
    assert cluster.db.data_index.count_documents({}) == len(stored(bucket)) == 2
    assert cluster.db["data.files"].count_documents({}) == 0
    walk = files.known_walk(300)
    files.write_xdatcar(cluster.folder / "XDATCAR", walk)
    described = ("--mobile", "Li+", "--temperature", "700", "--time-step", "2", "--stride", "10", "--label", "walk")
    cluster.run("superionic", "import", "XDATCAR", *described)
    assert len(stored(bucket)) == 3
    assert "built 2 diffusivity" in cluster.run("superionic", "build").stdout
    cluster.run("superionic", "export", "walk", "--format", "xdatcar", "--out", "back", "--wrap")
    assert (cluster.folder / "back").read_text().count("Direct configuration") == 300
    kept = stored(bucket)
    cluster.db.jobs.delete_many({"name": re.compile("import")})
    assert "1 blobs that no job names" in cluster.run("superionic", "clean").stdout
    assert stored(bucket) == kept
    assert "1 of them stay" in cluster.run("superionic", "clean", "--yes").stdout
    assert stored(bucket) == kept
    assert "removed 1 blobs" in cluster.run("superionic", "clean", "--yes", "--unstored").stdout
    assert len(stored(bucket)) == 2
    check_that_what_is_wrong_is_one_sentence(cluster)
    assert "s3cr3t" not in str([list(cluster.db[name].find()) for name in cluster.db.list_collection_names()])


def check_that_what_is_wrong_is_one_sentence(cluster):
    def told(**env):
        done = cluster.run("superionic", "show", check=False, **env)
        assert done.returncode == 1
        assert len(done.stderr.strip().splitlines()) == 1
        return done.stderr

    def change(**values):
        cluster.edit_jobflow(lambda content: content["JOB_STORE"]["additional_stores"]["data"].update(values))

    nobody = {**dict.fromkeys(CREDENTIALS, ""), "AWS_EC2_METADATA_DISABLED": "true"}
    assert "Unable to locate credentials" in told(**nobody)
    change(bucket="elsewhere")
    assert "S3 bucket 'elsewhere' at http://127.0.0.1" in told()
    change(endpoint_url="http://127.0.0.1:1")
    assert "Could not connect to the endpoint" in told()
