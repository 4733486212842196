"""Small jobs that worker processes can import; every one notes in a file that it ran."""

import os
import time
from pathlib import Path

import numpy as np
from jobflow import Flow, Response, job


def note(log, word):
    with Path(log).open("a") as stream:
        stream.write(f"{word}\n")


@job
def add(a, b, log):
    note(log, f"add {a} {b}")
    return a + b


@job
def count_down(n, log):
    """Replaces itself until n is 0, as a chain of segments does."""
    note(log, f"count {n}")
    if n == 0:
        return "done"
    return Response(output=n, replace=count_down(n - 1, log))


@job
def fail_unless(file, log):
    note(log, "try")
    if not Path(file).exists():
        raise RuntimeError("no luck yet")
    return 10


@job
def with_detour(log):
    note(log, "detour starts")
    return Response(output=1, detour=add(5, 6, log))


@job
def stop_children(log):
    note(log, "stop")
    return Response(output=1, stop_children=True)


@job(data=["blob"])
def with_blob(log):
    note(log, "blob")
    return {"blob": "x" * 1000, "small": 1}


def diamond(log):
    left, right = add(1, 2, log), add(3, 4, log)
    chain = count_down(2, log)
    return Flow([left, right, chain, add(left.output, right.output, log)])


@job
def tell_process():
    """What kind of process runs the job."""
    print("here I am")
    parent = Path("/proc", str(os.getppid()))
    return {
        "pid": os.getpid(),
        "server": int(parent.joinpath("stat").read_text().split()[3]),
        "forked": "serve" in parent.joinpath("cmdline").read_text().split("\0"),
        "environment": os.environ.get("KIND"),
        "folder": os.environ["PWD"],
        "random": float(np.random.random()),  # noqa: NPY002 - whether forks have states of their own
    }


@job
def wait_for(pid, file):
    Path(pid).write_text(str(os.getpid()))
    while not Path(file).exists():
        time.sleep(0.05)
