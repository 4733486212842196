"""What a local run does about jobs that were lost or damaged since they finished, before it starts: with a word."""

from __future__ import annotations

from pathlib import Path

from jobflow import Flow

from superionic.managers.damage import damaged, forget
from superionic.managers.identity import jobs_of
from superionic.managers.journal import Journal
from superionic.stores.connecting import Stores


def mend(stores: Stores, flow: Flow, folder: Path) -> list[str]:
    """Forget what is damaged of the jobs of a flow, so that it runs again; say what, and which jobs are gone.

    Trajectories are read and checked where no diffusivity document stands for them yet; elsewhere it is enough that
    they are there.

    Parameters
    ----------
    stores
        The stores, connected.
    flow
        A flow with content UUIDs.
    folder
        Where its journal is.
    """
    uuids = [job.uuid for job in jobs_of(flow)]
    journal = Journal(folder / "journal")
    with journal.locked():
        criteria = {"run_id": {"$in": uuids}, "kind": "diffusivity"}
        analysed = {found["run_id"] for found in stores.diffusivity.query(criteria, properties=["run_id"])}
        found = damaged(stores.jobs, uuids, set(uuids) - analysed)
        for damage in found:
            forget(stores.jobs, damage)
        stored = {
            (doc["uuid"], doc["index"])
            for doc in stores.jobs.docs_store.query({"uuid": {"$in": uuids}}, properties=["uuid", "index"])
        }
    forgotten = {damage.uuid: damage.index for damage in found}
    gone = [
        (uuid, index)
        for uuid, index in journal.finished()
        if uuid in uuids and (uuid, index) not in stored and index < forgotten.get(uuid, index + 1)
    ]
    lines = [str(damage) for damage in found]
    if gone:
        lines.append(f"{len(gone)} finished jobs of this study are not in the store, and are run again")
    return lines
