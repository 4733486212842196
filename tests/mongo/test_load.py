"""200 flows of 10 small jobs through jobflow-remote on one mongod, by the worker `pilot` of `superionic init`."""

from collections import Counter
from pathlib import Path

import pytest

pytestmark = [pytest.mark.mongo, pytest.mark.slow]
SUBMIT = Path(__file__).parents[1] / "submit_samples.py"
N_FLOWS, N_JOBS = 200, 10
WAIT_S = 900  # three minutes on two idle cores, without the pilot's server twenty


def test_two_thousand_jobs_run_and_nothing_is_lost_or_doubled(cluster):
    cluster.set_up_remote()
    log = cluster.folder / "notes"
    cluster.run("python", SUBMIT, "ladders", log, N_FLOWS, N_JOBS)
    assert cluster.states() == {"READY": N_FLOWS + 1, "WAITING": N_FLOWS * (N_JOBS - 1)}
    cluster.runner()
    cluster.wait_all(seconds=WAIT_S)
    assert {flow["state"] for flow in cluster.db.queue_flows.find()} == {"COMPLETED"}
    sums = Counter(number + sum(range(step + 1)) for number in range(N_FLOWS) for step in range(N_JOBS))
    assert Counter(job["output"] for job in cluster.db.jobs.find({"name": "add"})) == sums
    assert cluster.db.jobs.find_one({"name": "tell_process"})["output"]["forked"]  # not a Python of its own
    ran = log.read_text().splitlines()
    assert len(ran) == len(set(ran)) == N_FLOWS * N_JOBS
