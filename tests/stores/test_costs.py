"""What a store says its calculations cost: sums over segments, none twice, unknown where one is unknown."""

import csv
import io

import pytest

from sample_runs import memory_stores, segments, store_segment
from superionic.cli import costs as shown
from superionic.documents.cost import Cost
from superionic.stores.costs import cost_rows


def store(stores, run_id, costs):
    for segment, cost in zip(segments(run_id=run_id), costs, strict=True):
        store_segment(stores.jobs, segment.model_copy(update={"cost": cost}))


@pytest.fixture
def stores():
    with memory_stores().connected() as connected:
        yield connected


def test_a_row_is_the_sum_of_its_segments(stores):
    store(stores, "a", [Cost.of(36, 30.0, 2), Cost.of(72, 60.0, 2)])
    store(stores, "b", [Cost.of(36, 30.0, 1), Cost.of(36, 30.0, 1)])
    (row,) = cost_rows(stores.jobs)
    first, second = segments(run_id="a")
    steps = 2 * (second.last_step - first.first_step)
    assert (row.work, row.n_calculations, row.n_steps) == ("MD", 4, steps)
    assert row.length_ps == pytest.approx(steps * first.protocol.time_step_fs * 1e-3)
    assert row.cost.core_hours == pytest.approx((2 * 108 + 72) / 3600)
    assert row.seconds_per_step == pytest.approx(180 / steps)
    assert row.core_hours_per_100_ps == pytest.approx(row.cost.core_hours / row.length_ps * 100)


def test_one_segment_of_unknown_cost_makes_the_sum_unknown(stores):
    store(stores, "a", [Cost.of(36, 30.0, 2), None])
    (row,) = cost_rows(stores.jobs)
    assert row.cost is row.seconds_per_step is row.core_hours_per_100_ps is None
    text = "\n".join(shown.lines([row]))
    assert "?" in text
    assert "not recorded" in text


def test_studies_are_told_apart_and_asked_for(stores):
    first, second = segments(run_id="a")
    store_segment(stores.jobs, first.model_copy(update={"cost": Cost.of(36, 1.0, 1)}))
    other = second.identity.model_copy(update={"study": "another"})
    store_segment(stores.jobs, second.model_copy(update={"cost": Cost.of(72, 1.0, 1), "identity": other}))
    assert len(cost_rows(stores.jobs)) == 2
    (row,) = cost_rows(stores.jobs, {"identity.study": "another"})
    assert row.cost.wall_s == 72


def test_tables_for_programs_have_every_number(stores):
    store(stores, "a", [Cost.of(36, 30.0, 2), Cost.of(72, 60.0, 2)])
    rows = cost_rows(stores.jobs)
    (record,) = csv.DictReader(io.StringIO(shown.as_csv(rows)))
    assert float(record["core_hours"]) == shown.as_json(rows)[0]["core_hours"] == rows[0].cost.core_hours
    assert list(shown.lines([])) == ["no calculation here that matches, or none that recorded its cost"]
