"""One line that says how far a local run is."""

from __future__ import annotations

import json
import sys
import time
from typing import TextIO

from jobflow import Flow, JobStore

from superionic.dynamics.progress import PROGRESS_FILE, format_duration
from superionic.managers.identity import jobs_of
from superionic.managers.local import LocalRun

_LOG_EVERY_S = 20.0


class ProgressLine:
    """Prints steps, speed and time left of a study, over itself on a terminal and now and then elsewhere.

    Parameters
    ----------
    total_steps
        MD steps of the whole study.
    done_steps
        Steps of them that were stored before.
    stream
        Where to print.
    """

    def __init__(self, total_steps: int, done_steps: int = 0, stream: TextIO = sys.stderr) -> None:
        self.total_steps = total_steps
        self.stream = stream
        self._done_before = done_steps
        self._first_seen: dict[str, int] = {}
        self._last_seen: dict[str, int] = {}
        self._started: float | None = None
        self._printed = -1e9

    def __call__(self, run: LocalRun) -> None:
        """Read the progress of the running jobs and print the line."""
        running = [name for key in run.folders if (name := self._read(run, key))]
        now = time.monotonic()
        if self.stream.isatty():
            self.stream.write("\r\x1b[K" + self._line(run, running))
            self.stream.flush()
        elif now - self._printed >= _LOG_EVERY_S:
            self._printed = now
            self.stream.write(self._line(run, running) + "\n")
            self.stream.flush()

    def close(self) -> None:
        """End the line."""
        if self.stream.isatty():
            self.stream.write("\n")

    def _read(self, run: LocalRun, key: tuple[str, int]) -> str | None:
        try:
            progress = json.loads((run.folders[key] / PROGRESS_FILE).read_text())
        except (FileNotFoundError, NotADirectoryError):
            return None
        title, step = progress["title"], progress["step"]
        self._started = self._started or time.monotonic()
        self._first_seen.setdefault(title, step)
        self._last_seen[title] = step
        return (
            f"{title}: {step}/{progress['total_steps']} steps, {progress['temperature_K']:.0f} K, "
            f"{progress['ns_per_day']:.2f} ns/day"
        )

    def _line(self, run: LocalRun, running: list[str]) -> str:
        made = sum(self._last_seen[title] - first for title, first in self._first_seen.items())
        elapsed = time.monotonic() - self._started if self._started else 0.0
        left = self.total_steps - self._done_before - made
        duration = format_duration(left * elapsed / made) if made and elapsed > 0 else "?"
        percent = 100 * (self.total_steps - left) / self.total_steps
        return " | ".join([f"{len(run.done)} jobs done", *running, f"{percent:.0f} % of steps, {duration} left"])


def steps_stored(flow: Flow, jobs: JobStore) -> int:
    """MD steps of a flow's runs that are stored already."""
    uuids = [job.uuid for job in jobs_of(flow)]
    query = {"output.kind": "trajectory_segment", "uuid": {"$in": uuids}}
    steps: dict[str, int] = {}
    for found in jobs.docs_store.query(query, properties=["uuid", "output.last_step"]):
        steps[found["uuid"]] = max(found["output"]["last_step"], steps.get(found["uuid"], 0))
    return sum(steps.values())
