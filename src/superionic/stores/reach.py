"""The store that a job's runs are in, for jobs that read many of their segments.

A reference resolves to the last output of a job, which of a run is its small summary: whoever needs the segments reads
them from the store. A manager on this machine says which store that is; elsewhere it is the one of the job's own
process (FireWorks), or that of the settings (jobflow_config), on a worker that reaches the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from jobflow import CURRENT_JOB, JobStore
from monty.json import MontyDecoder, MontyEncoder

from superionic.errors import StoreError
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.stores.embedded import connect_in_turn
from superionic.stores.runs import stored_runs

_told: list[str] = []


def tell_store(description: str) -> None:
    """Say, once in a process, which store its jobs' runs are in: a JobStore as JSON."""
    _told[:] = [description]


def described(store: JobStore) -> str:
    """A JobStore as JSON for another process."""
    return json.dumps(store, cls=MontyEncoder)


@contextmanager
def reached_jobs(run_ids: list[str]) -> Iterator[JobStore]:
    """The connected JobStore that holds these runs.

    Raises
    ------
    StoreError
        If no store that can be reached from here holds them all.
    """
    own = CURRENT_JOB.store
    if own is not None and _holds(own, run_ids):
        yield own
        return
    if _told:
        store: JobStore = MontyDecoder().decode(_told[0])
        connect_in_turn(store, store.docs_store)
        try:
            _require(store, run_ids, "the store of this run")
            yield store
        finally:
            store.close()
        return
    with open_stores(SuperionicSettings()).connected() as stores:
        _require(stores.jobs, run_ids, "the store of the settings (jobflow_config)")
        yield stores.jobs


def _holds(store: JobStore, run_ids: list[str]) -> bool:
    return all(stored_runs(store, {"uuid": run_id}) for run_id in run_ids)


def _require(store: JobStore, run_ids: list[str], what: str) -> None:
    if not _holds(store, run_ids):
        raise StoreError(
            f"{what} does not hold the run {run_ids[0]}: let this job run where the database can be reached, with "
            "jobflow_config in ~/.superionic.yaml (run_config: analysis: worker)"
        )
