"""How far a local run is: bars on a terminal, a line now and then in a log."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from jobflow import Flow, JobStore
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from superionic.dynamics.progress import PROGRESS_FILE, format_duration
from superionic.managers.identity import jobs_of
from superionic.managers.scheduler import LocalRun

_LOG_EVERY_S = 20.0
_SLOW_STEP_S = 0.1  # from here on people count in seconds a step, not in ns a day

Watch = Callable[[LocalRun], None]


@dataclass(frozen=True)
class RunningJob:
    """A job at work: MD says how far it is, other jobs do not."""

    title: str
    step: int | None = None
    total_steps: int | None = None
    temperature_K: float | None = None
    ns_per_day: float | None = None
    seconds_per_step: float | None = None

    def state(self) -> str:
        """How far it is, in words; empty where it does not say."""
        if self.step is None:
            return ""
        speed = f"{self.ns_per_day:.2f} ns/day"
        if self.seconds_per_step is not None and self.seconds_per_step >= _SLOW_STEP_S:
            speed = f"{self.seconds_per_step:.3g} s a step"
        return f"{self.step}/{self.total_steps} steps, {self.temperature_K:.0f} K, {speed}"


class StepCount:
    """Counts the MD steps of a study, and tells the time that is left from those made so far.

    Parameters
    ----------
    total_steps
        MD steps of the whole study.
    done_steps
        Steps of them that were stored before.
    """

    def __init__(self, total_steps: int, done_steps: int = 0) -> None:
        self.total_steps = total_steps
        self._done_before = done_steps
        self._first_seen: dict[str, int] = {}
        self._last_seen: dict[str, int] = {}
        self._started: float | None = None

    def running(self, run: LocalRun) -> list[RunningJob]:
        """The jobs at work, from the files in their folders."""
        at_work = (key for key, folder in run.folders.items() if key not in run.failed and folder.is_dir())
        return [self._read(run, key) for key in at_work]

    @property
    def done_steps(self) -> int:
        """Steps made, before this run and in it."""
        return self._done_before + self._made

    def left(self) -> str:
        """The time that is left, in words."""
        elapsed = time.monotonic() - self._started if self._started else 0.0
        if not self._made or elapsed <= 0:
            return "? left"
        return f"{format_duration((self.total_steps - self.done_steps) * elapsed / self._made)} left"

    @property
    def _made(self) -> int:
        return sum(self._last_seen[title] - first for title, first in self._first_seen.items())

    def _read(self, run: LocalRun, key: tuple[str, int]) -> RunningJob:
        try:
            progress = json.loads((run.folders[key] / PROGRESS_FILE).read_text())
        except (FileNotFoundError, NotADirectoryError):
            return RunningJob(run.names[key])
        job = RunningJob(**{name: progress.get(name) for name in RunningJob.__dataclass_fields__})
        self._started = self._started or time.monotonic()
        self._first_seen.setdefault(job.title, progress["step"])
        self._last_seen[job.title] = progress["step"]
        return job


@contextmanager
def shown(count: StepCount, stream: TextIO | None = None) -> Iterator[Watch]:
    """What a local run calls about once a second; `stream` is standard error if not given."""
    stream = stream or sys.stderr
    if not stream.isatty():
        yield _Lines(count, stream)
        return
    columns = TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[state]}")
    with Progress(*columns, console=Console(file=stream), auto_refresh=False, transient=True) as bars:
        yield _Bars(count, bars)


class _Lines:
    """One line for everything, at most every 20 s."""

    def __init__(self, count: StepCount, stream: TextIO) -> None:
        self.count = count
        self.stream = stream
        self._printed = float("-inf")

    def __call__(self, run: LocalRun) -> None:
        running = self.count.running(run)  # read every time: what is left follows from what was seen first
        now = time.monotonic()
        if now - self._printed < _LOG_EVERY_S:
            return
        self._printed = now
        jobs = [f"{job.title}: {job.state()}" if job.state() else job.title for job in running]
        percent = 100 * self.count.done_steps / max(self.count.total_steps, 1)  # a training alone has no MD steps
        words = [f"{len(run.done)} jobs done", *jobs, f"{percent:.0f} % of steps, {self.count.left()}"]
        self.stream.write(" | ".join(words) + "\n")
        self.stream.flush()


class _Bars:
    """A bar for the study and one for each job at work."""

    def __init__(self, count: StepCount, bars: Progress) -> None:
        self.count = count
        self.bars = bars
        self._study = bars.add_task("all runs", total=count.total_steps, state="")
        self._jobs: dict[str, TaskID] = {}

    def __call__(self, run: LocalRun) -> None:
        running = {job.title: job for job in self.count.running(run)}
        for title in set(self._jobs) - set(running):
            self.bars.remove_task(self._jobs.pop(title))
        for title, job in running.items():
            if title not in self._jobs:
                self._jobs[title] = self.bars.add_task(title, total=None, state="")
            self.bars.update(self._jobs[title], total=job.total_steps, completed=job.step or 0, state=job.state())
        state = f"{len(run.done)} jobs done, {self.count.left()}"
        self.bars.update(self._study, completed=self.count.done_steps, state=state)
        self.bars.refresh()


def steps_stored(flow: Flow, jobs: JobStore) -> int:
    """MD steps of a flow's runs that are stored already."""
    uuids = [job.uuid for job in jobs_of(flow)]
    query = {"output.kind": "trajectory_segment", "uuid": {"$in": uuids}}
    steps: dict[str, int] = {}
    for found in jobs.docs_store.query(query, properties=["uuid", "output.last_step"]):
        steps[found["uuid"]] = max(found["output"]["last_step"], steps.get(found["uuid"], 0))
    return sum(steps.values())
