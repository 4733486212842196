"""Submit sample flows to the jobflow-remote project of the environment: python submit_samples.py NAME ARGUMENT..."""

import sys

from jobflow import Flow
from jobflow_remote import submit_flow

from sample_jobs import add, count_down, fail_unless, tell_process


def troubled(log, luck):
    """A chain that extends itself beside a job that fails until the file `luck` is there, with one that needs it."""
    shaky = fail_unless(luck, log)
    return [Flow([count_down(3, log), shaky, add(shaky.output, 1, log)], name="troubled")]


def ladders(log, n_flows, n_jobs):
    """Flows of small jobs, each of which needs the one before it, and one that says in what process it runs."""
    for number in range(int(n_flows)):
        jobs = [add(number, 0, log)]
        for step in range(1, int(n_jobs)):
            jobs.append(add(jobs[-1].output, step, log))
        yield Flow(jobs, name=f"ladder {number}")
    yield Flow([tell_process()], name="teller")


if __name__ == "__main__":
    for flow in globals()[sys.argv[1]](*sys.argv[2:]):
        submit_flow(flow, worker="pilot" if sys.argv[1] == "ladders" else None)
