"""mongod killed, disks full, workers without the package: clear states, and nothing half-written taken for whole."""

import base64
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import sample_files as files
from cluster import Cluster
from mongod import Mongod
from quickstart import small_study
from sample_runs import store_run
from small_disk import SmallDisk
from superionic.builders import build_documents
from superionic.stores.query import diffusivity_documents
from superionic.stores.runs import load_segments
from superionic.trajectories import stitch

pytestmark = pytest.mark.mongo
SUPERIONIC = Path(sys.executable).parent / "superionic"

WRITER = """
import sys
from sample_runs import store_run
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
with open_stores(SuperionicSettings()).connected() as stores:
    for number in range(1000):
        store_run(stores.jobs, run_id=f"r{number}", seed=number, n_segments=2, frames_each=200)
        print(number, flush=True)
"""


WITHOUT_PACKAGE = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "superionic":
            raise ModuleNotFoundError("No module named 'superionic'", name=name)
sys.meta_path.insert(0, Missing())
from jobflow_remote.cli.jf import app
app()
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


STORE_MANY = """
import base64, hashlib, random
from sample_runs import segments, store_segment
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
(template,) = segments(run_id="big", n_segments=1, frames_each=10)
noise = random.Random(0)
with open_stores(SuperionicSettings()).connected() as stores:
    for number in range(40):
        packed = noise.randbytes(12_000_000)
        payload, digest = base64.b64encode(packed).decode(), hashlib.sha256(packed).hexdigest()
        changes = {"run_id": f"big{number}", "payload": payload, "sha256": digest}
        store_segment(stores.jobs, template.model_copy(update=changes))
        print(number, flush=True)
"""


DESCRIBED = ("--mobile", "Li+", "--temperature", "700", "--time-step", "2", "--stride", "10", "--label", "walk")


def long_run(folder):
    return files.write_xdatcar(folder / "XDATCAR", files.known_walk(300))


@pytest.fixture
def small_disk(tmp_path):
    disk = SmallDisk(tmp_path / "disk", "450m")
    yield disk
    disk.close()


def test_a_full_disk_of_the_server_is_an_error_and_nothing_half_is_taken_for_whole(small_disk, tmp_path):
    """The journal takes 300 MB of 450 MB; a blob finds no room, and mongod ends. With room it starts again."""
    server = Mongod(small_disk.folder, disk=small_disk).start()
    cluster = Cluster(tmp_path, server, "superionic")
    cluster.run("superionic", "init", "--mongo", cluster.uri)
    impatient = "serverSelectionTimeoutMS: 2000"  # the driver looks for a lost server for half a minute
    config = cluster.home / "superionic" / "jobflow.yaml"
    config.write_text(re.sub(r"( +)journal: true", rf"\1journal: true\n\1{impatient}", config.read_text()))
    with cluster.stores() as stores:
        store_run(stores.jobs, run_id="before")
    stored = cluster.run("python", "-c", STORE_MANY, check=False)
    assert stored.returncode != 0
    assert "pymongo.errors" in stored.stderr
    server.process.wait(60)
    assert "No space left on device" in small_disk.folder.with_suffix(".log").read_text()
    small_disk.grow("2g")
    server.start()
    with cluster.stores() as stores:
        check_what_is_left(stores, stored.stdout.splitlines())
    cluster.close()
    server.stop()


def check_what_is_left(stores, acknowledged):
    """Every run that was acknowledged is whole; the one that was cut off is no run, or refused by name."""
    for number in acknowledged:
        (segment,) = load_segments(stores.jobs, f"big{number}")
        assert len(base64.b64decode(segment.payload)) == 12_000_000
    built = build_documents(stores)
    assert [document.run_id for document in diffusivity_documents(stores)] == ["before"]
    assert all("run_id big" in failure for failure in built.failures)


def test_a_full_disk_of_an_embedded_store_is_one_sentence_and_nothing_half_is_taken_for_whole(small_disk):
    folder = small_disk.folder
    env = {**os.environ, "SUPERIONIC_STORE_DIR": str(folder), "HOME": str(folder)}
    env["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])

    def run(*words):
        return subprocess.run(small_disk.command(words), env=env, capture_output=True, text=True, check=False)

    many = run(sys.executable, "-c", STORE_MANY)
    assert many.returncode != 0
    assert "sqlite3.OperationalError: d" in many.stderr  # "disk I/O error" or "database or disk is full"
    n_stored = len(many.stdout.splitlines())
    assert n_stored > 5
    refused = run(SUPERIONIC, "import", str(long_run(folder.parent)), *DESCRIBED)
    assert refused.returncode == 1
    assert len(refused.stderr.strip().splitlines()) == 1
    assert re.search("disk", refused.stderr)
    small_disk.grow("2g")
    assert run(SUPERIONIC, "import", str(long_run(folder.parent)), *DESCRIBED).returncode == 0
    inspected = run(SUPERIONIC, "inspect", "walk")
    assert "300" in inspected.stdout
    last = run(SUPERIONIC, "inspect", f"big{n_stored - 1}")
    assert "not a readable frame store" in last.stderr  # noise, but whole: its checksum is right
    after = run(SUPERIONIC, "inspect", f"big{n_stored}")
    assert re.search("no run is|missing", after.stderr)


@pytest.mark.slow
def test_a_full_disk_and_a_missing_package_on_a_worker_are_clear_in_jf_and_the_jobs_run_again(cluster):
    """The worker `full` may not write files beyond 6 kB; `bare` has jobflow-remote but not this package."""
    cluster.set_up_remote()
    bare = cluster.folder / "bare.sh"
    (cluster.folder / "bare.py").write_text(WITHOUT_PACKAGE)
    bare.write_text(f'#!/bin/bash\nexec {sys.executable} {cluster.folder}/bare.py -fe execution run "$1"\n')
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
    assert "Nomodulenamed'superionic'" in re.sub(r"[\s│]", "", listed)  # the table breaks lines anywhere
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
