"""mongod killed, disks full, workers without the package: clear states, and nothing half-written taken for whole."""

import base64
import random
import re
import subprocess
import sys

import pytest
import yaml
from pymongo.errors import PyMongoError

from cluster import Cluster
from quickstart import small_study
from sample_runs import segments, store_run, store_segment
from superionic.builders import build_documents
from superionic.builders.runs import load_segments
from superionic.query import diffusivity_documents
from superionic.trajectories import stitch

pytestmark = pytest.mark.mongo

WRITER = """
import sys
from sample_runs import store_run
from superionic.settings import SuperionicSettings
from superionic.stores import open_stores
with open_stores(SuperionicSettings()).connected() as stores:
    for number in range(1000):
        store_run(stores.jobs, run_id=f"r{number}", seed=number, n_segments=2, frames_each=200)
        print(number, flush=True)
"""


@pytest.fixture
def own_cluster(own_mongod, tmp_path):
    """A cluster whose mongod may be killed."""
    cluster = Cluster(tmp_path, own_mongod, "superionic")
    yield cluster
    cluster.close()


def acknowledged(process, wanted):
    """Read a writer's own account of what it has stored until it has stored `wanted` runs."""
    last = -1
    while last < wanted:
        last = int(process.stdout.readline())
    return last


def test_a_server_killed_during_a_write_loses_nothing_acknowledged_and_keeps_nothing_half(own_cluster):
    cluster = own_cluster
    cluster.run("superionic", "init", "--mongo", cluster.uri)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER], env=cluster.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    acknowledged(writer, 5)
    cluster.server.kill()
    writer.kill()
    last = max([int(line) for line in writer.communicate()[0].splitlines()], default=5)
    refused = cluster.run("superionic", "show", check=False)
    assert refused.returncode == 1
    assert "no answer within 5 s" in refused.stderr
    assert "Traceback" not in refused.stderr
    cluster.server.start()
    with cluster.stores() as stores:
        for number in range(last + 1):
            assert len(stitch(load_segments(stores.jobs, f"r{number}")).positions_A) == 401
        built = build_documents(stores)
        whole = diffusivity_documents(stores)
        assert len(whole) >= last + 1
        # The run that was being written is analysed as the unfinished run it is, or refused by name.
        assert all(f"run_id r{last + 1}" in failure for failure in built.failures)
        assert len(whole) + len(built.failures) <= last + 2


def store_many(jobs, template):
    noise = random.Random(0)
    for number in range(20):
        payload = base64.b64encode(noise.randbytes(12_000_000)).decode()
        store_segment(jobs, template.model_copy(update={"run_id": f"big{number}", "payload": payload}))


def test_a_full_disk_of_the_server_is_an_error_and_nothing_half_is_taken_for_whole(own_cluster):
    """The files of mongod may not grow beyond 110 MB: its journal has 100 MB at once, blobs hit the limit."""
    cluster = own_cluster
    cluster.run("superionic", "init", "--mongo", cluster.uri)
    with cluster.stores() as stores:
        store_run(stores.jobs, run_id="before")
    cluster.server.stop()
    cluster.server.start(limit="-f 107500")
    impatient = "serverSelectionTimeoutMS: 2000"  # the driver looks for a lost server for half a minute
    config = cluster.home / "superionic" / "jobflow.yaml"
    config.write_text(re.sub(r"( +)journal: true", rf"\1journal: true\n\1{impatient}", config.read_text()))
    (template,) = segments(run_id="big", n_segments=1, frames_each=10)
    with cluster.stores() as stores, pytest.raises(PyMongoError):
        store_many(stores.jobs, template)
    cluster.server.process.wait(60)
    cluster.server.start()
    with cluster.stores() as stores:
        built = build_documents(stores)
        assert [document.run_id for document in diffusivity_documents(stores)] == ["before"]
        assert all("run_id big" in failure for failure in built.failures)


@pytest.mark.slow
def test_a_full_disk_and_a_missing_package_on_a_worker_are_clear_in_jf_and_the_jobs_run_again(cluster):
    """The worker `full` may not write files beyond 6 kB; `bare` has jobflow-remote but not this package."""
    cluster.set_up_remote()
    bare = cluster.folder / "bare.sh"
    hide = "import sys; sys.modules['superionic'] = None; from jobflow_remote.cli.jf import app; app()"
    bare.write_text(f'#!/bin/bash\nexec {sys.executable} -c "{hide}" -fe execution run "$1"\n')
    bare.chmod(0o755)

    def workers(project):
        shell = project["workers"]["local_shell"]
        project["workers"]["full"] = {**shell, "pre_run": "ulimit -f 6"}
        project["workers"]["bare"] = {**shell, "execution_cmd": f"{bare} {{}}"}

    cluster.edit_project(workers)
    study = small_study(cluster.folder, relax=None, run_config={"md": {"worker": "full"}})
    content = yaml.safe_load(study.read_text())
    content["md"]["temperatures_K"] = [700]
    study.write_text(yaml.safe_dump(content))
    cluster.run("superionic", "submit", study, "--manager", "jobflow-remote", "--worker", "bare")
    runner = cluster.runner()
    cluster.wait(lambda: cluster.states()["FAILED"] == 1)
    listed = cluster.run("jf", "job", "info", cluster.db.queue.find_one({"state": "FAILED"})["db_id"]).stdout
    assert "worker's python environment" in " ".join(listed.replace("│", " ").split()) or "superionic" in listed
    assert cluster.db.jobs.count_documents({}) == 0

    cluster.edit_project(lambda project: project["workers"]["bare"].pop("execution_cmd"))
    cluster.kill_runner(runner)
    cluster.unlock()
    cluster.run("jf", "job", "rerun", "-s", "FAILED")
    runner = cluster.runner()
    cluster.wait(lambda: cluster.states()["COMPLETED"] == 1 and cluster.states()["FAILED"] == 1)
    assert "File too large" in cluster.trouble()
    assert cluster.db.jobs.count_documents({"output.kind": "trajectory_segment"}) == 0
    assert cluster.db["data.files"].count_documents({}) == 0

    cluster.edit_project(lambda project: project["workers"]["full"].pop("pre_run"))
    cluster.kill_runner(runner)
    cluster.unlock()
    cluster.run("jf", "job", "rerun", "-s", "FAILED")
    cluster.runner()
    cluster.wait_all()
    assert cluster.db.jobs.count_documents({"output.kind": "trajectory_segment"}) == 2
    assert cluster.db["data.files"].count_documents({}) == 2
