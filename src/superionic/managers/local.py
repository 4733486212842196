"""Run a flow on this machine: several jobs side by side, restartable at any moment.

jobflow's run_locally keeps no record and runs one job at a time. Here every finished job is in the journal and in the
JobStore before anything that depends on it starts; run again, finished jobs are recognised and left alone.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any
from uuid import uuid4

from jobflow import Flow, Job, JobStore
from monty.json import MontyEncoder

from superionic.dynamics.stopping import StopRequest
from superionic.managers.identity import with_content_uuids
from superionic.managers.journal import Journal
from superionic.managers.scheduler import LocalRun, Scheduler
from superionic.managers.worker import execute, kill_descendants, start_worker
from superionic.stores.reach import described

__all__ = ["LocalRun", "run_flow"]

_POLL_S = 1.0


def run_flow(
    flow: Flow,
    store: JobStore,
    folder: Path,
    workers: int | None = None,
    watch: Callable[[LocalRun], None] | None = None,
    stop: StopRequest | None = None,
) -> LocalRun:
    """Run a flow to its end, going on where an earlier run stopped.

    Parameters
    ----------
    flow
        Any jobflow flow.
    store
        A connected JobStore with the additional store ``data``.
    folder
        Where the journal and the folders of the jobs go.
    workers
        Processes that work at the same time; one a core if None.
    watch
        Called about once a second with the state of the run.
    stop
        Once it has a reason, running segments end at their next stored frame, are stored, and nothing new starts.

    Raises
    ------
    StoreError
        If another run is at work in `folder`.
    """
    journal = Journal(folder / "journal")
    workers = workers or len(os.sched_getaffinity(0))
    stop = stop or StopRequest()
    scheduler = Scheduler(with_content_uuids(flow), store, journal)
    with journal.locked():
        shutil.rmtree(folder / "jobs", ignore_errors=True)  # what killed and failed jobs left behind
        with _processes(workers, store) as pool:
            running: dict[Future[dict[str, Any]], Job] = {}
            while True:
                if stop.reason():
                    _end_segments(pool)
                    scheduler.run.stopped = True
                for job in scheduler.start(0 if scheduler.run.stopped else workers - len(running)):
                    running[_submit(job, pool, scheduler, folder / "jobs")] = job
                if not running:
                    return scheduler.run
                finished, _ = wait(running, timeout=_POLL_S, return_when=FIRST_COMPLETED)
                for future in finished:
                    scheduler.finish(running.pop(future), future.result())
                if watch is not None:
                    watch(scheduler.run)


@contextmanager
def _processes(workers: int, store: JobStore) -> Iterator[ProcessPoolExecutor]:
    """Worker processes; an exception kills them, since nobody would store what they give."""
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), start_worker, (os.getpid(), described(store))
    )
    try:
        yield pool
    except BaseException:
        for process in list((pool._processes or {}).values()):
            if process.pid is not None:
                kill_descendants(process.pid)
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _end_segments(pool: ProcessPoolExecutor) -> None:
    for process in (pool._processes or {}).values():
        process.terminate()  # a worker takes it as a wish to end its segment, once it has begun one


def _submit(job: Job, pool: ProcessPoolExecutor, scheduler: Scheduler, folder: Path) -> Future[dict[str, Any]]:
    """Give a job with its references resolved to a worker, in a folder of its own."""
    place = folder / f"{job.uuid[:8]}-{job.index}-{uuid4().hex[:6]}"
    scheduler.run.folders[job.uuid, job.index] = place
    description = json.dumps(job.resolve_args(scheduler.store, inplace=False), cls=MontyEncoder)
    resource_tracker.ensure_running()  # its start, else within the next lines, would let the signal through
    held_back = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # a new process starts so
    try:
        return pool.submit(execute, description, str(place))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held_back)
