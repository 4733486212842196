"""Run a flow on this machine: several jobs side by side, restartable at any moment.

jobflow's run_locally keeps no record and runs one job at a time. Here every finished job is in the journal and in the
JobStore before anything that depends on it starts; run again, finished jobs are recognised and left alone.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from jobflow import Flow, Job, JobStore
from monty.json import MontyDecoder, MontyEncoder

from superionic.dynamics.stopping import StopRequest
from superionic.managers.identity import jobs_of, with_content_uuids
from superionic.managers.journal import JobKey, Journal
from superionic.managers.worker import execute, start_worker
from superionic.stores.kinds import DATA_STORE

_POLL_S = 1.0


@dataclass
class LocalRun:
    """State of a flow while it runs, and its outcome.

    Attributes
    ----------
    done
        Jobs finished, in this run or before.
    found
        Those of them that were finished before.
    failed
        Error of each failed job.
    skipped
        Jobs that were not run because one before them failed or told them to stop.
    folders
        Folder of each job that was started.
    names
        Name of each job.
    stopped
        Whether the run was asked to stop before its end.
    """

    done: list[JobKey] = field(default_factory=list)
    found: list[JobKey] = field(default_factory=list)
    failed: dict[JobKey, str] = field(default_factory=dict)
    skipped: list[JobKey] = field(default_factory=list)
    folders: dict[JobKey, Path] = field(default_factory=dict)
    names: dict[JobKey, str] = field(default_factory=dict)
    stopped: bool = False


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
    scheduler = _Scheduler(with_content_uuids(flow), store, journal)
    with journal.locked():
        shutil.rmtree(folder / "jobs", ignore_errors=True)  # what killed and failed jobs left behind
        pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), start_worker, (os.getpid(),))
        try:
            _work(scheduler, pool, workers, folder / "jobs", watch, stop or StopRequest())
        except BaseException:
            for process in list((pool._processes or {}).values()):
                process.kill()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()
    return scheduler.run


def _work(
    scheduler: _Scheduler,
    pool: ProcessPoolExecutor,
    workers: int,
    folder: Path,
    watch: Callable[[LocalRun], None] | None,
    stop: StopRequest,
) -> None:
    running: dict[Future[dict[str, Any]], Job] = {}
    while True:
        if stop.reason():
            scheduler.run.stopped = True
            for process in (pool._processes or {}).values():
                process.terminate()  # a worker takes it as a wish to end its segment, once it has begun one
        free = 0 if scheduler.run.stopped else workers - len(running)
        for job in scheduler.ready(limit=free):
            key = (job.uuid, job.index)
            scheduler.run.folders[key] = folder / f"{job.uuid[:8]}-{job.index}-{uuid4().hex[:6]}"
            description = json.dumps(job.resolve_args(scheduler.store, inplace=False), cls=MontyEncoder)
            running[pool.submit(execute, description, str(scheduler.run.folders[key]))] = job
        if not running:
            return
        finished, _ = wait(running, timeout=_POLL_S, return_when=FIRST_COMPLETED)
        for future in finished:
            scheduler.finish(running.pop(future), future.result())
        if watch is not None:
            watch(scheduler.run)


class _Scheduler:
    """Which jobs are ready; a UUID is settled when its job, all its replacements and its detours are done."""

    def __init__(self, flow: Flow, store: JobStore, journal: Journal) -> None:
        self.store = store
        self.journal = journal
        self.run = LocalRun()
        self._waiting: dict[JobKey, Job] = {}
        self._open: set[JobKey] = set()
        self._held_by: dict[str, set[str]] = {}
        self._lost: set[str] = set()
        self._stored = {(doc["uuid"], doc["index"]) for doc in store.docs_store.query(properties=["uuid", "index"])}
        self._add(flow)

    def ready(self, limit: int) -> list[Job]:
        """At most `limit` jobs that can start; finished ones are taken from the journal on the way."""
        jobs: list[Job] = []
        progress = True
        while progress:
            progress = False
            for key, job in list(self._waiting.items()):
                parents = set(job.input_uuids) - {job.uuid}
                if parents & self._lost:
                    self._drop(key)
                    progress = True
                elif all(self._settled(uuid) for uuid in parents) and self._in_turn(job):
                    record = self.journal.read(key) if key in self._stored else None
                    if record is not None:
                        del self._waiting[key]
                        self.run.found.append(key)
                        self._close(job, record["following"], record["stops"])
                        progress = True
                    elif len(jobs) < limit:
                        del self._waiting[key]
                        jobs.append(job)
        return jobs

    def finish(self, job: Job, result: dict[str, Any]) -> None:
        """Store what a job gave and open what follows from it."""
        key = (job.uuid, job.index)
        if "error" in result:
            self.run.failed[key] = result["error"]
            self._open.discard(key)
            self._lost.add(job.uuid)
            return
        blobs = self.store.additional_stores[DATA_STORE]
        if self.journal.read(key) is not None:  # killed while it was being stored: its blobs may be left behind
            blobs.remove_docs({"job_uuid": job.uuid, "job_index": job.index})
        self.journal.write(key, result["following"], result["stops"])
        if result["blobs"]:
            blobs.update(result["blobs"], key="blob_uuid")
        self.store.docs_store.update(result["docs"], key=["uuid", "index"])
        self._close(job, result["following"], result["stops"])

    def _add(self, flow: Flow) -> None:
        for job in jobs_of(flow):
            key = (job.uuid, job.index)
            self._waiting[key] = job
            self._open.add(key)
            self.run.names[key] = job.name

    def _close(self, job: Job, following: str, stops: list[str]) -> None:
        flows: dict[str, Flow | None] = json.loads(following, cls=MontyDecoder)
        for name, flow in flows.items():
            if flow is None:
                continue
            self._add(flow)
            if name == "detour":
                self._held_by.setdefault(job.uuid, set()).update(flow.job_uuids)
        self._open.discard((job.uuid, job.index))
        self.run.done.append((job.uuid, job.index))
        if stops:
            self._lost.add(job.uuid)
        if "stop_jobflow" in stops:
            for key in list(self._waiting):
                self._drop(key)

    def _drop(self, key: JobKey) -> None:
        del self._waiting[key]
        self._open.discard(key)
        self._lost.add(key[0])
        self.run.skipped.append(key)

    def _settled(self, uuid: str) -> bool:
        if any(key[0] == uuid for key in self._open):
            return False
        return all(self._settled(held) for held in self._held_by.get(uuid, ()))

    def _in_turn(self, job: Job) -> bool:
        """Replacements of one job run in the order of their index."""
        return all(key[0] != job.uuid or key[1] >= job.index for key in self._open)
