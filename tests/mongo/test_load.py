"""200 flows of 10 small jobs through jobflow-remote on one mongod."""

from pathlib import Path

import pytest

pytestmark = [pytest.mark.mongo, pytest.mark.slow]
SUBMIT = Path(__file__).parents[1] / "submit_samples.py"
N_FLOWS, N_JOBS = 200, 10
N_RUN, N_DONE = 8, 12  # flows to start, jobs to wait for: each is a process of its own and takes seconds


def batch_worker(folder):
    """A worker whose one process runs job after job, as a pilot job in a queue does."""

    def change(project):
        project["workers"] = {
            "pilot": {
                "type": "local", "scheduler_type": "shell", "work_dir": str(folder / "jobs"), "max_jobs": 1,
                "batch": {
                    "jobs_handle_dir": str(folder / "handles"), "work_dir": str(folder / "pilots"), "max_wait": 20,
                    "sleep_time": 1,
                },
            }
        }  # fmt: skip
        project["runner"]["delay_update_batch"] = 1

    return change


def test_two_thousand_jobs_are_queued_and_the_first_flows_run(cluster):
    cluster.set_up_remote()
    cluster.edit_project(batch_worker(cluster.folder))
    log = cluster.folder / "notes"
    cluster.run("python", SUBMIT, "ladders", log, N_FLOWS, N_JOBS)
    assert cluster.states() == {"READY": N_FLOWS, "WAITING": N_FLOWS * (N_JOBS - 1)}
    assert cluster.db.queue_flows.count_documents({}) == N_FLOWS
    later = [flow["uuid"] for flow in cluster.db.queue_flows.find().sort("_id").skip(N_RUN)]
    cluster.db.queue.update_many({"job.hosts": {"$in": later}, "state": "READY"}, {"$set": {"state": "PAUSED"}})
    cluster.runner()
    cluster.wait(lambda: cluster.states()["COMPLETED"] >= N_DONE)
    cluster.kill_all()
    done = {job["uuid"] for job in cluster.db.queue.find({"state": "COMPLETED"})}
    stored = [job["uuid"] for job in cluster.db.jobs.find()]
    assert done <= set(stored)
    assert len(stored) == len(set(stored)) <= len(log.read_text().splitlines())
