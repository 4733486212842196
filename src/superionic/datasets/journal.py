"""Labels as they are finished, so that none is computed twice: a file on this machine for each reference.

A record is found by what was labelled, atoms and cell to the last bit, and by who labelled it: a job that was killed,
is repeated, or labels more frames of the same runs, takes what is there. The file is one of records: `superionic
dataset import` reads it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np

from superionic.datasets.frames import BareFrame
from superionic.documents.dataset import LabelReference

logger = logging.getLogger(__name__)

Record = dict[str, Any]


def journal_of(reference: LabelReference, folder: Path) -> LabelJournal:
    """The journal of a reference in a folder, which is made if it is not there."""
    digest = hashlib.sha256(reference.model_dump_json().encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    return LabelJournal(folder / f"{digest}.jsonl")


def frame_digest(frame: BareFrame) -> str:
    """SHA-256 of atoms, positions and cell."""
    digest = hashlib.sha256()
    for array, dtype in ((frame.numbers, "<i8"), (frame.positions_A, "<f8"), (frame.cell_A, "<f8")):
        digest.update(np.ascontiguousarray(array, dtype=dtype).tobytes())
    return digest.hexdigest()


class LabelJournal:
    """Records that several processes may append to.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def finished(self) -> dict[str, Record]:
        """Records by the digest of their frame; a line that was cut by a kill is no record."""
        found: dict[str, Record] = {}
        if not self.path.exists():
            return found
        for number, line in enumerate(self.path.read_bytes().splitlines(), start=1):
            try:
                record = json.loads(line)
                found[record["frame"]] = record
            except (ValueError, KeyError, TypeError):
                logger.warning("%s: line %d is no whole record: its frame is labelled again", self.path, number)
        return found

    def append(self, record: Record) -> None:
        """Write one record whole, while nobody else does; it is on the disk when this returns."""
        with self.path.open("ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0, os.SEEK_END)
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # a line that was cut
                    file.write(b"\n")
            file.write(json.dumps(record).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
