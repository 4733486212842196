"""A pilot's server runs jobs as a Python of their own would: same environment, output, status, and end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jobflow import JobStore
from jobflow_remote.jobs.data import IN_FILENAME, OUT_FILENAME
from jobflow_remote.remote.data import get_remote_in_file, get_remote_store
from maggma.stores import MemoryStore
from monty.json import MontyEncoder

from sample_jobs import add, fail_unless, tell_process, wait_for

TESTS = Path(__file__).parents[1]
PILOT = f"{sys.executable} -m superionic.managers.pilot"
SERVE = f'eval "$({PILOT} serve $$)"'


@pytest.fixture
def job_folder(tmp_path):
    """Writes what jobflow-remote would upload for a job."""

    def write(job, name="job"):
        folder = tmp_path / name
        folder.mkdir()
        store = get_remote_store(JobStore(MemoryStore()), folder, None)
        plain = json.loads(json.dumps(job, cls=MontyEncoder))
        (folder / IN_FILENAME).write_bytes(get_remote_in_file(plain, store).getvalue())
        return folder

    return write


def shell(script, **options):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])}
    return subprocess.Popen(["bash", "-c", script], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            **options)  # fmt: skip


def run(script):
    process = shell(script)
    out, errors = process.communicate(timeout=60)
    return process.returncode, out, errors


def output(folder):
    """Its response's stored output, and its error."""
    told = json.loads((folder / OUT_FILENAME).read_text())
    (stored,) = json.loads((folder / "remote_job_data.json").read_text()) or [{}]
    return stored.get("output"), told["error"]


def wait_until(ready):
    deadline = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_jobs_fork_from_one_server_and_read_the_environment_of_the_pilot(job_folder):
    first, second = (job_folder(tell_process(), name) for name in "ab")
    status, _, errors = run(f"export KIND=pilot; {SERVE}; {PILOT} run {first} && {PILOT} run {second}")
    assert status == 0, errors
    (one, _), (two, _) = output(first), output(second)
    assert one["forked"] is two["forked"] is True
    assert one["server"] == two["server"]
    assert one["pid"] != two["pid"]
    assert (one["environment"], one["folder"]) == ("pilot", str(Path.cwd()))
    assert one["random"] != two["random"]


@pytest.mark.parametrize("before", ["", f"{SERVE}; export KIND=job", f"{SERVE}; rm -r $(dirname $SUPERIONIC_PILOT)"],
                         ids=["no server", "another environment", "a server that is gone"])  # fmt: skip
def test_elsewhere_a_job_has_a_python_of_its_own(job_folder, before):
    folder = job_folder(tell_process())
    status, _, errors = run(f"{before or ':'}; {PILOT} run {folder}")
    assert status == 0, errors
    assert output(folder)[0]["forked"] is False
    assert output(folder)[0]["environment"] == ("job" if "KIND" in before else None)


def test_an_error_is_stored(job_folder, tmp_path):
    folder = job_folder(fail_unless(str(tmp_path / "luck"), str(tmp_path / "log")))
    run(f"{SERVE}; {PILOT} run {folder}")
    assert "no luck yet" in output(folder)[1]


def test_what_a_job_prints_goes_where_its_client_prints(job_folder, tmp_path):
    folder = job_folder(tell_process())
    assert run(f"{SERVE}; exec > {tmp_path}/queue.out 2>&1; {PILOT} run {folder}")[1] == ""
    assert "here I am" in (tmp_path / "queue.out").read_text()


def test_a_job_whose_process_is_killed_tells_its_client(job_folder, tmp_path):
    folder = job_folder(wait_for(str(tmp_path / "pid"), str(tmp_path / "never")))
    process = shell(f"{SERVE}; {PILOT} run {folder}")
    wait_until((tmp_path / "pid").exists)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert process.wait(30) == 128 + signal.SIGKILL
    assert "response" not in json.loads((folder / OUT_FILENAME).read_text())


def test_a_job_ends_with_its_client_and_the_server_with_its_pilot(job_folder, tmp_path):
    folder = job_folder(wait_for(str(tmp_path / "pid"), str(tmp_path / "never")))
    process = shell(f"{SERVE}; echo $SUPERIONIC_PILOT; {PILOT} run {folder}", start_new_session=True)
    server = Path(process.stdout.readline().strip())
    wait_until((tmp_path / "pid").exists)
    job = Path("/proc", (tmp_path / "pid").read_text())
    assert job.exists()
    assert server.parent.stat().st_mode & 0o077 == 0  # nobody else's jobs
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: not job.exists())
    wait_until(lambda: not server.parent.exists())


def test_wrong_arguments_are_refused():
    status, _, errors = run(f"{PILOT} fly")
    assert status == 2
    assert "give `serve PID` or `run FOLDER`" in errors


def test_a_job_that_adds_numbers_gives_their_sum(job_folder, tmp_path):
    folder = job_folder(add(1, 2, str(tmp_path / "log")))
    assert run(f"{SERVE}; {PILOT} run {folder}")[0] == 0
    assert output(folder) == (3, None)
