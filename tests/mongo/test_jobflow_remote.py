"""jobflow-remote for real: a project, a local shell worker, its runner, and everything that can happen to them."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from cluster import readme_blocks
from quickstart import check_chains, check_settings, small_study
from superionic.documents.run_config import RunConfig

pytestmark = [pytest.mark.mongo, pytest.mark.slow]
SUBMIT = Path(__file__).parents[1] / "submit_samples.py"


def lines(log):
    return Counter(log.read_text().splitlines()) if log.exists() else Counter()


def test_nothing_is_lost_or_doubled_by_two_runners_a_kill_and_a_job_that_fails(cluster):
    cluster.set_up_remote()
    log, luck = cluster.folder / "notes", cluster.folder / "luck"
    cluster.run("python", SUBMIT, "troubled", log, luck)
    first, second = cluster.runner(), cluster.runner()
    cluster.wait(lambda: lines(log)["count 2"])
    cluster.kill_runner(first)
    cluster.wait(lambda: cluster.states()["FAILED"] == 1)
    failed = cluster.db.queue.find_one({"state": "FAILED"})
    assert "no luck yet" in cluster.run("jf", "job", "info", failed["db_id"]).stdout
    cluster.kill_runner(second)
    cluster.unlock()
    luck.touch()
    cluster.run("jf", "job", "rerun", "-s", "FAILED")
    third, fourth = cluster.runner(), cluster.runner()
    cluster.wait_all()
    assert {third.poll(), fourth.poll()} == {None}
    assert lines(log) == {"try": 2, "add 10 1": 1, **{f"count {n}": 1 for n in range(4)}}
    found = [(job["name"], job["index"], job["output"]) for job in cluster.db.jobs.find()]
    assert sorted(found, key=str) == [
        ("add", 1, 11),
        ("count_down", 1, 3),
        ("count_down", 2, 2),
        ("count_down", 3, 1),
        ("count_down", 4, "done"),
        ("fail_unless", 1, 10),
    ]


RUN_CONFIG = {
    "md": {
        "worker": "gpu",
        "priority": 2,
        "exec_config": {"export": {"KIND_OF_JOB": "md"}, "post_run": "echo on $KIND_OF_JOB"},
    },
}


def with_gpu(project):
    shell = project["workers"]["local_shell"]
    project["workers"]["gpu"] = {**shell, "work_dir": f"{shell['work_dir']}-gpu"}


def test_the_quickstart_runs_to_its_documents_through_a_runner_that_is_killed(cluster):
    """Submitted, killed, restarted by two runners at once, submitted again, and built by two processes."""
    cluster.set_up_remote()
    cluster.edit_project(with_gpu)
    analysis = {"extrapolation_temperatures_K": [400.0, 300.0]}
    study = small_study(cluster.folder, run_config=RUN_CONFIG, analysis=analysis)
    submit = ("superionic", "submit", study, "--manager", "jobflow-remote", "--project", "superionic")
    submit += ("--worker", "local_shell")
    keep = {}
    cluster.edit_project(lambda project: keep.update(data=project["jobstore"].pop("additional_stores")))
    refused = cluster.run(*submit, check=False)
    assert "no additional store 'data'" in refused.stderr, refused.stderr
    cluster.edit_project(lambda project: project["jobstore"].update(additional_stores=keep["data"]))
    assert "4 jobs submitted" in cluster.run(*submit).stdout
    runner = cluster.runner()
    cluster.wait(lambda: cluster.db.jobs.count_documents({"output.kind": "trajectory_segment"}))
    cluster.kill_runner(runner)
    cluster.unlock()
    cluster.runner(), cluster.runner()
    cluster.wait_all()
    check_chains(cluster.db)
    check_settings(cluster.db, **analysis)
    assert cluster.db.jobs.count_documents({"metadata.study": "quickstart"}) == 8

    ran = {}
    for job in cluster.db.queue.find():
        folder = Path(job["run_dir"])
        ran[job["job"]["name"]] = (job["worker"], job["priority"], "on md" in (folder / "queue.out").read_text())
    assert ran["order cell O"] == ("local_shell", 0, False)
    assert ran["relax O"] == ("gpu", 2, True)
    for temperature in (700, 1000):
        name = f"mltp-md {temperature} K seed 1"
        assert ran[f"{name} segment 2 of 2 O"] == ("gpu", 2, True)
        assert ran[f"{name} summary O"] == ("local_shell", 2, False)

    again = cluster.run(*submit).stdout
    assert "nothing new to submit" in again
    assert "4 jobs were submitted before: 4 COMPLETED" in again
    content = yaml.safe_load(study.read_text())
    content["md"]["temperatures_K"].append(850)
    study.write_text(yaml.safe_dump(content))
    assert cluster.run(*submit).stdout.startswith("1 jobs submitted")

    cluster.db.studies.delete_many({})  # what travels with the runs is enough
    cluster.run("mrun", "-n", "2", "--no_bars", "builders.py", cwd=cluster.home / "superionic")
    assert [document["kind"] for document in cluster.documents()] == ["diffusivity"] * 2 + ["arrhenius"]
    assert [there["temperature_K"] for there in cluster.documents()[-1]["extrapolations"]] == [400, 300]
    check_the_rest_of_the_readme(cluster)


def check_the_rest_of_the_readme(cluster):
    """What of its session the test above has not run yet: doctor, list and daemon."""
    assert "ok       stores: MongoDB" in cluster.run("superionic", "doctor").stdout
    cluster.run("jf", "-p", "superionic", "job", "list")
    cluster.kill_all()
    cluster.unlock()
    cluster.run("jf", "-p", "superionic", "runner", "start")
    cluster.wait(lambda: "status: running" in cluster.run("jf", "runner", "status").stdout, 60)
    cluster.run("jf", "runner", "shutdown")
    cluster.wait(lambda: "status: running" not in cluster.run("jf", "runner", "status", check=False).stdout, 60)
    cluster.check_readme(0)


def test_the_run_config_of_the_readme_is_one():
    (run_config,) = [block for block in map(yaml.safe_load, readme_blocks("yaml")) if "run_config" in block]
    assert RunConfig(**run_config["run_config"]).md.worker == "gpu-node"
