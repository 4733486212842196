"""The progress line tells steps, speed and time left of what runs now."""

import io
import json

from superionic.managers.local import LocalRun
from superionic.managers.progress_line import ProgressLine


def progress(folder, step):
    folder.mkdir(exist_ok=True)
    content = {"title": "O 700 K seed 1", "step": step, "total_steps": 1000, "temperature_K": 702.4, "ns_per_day": 8.2}
    (folder / "progress.json").write_text(json.dumps(content))


def test_line_of_a_running_segment(tmp_path, monkeypatch):
    clock = iter(range(0, 1000, 30))
    monkeypatch.setattr("superionic.managers.progress_line.time.monotonic", lambda: float(next(clock)))
    stream = io.StringIO()
    line = ProgressLine(total_steps=2000, done_steps=500, stream=stream)
    run = LocalRun(done=[("a", 1)], folders={("b", 1): tmp_path / "b", ("gone", 1): tmp_path / "gone"})
    progress(tmp_path / "b", 100)
    line(run)
    progress(tmp_path / "b", 600)
    line(run)
    first, last = stream.getvalue().splitlines()
    assert first == "1 jobs done | O 700 K seed 1: 100/1000 steps, 702 K, 8.20 ns/day | 25 % of steps, ? left"
    assert last.startswith("1 jobs done | O 700 K seed 1: 600/1000 steps, 702 K, 8.20 ns/day | 50 % of steps, 0:0")
