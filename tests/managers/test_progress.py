"""The progress tells steps, speed and time left of what runs now: bars on a terminal, lines in a log."""

import io
import json

import pytest

from superionic.managers.progress import RunningJob, StepCount, shown
from superionic.managers.scheduler import LocalRun


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def run(tmp_path):
    """A segment and a relaxation at work, and a job whose folder is gone."""
    (tmp_path / "relax").mkdir()
    return LocalRun(
        done=[("a", 1)],
        folders={("b", 1): tmp_path / "b", ("c", 1): tmp_path / "relax", ("gone", 1): tmp_path / "gone"},
        names={("b", 1): "segment", ("c", 1): "relax O", ("gone", 1): "order cell O"},
    )


def progress(run, step):
    folder = run.folders["b", 1]
    folder.mkdir(exist_ok=True)
    content = {"title": "O 700 K seed 1", "step": step, "total_steps": 1000, "temperature_K": 702.4, "ns_per_day": 8.2}
    (folder / "progress.json").write_text(json.dumps(content))


@pytest.fixture
def written(run, monkeypatch):
    """What two looks at the run write, the second one after 60 s and 500 steps."""
    clock = iter(range(0, 10000, 30))
    monkeypatch.setattr("superionic.managers.progress.time.monotonic", lambda: float(next(clock)))

    def write(stream):
        with shown(StepCount(total_steps=2000, done_steps=500), stream) as watch:
            progress(run, 100)
            watch(run)
            progress(run, 600)
            watch(run)
        return stream.getvalue()

    return write


def test_lines_in_a_log(written):
    text = written(io.StringIO())
    assert "\r" not in text
    assert "\x1b" not in text
    first, last = text.splitlines()
    assert first == "1 jobs done | O 700 K seed 1: 100/1000 steps, 702 K, 8.20 ns/day | relax O | 25 % of steps, ? left"
    assert last.startswith(
        "1 jobs done | O 700 K seed 1: 600/1000 steps, 702 K, 8.20 ns/day | relax O | 50 % of steps, 0:0"
    )


def test_bars_on_a_terminal(written, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    text = written(Terminal())
    for words in ("all runs", "O 700 K seed 1", "relax O", "600/1000 steps, 702 K, 8.20 ns/day", "1 jobs done", "left"):
        assert words in text
    assert "order cell" not in text
    assert "\x1b[2K" in text  # drawn over itself


def test_a_failed_job_is_not_at_work(run):
    run.failed["c", 1] = "RuntimeError: no"
    assert StepCount(2000).running(run) == []


def test_slow_steps_are_told_in_seconds():
    job = RunningJob("O 700 K seed 1", 100, 1000, 702.4, 0.01, 17.28)
    assert job.state() == "100/1000 steps, 702 K, 17.3 s a step"
