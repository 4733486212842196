"""What a local run has done: one small file a finished job, written before its output is stored."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from superionic.errors import StoreError

JobKey = tuple[str, int]


class Journal:
    """Record of finished jobs in a folder; jobflow itself does not store what a job was replaced by."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other local runs away from the same jobs.

        Raises
        ------
        StoreError
            If another process has the lock.
        """
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreError(f"another local run is at work in {self.folder}: wait for it or stop it") from None
            yield

    def write(self, key: JobKey, following: str, stops: list[str]) -> None:
        """Record a finished job with what follows from it (atomic)."""
        file = self._file(key)
        partial = file.with_suffix(".part")
        with partial.open("w") as stream:
            json.dump({"following": following, "stops": stops}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)

    def read(self, key: JobKey) -> dict[str, Any] | None:
        """The record of a job, None if it has not finished."""
        file = self._file(key)
        return json.loads(file.read_text()) if file.is_file() else None

    def finished(self) -> Iterator[JobKey]:
        """The jobs that have finished."""
        for file in self.folder.glob("*.json"):
            uuid, _, index = file.stem.rpartition("-")
            yield uuid, int(index)

    def _file(self, key: JobKey) -> Path:
        return self.folder / f"{key[0]}-{key[1]}.json"
