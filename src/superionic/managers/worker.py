"""One job in a process of its own, without a database: the manager resolves its inputs and stores its output."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from jobflow import Flow, Job, JobStore
from maggma.stores import MemoryStore
from monty.json import MontyDecoder, MontyEncoder

from superionic.stores.kinds import DATA_STORE
from superionic.stores.reach import tell_store

LOG_FILE = "job.log"

logger = logging.getLogger(__name__)


def start_worker(parent: int, store: str) -> None:
    """Prepare a worker process: end with the manager even if that is killed, and leave signals to it and to MD.

    Codes that it started end with it, those too that lead a session of their own, as custodian's do.

    Parameters
    ----------
    parent
        The manager's process.
    store
        Its JobStore as JSON, for jobs that read stored runs.
    """
    tell_store(store)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # held back until it no longer kills

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        kill_descendants(os.getpid())
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def kill_descendants(process: int) -> None:
    """Kill what a process has started, and what that has started; where there is no /proc, nothing."""
    parents: dict[int, int] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended since
            parents[int(file.parent.name)] = int(file.read_text().rpartition(")")[2].split()[1])
    killed = {process}
    while found := {pid for pid, parent in parents.items() if parent in killed} - killed:
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed |= found


def execute(job_json: str, folder: str) -> dict[str, Any]:
    """Run one job whose references are resolved.

    Parameters
    ----------
    job_json
        The job as monty JSON.
    folder
        New folder to run in; removed if the job succeeds.

    Returns
    -------
    dict
        ``docs`` and ``blobs`` to be stored, ``following`` (JSON of the job's replacement, detour and addition) and
        ``stops`` (names of what the job asked to stop), or ``error`` with a traceback.
    """
    home = Path.cwd()
    Path(folder).mkdir(parents=True)
    os.chdir(folder)
    handler = logging.FileHandler(LOG_FILE)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    try:
        result = _run(json.loads(job_json, cls=MontyDecoder))
    except Exception as error:
        logger.exception("the job failed")
        return {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
    finally:
        handler.close()
        os.chdir(home)
    shutil.rmtree(folder, ignore_errors=True)
    return result


def _run(job: Job) -> dict[str, Any]:
    store = JobStore(MemoryStore(), additional_stores={DATA_STORE: MemoryStore(key="blob_uuid")})
    store.connect()
    response = job.run(store)
    stops = [name for name in ("stop_children", "stop_jobflow") if getattr(response, name)]
    following: dict[str, Flow | None] = {name: getattr(response, name) for name in ("replace", "detour", "addition")}
    return {
        "docs": [_plain(doc) for doc in store.docs_store.query()],
        "blobs": [_plain(doc) for doc in store.additional_stores[DATA_STORE].query()],
        "following": json.dumps(following, cls=MontyEncoder),
        "stops": stops,
    }


def _plain(doc: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in doc.items() if key != "_id"}
