"""Which jobs of a flow can start, and what follows when one has ended."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from jobflow import Flow, Job, JobStore
from monty.json import MontyDecoder

from superionic.managers.identity import jobs_of
from superionic.managers.journal import JobKey, Journal
from superionic.stores.kinds import DATA_STORE


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


class Scheduler:
    """Jobs wait, run, and are closed with what follows from them.

    A UUID is settled when its job, all its replacements and its detours are done; it is lost when one of them failed,
    was dropped, or told its children to stop. A job can start when all UUIDs that it reads are settled.

    Parameters
    ----------
    flow
        A flow with content UUIDs.
    store
        A connected JobStore with the additional store ``data``.
    journal
        The record of what finished before, and from now on.
    """

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

    def start(self, limit: int) -> list[Job]:
        """At most `limit` jobs that can start, and are taken to have; what finished before is closed on the way."""
        while [key for key in list(self._waiting) if self._needs_no_run(key)]:
            pass  # what follows from those may need no run either
        keys = list(islice((key for key, job in self._waiting.items() if self._can_start(job)), limit))
        return [self._waiting.pop(key) for key in keys]

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

    def _needs_no_run(self, key: JobKey) -> bool:
        """Whether a waiting job was lost or has finished before; then it waits no more."""
        if key not in self._waiting:  # dropped since by a job that stops the flow
            return False
        job = self._waiting[key]
        if _parents(job) & self._lost:
            self._drop(key)
            return True
        record = self.journal.read(key) if key in self._stored and self._can_start(job) else None
        if record is None:
            return False
        del self._waiting[key]
        self.run.found.append(key)
        self._close(job, record["following"], record["stops"])
        return True

    def _can_start(self, job: Job) -> bool:
        return all(self._settled(uuid) for uuid in _parents(job)) and self._in_turn(job)

    def _settled(self, uuid: str) -> bool:
        if any(key[0] == uuid for key in self._open):
            return False
        return all(self._settled(held) for held in self._held_by.get(uuid, ()))

    def _in_turn(self, job: Job) -> bool:
        """Replacements of one job run in the order of their index."""
        return all(key[0] != job.uuid or key[1] >= job.index for key in self._open)

    def _add(self, flow: Flow) -> None:
        for job in jobs_of(flow):
            key = (job.uuid, job.index)
            self._waiting[key] = job
            self._open.add(key)
            self.run.names[key] = job.name

    def _close(self, job: Job, following: str, stops: list[str]) -> None:
        flows: dict[str, Flow | None] = json.loads(following, cls=MontyDecoder)
        for flow in filter(None, flows.values()):
            self._add(flow)
        if detour := flows.get("detour"):
            self._held_by.setdefault(job.uuid, set()).update(detour.job_uuids)
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


def _parents(job: Job) -> set[str]:
    """UUIDs of the jobs whose output a job reads."""
    return set(job.input_uuids) - {job.uuid}
