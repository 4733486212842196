"""What is lost or damaged of a job that is stored, and how it is forgotten so that it runs again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from jobflow import JobStore

from superionic.documents import TrajectorySegment
from superionic.errors import StoreError
from superionic.stores.blobs import named_blobs, remove_blobs, stored_blobs, with_payload
from superionic.trajectories.stitch import open_frames


@dataclass(frozen=True)
class Damage:
    """The first output of a job (of a run: the first segment) that is not as it was stored.

    Attributes
    ----------
    uuid
        UUID of the job or run.
    index
        Index of the damaged or missing output: all before it are good.
    last_index
        Index of the last output that is stored.
    reason
        What is wrong with it.
    """

    uuid: str
    index: int
    last_index: int
    reason: str

    def __str__(self) -> str:
        rest = f", to be run again with the {self.last_index - self.index} after it" * (self.last_index > self.index)
        return f"{self.uuid}: output {self.index} is lost ({self.reason}){rest}"


def damaged(jobs: JobStore, uuids: Iterable[str], read: Iterable[str] = ()) -> list[Damage]:
    """The jobs of which an output or a blob is missing, or a trajectory fails its checksum.

    Parameters
    ----------
    jobs
        The JobStore, connected.
    uuids
        The jobs to look at.
    read
        Those of them whose trajectories are read and checked, one segment at a time; of the others only the presence
        of their blobs is.
    """
    blobs, read = set(stored_blobs(jobs)), set(read)
    found = (_damage_of(jobs, uuid, blobs, uuid in read) for uuid in uuids)
    return [damage for damage in found if damage is not None]


def forget(jobs: JobStore, damage: Damage) -> None:
    """Remove the damaged output and those after it, last one first: killed on the way, what is left is a chain still.

    A local run makes them again from the last good one.
    """
    criteria = {"uuid": damage.uuid, "index": {"$gte": damage.index}}
    stored = list(jobs.docs_store.query(criteria, properties=["index", "output"]))
    for document in sorted(stored, key=lambda document: -document["index"]):
        jobs.docs_store.remove_docs({"uuid": damage.uuid, "index": document["index"]})
        remove_blobs(jobs, named_blobs(document.get("output")))


def _damage_of(jobs: JobStore, uuid: str, blobs: set[str], read: bool) -> Damage | None:
    stored = {doc["index"]: doc for doc in jobs.docs_store.query({"uuid": uuid}, properties=["index", "output"])}
    last = max(stored, default=0)
    for index in range(1, last + 1):
        reason = _wrong_with(jobs, stored.get(index), blobs, read)
        if reason is not None:
            return Damage(uuid, index, last, reason)
    return None


def _wrong_with(jobs: JobStore, document: dict[str, Any] | None, blobs: set[str], read: bool) -> str | None:
    if document is None:
        return "its document is missing"
    output = document.get("output")
    for blob_uuid in named_blobs(output):
        if blob_uuid not in blobs:
            return f"the blob {blob_uuid} is missing"
    if read and isinstance(output, dict) and output.get("kind") == "trajectory_segment":
        try:
            segment = TrajectorySegment.from_stored(with_payload(jobs, output))
        except StoreError:  # perhaps of a newer version, and whole: its builder says why it is not read
            return None
        try:
            open_frames(segment)
        except StoreError as error:
            return str(error)
    return None
