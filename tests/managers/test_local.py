"""The local manager runs any flow once, side by side, and goes on where it was stopped."""

import signal
from pathlib import Path

import numpy as np
import pytest
from jobflow import Flow

from sample_jobs import add, count_down, diamond, fail_unless, stop_children, with_blob, with_detour
from superionic.errors import StoreError
from superionic.managers import local
from superionic.managers.identity import with_content_uuids
from superionic.managers.journal import Journal
from superionic.managers.local import run_flow
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores


@pytest.fixture
def store(tmp_path):
    with open_stores(SuperionicSettings(store_dir=tmp_path, jobflow_config=None)).connected() as stores:
        yield stores.jobs


@pytest.fixture
def work(store, tmp_path):
    log = tmp_path / "log"
    log.touch()

    def run(flow):
        return run_flow(flow, store, tmp_path, workers=2)

    def ran():
        lines = log.read_text().split("\n")[:-1]
        log.write_text("")
        return lines

    run.store, run.log, run.ran = store, str(log), ran
    return run


def outputs(store):
    return {doc["name"]: doc["output"] for doc in store.query({}, load=True)}


def test_a_diamond_and_a_chain_run_once_and_are_found_again(work):
    first = work(diamond(work.log))
    assert not first.failed
    assert not first.found
    assert sorted(work.ran()) == ["add 1 2", "add 3 4", "add 3 7", "count 0", "count 1", "count 2"]
    assert work.store.count({"output": 10}) == 1
    again = work(diamond(work.log))
    assert work.ran() == []
    assert sorted(again.found) == sorted(first.done)


def test_replacements_share_the_uuid_and_count_the_index(work):
    flow = with_content_uuids(Flow([count_down(2, work.log)]))
    work(flow)
    uuid = flow.job_uuids[0]
    assert [work.store.get_output(uuid, which=index) for index in (1, 2, 3)] == [2, 1, "done"]


def test_a_failure_keeps_its_dependents_back_and_is_tried_again(work, tmp_path):
    luck = tmp_path / "luck"
    shaky = fail_unless(str(luck), work.log)
    flow = Flow([shaky, add(shaky.output, 1, work.log), add(20, 20, work.log)])
    run = work(flow)
    assert list(run.failed.values()) == ["RuntimeError: no luck yet"]
    assert len(run.skipped) == 1
    assert work.store.count({"output": 40}) == 1
    assert "no luck yet" in (next(iter(run.folders[key] for key in run.failed)) / "job.log").read_text()
    work.ran()
    luck.touch()
    shaky = fail_unless(str(luck), work.log)
    run = work(Flow([shaky, add(shaky.output, 1, work.log), add(20, 20, work.log)]))
    assert not run.failed
    assert work.ran() == ["try", "add 10 1"]


def test_a_detour_comes_before_what_depends_on_the_job(work):
    start = with_detour(work.log)
    work(Flow([start, add(start.output, 100, work.log)]))
    assert work.ran() == ["detour starts", "add 5 6", "add 1 100"]


def test_a_job_can_stop_its_children(work):
    start = stop_children(work.log)
    run = work(Flow([start, add(start.output, 1, work.log)]))
    assert work.ran() == ["stop"]
    assert len(run.skipped) == 1


def test_blobs_go_to_the_data_store(work):
    work(Flow([with_blob(work.log)]))
    (stub,) = work.store.docs_store.query()
    assert stub["output"]["small"] == 1
    assert stub["output"]["blob"]["store"] == "data"
    assert outputs(work.store)["with_blob"]["blob"] == "x" * 1000


def test_killed_between_journal_and_store_the_job_runs_again_and_nothing_is_doubled(work):
    run = work(Flow([with_blob(work.log)]))
    ((uuid, _),) = run.done
    work.store.docs_store.remove_docs({"uuid": uuid})
    work.ran()
    work(Flow([with_blob(work.log)]))
    assert work.ran() == ["blob"]
    assert work.store.additional_stores["data"].count() == 1


def test_killed_after_the_journal_of_the_very_first_blob_the_job_runs_again(work, tmp_path):
    flow = with_content_uuids(Flow([with_blob(work.log)]))
    Journal(tmp_path / "journal").write((flow.job_uuids[0], 1), "{}", [])
    assert not work(flow).failed
    assert work.ran() == ["blob"]
    assert work.store.additional_stores["data"].count() == 1


def test_two_runs_at_once_are_refused(work, tmp_path):
    with Journal(tmp_path / "journal").locked(), pytest.raises(StoreError, match="another local run"):
        work(Flow([add(1, 1, work.log)]))


class SoonToStop:
    """Asks to stop when the first workers have been started, which takes them a second."""

    asked = 0

    def reason(self):
        self.asked += 1
        return "told to stop" if self.asked > 1 else None


def test_told_to_stop_while_workers_start_none_of_them_dies(work, tmp_path, monkeypatch):
    monkeypatch.setattr(local, "_POLL_S", 0.01)
    run = run_flow(Flow([add(1, 1, work.log), add(2, 2, work.log)]), work.store, tmp_path, 2, stop=SoonToStop())
    assert run.stopped
    assert sorted(work.ran()) == ["add 1 1", "add 2 2"]
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_content_uuids_follow_content_alone(tmp_path):
    log = str(tmp_path / "log")
    first, second = (with_content_uuids(diamond(log)) for _ in range(2))
    assert first.job_uuids == second.job_uuids
    left, right = add(1, 2, log), add(3, 5, log)
    changed = with_content_uuids(Flow([left, right, count_down(2, log), add(left.output, right.output, log)]))
    same = set(first.job_uuids) & set(changed.job_uuids)
    assert len(same) == 2  # the left summand and the chain; the right one and the sum that reads it are new


def test_the_rounding_of_another_processor_is_not_another_job(tmp_path):
    log = str(tmp_path / "log")

    def uuid(*coordinates):
        return with_content_uuids(Flow([add(list(coordinates), [], log)])).job_uuids

    here = uuid(0.125631055021037, 1e-17)
    assert uuid(np.nextafter(0.125631055021037, 1), -3e-18) == here
    assert uuid(0.125631056, 1e-17) != here


def test_the_same_job_twice_in_a_flow_stays_two_jobs(tmp_path):
    log = str(tmp_path / "log")
    flow = with_content_uuids(Flow([add(1, 1, log), add(1, 1, log)]))
    assert len(set(flow.job_uuids)) == 2


def test_workers_leave_no_folder_behind(work, tmp_path):
    work(Flow([add(1, 1, work.log)]))
    assert list(Path(tmp_path / "jobs").iterdir()) == []
