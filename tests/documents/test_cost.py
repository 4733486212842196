"""A cost is what clock and processors say, sums as clusters account for it, and invents nothing that is unknown."""

import subprocess
import sys
import time

import pytest

from superionic.documents.cost import Cost, Stopwatch, allowed_threads

BUSY = "import time\nwhile time.process_time() < 0.3: pass"


def test_a_stopwatch_counts_its_own_work_and_that_of_processes_that_ended():
    watch = Stopwatch(cores=3)
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    started = time.process_time()
    while time.process_time() < started + 0.1:
        pass
    cost = watch.cost()
    assert 0.4 <= cost.cpu_s < 5
    assert cost.wall_s >= 0.35
    assert cost.core_hours == pytest.approx(3 * cost.wall_s / 3600)


def test_waiting_costs_wall_time_only():
    watch = Stopwatch(cores=1)
    time.sleep(0.2)
    cost = watch.cost()
    assert cost.cpu_s < 0.1
    assert cost.wall_s >= 0.2


def test_core_hours_add_up_where_the_number_of_cores_changes():
    total = Cost.total([Cost.of(3600, 10.0, 1), Cost.of(1800, 20.0, 4)])
    assert (total.core_hours, total.cpu_s, total.cores) == (3.0, 30.0, 4)
    assert len(total.hosts) == 1


def test_an_unknown_part_is_not_filled_in():
    assert Cost.total([Cost.of(1, None, 1), Cost.of(1, 5.0, 1)]).cpu_s is None
    assert Cost.total([]) is None


@pytest.mark.parametrize(("wanted", "threads"), [("1", 1), ("1,2", 1), ("100000", None), ("many", None), ("", None)])
def test_threads_are_those_of_the_environment_within_the_cores_there_are(monkeypatch, wanted, threads):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(4))
    monkeypatch.setenv("OMP_NUM_THREADS", wanted)
    assert allowed_threads() == (threads or 4)
