"""FireWorks for real: a LaunchPad, rapidfire, a rocket that is killed and a job that fails."""

import json
import re
import time

import pytest
from fireworks import LaunchPad
from jobflow import Flow
from jobflow.managers.fireworks import flow_to_workflow

from quickstart import check_chains, check_settings, small_study
from sample_jobs import add, count_down, fail_unless

LOCKED = '{"locked": {"$exists": 1}}'
pytestmark = [pytest.mark.mongo, pytest.mark.slow]


@pytest.fixture
def pad(cluster):
    """The files of `superionic init`, an empty LaunchPad and its rockets."""
    cluster.run("superionic", "init", "--mongo", cluster.uri, "--manager", "fireworks")
    folder = cluster.home / "superionic"
    (folder / "gpu.yaml").write_text(json.dumps({"name": "gpu", "category": "", "query": "{}"}))
    pad = LaunchPad.from_file(str(folder / "my_launchpad.yaml"))
    pad.lpad = lambda *words, **options: cluster.run("lpad", "-l", folder / "my_launchpad.yaml", *words, **options)
    pad.lpad("reset", stdin=f"{cluster.database}\n")  # it asks for the name of what it will empty
    pad.file = folder / "my_launchpad.yaml"

    def rapidfire(worker="my_fworker"):
        work = cluster.folder / f"rockets-{len(cluster.processes)}"
        work.mkdir()
        return cluster.start(
            "rlaunch", "-l", pad.file, "-w", folder / f"{worker}.yaml", "rapidfire", "--sleep", "1", cwd=work
        )

    def states():
        return {
            (fw["name"], fw["fw_id"]): fw["state"] for fw in cluster.db.fireworks.find({}, ["name", "fw_id", "state"])
        }

    def run_out(workers=("my_fworker",)):
        """Rockets of all workers side by side until nothing is ready."""
        while {"READY", "RUNNING", "RESERVED"} & set(states().values()):
            for rocket in [rapidfire(worker) for worker in workers]:
                rocket.wait(300)

    pad.rapidfire, pad.states, pad.run_out = rapidfire, states, run_out
    return pad


def test_a_job_that_fails_is_rerun_and_a_chain_extends_itself(cluster, pad):
    log, luck = cluster.folder / "notes", cluster.folder / "luck"
    shaky = fail_unless(str(luck), str(log))
    pad.add_wf(flow_to_workflow(Flow([count_down(2, str(log)), shaky, add(shaky.output, 1, str(log))])))
    pad.run_out(["my_fworker", "my_fworker"])
    assert sorted(pad.states().values()) == ["COMPLETED"] * 3 + ["FIZZLED", "WAITING"]
    assert "no luck yet" in pad.lpad("get_fws", "-s", "FIZZLED", "-d", "all").stdout
    luck.touch()
    pad.lpad("rerun_fws", "-s", "FIZZLED")
    pad.run_out()
    assert set(pad.states().values()) == {"COMPLETED"}
    assert sorted(log.read_text().split("\n")[:-1]) == ["add 10 1", "count 0", "count 1", "count 2", "try", "try"]
    assert sorted(str(job["output"]) for job in cluster.db.jobs.find()) == ["1", "10", "11", "2", "done"]


def test_the_quickstart_runs_to_its_documents_with_a_rocket_killed(cluster, pad):
    analysis = {"extrapolation_temperatures_K": [400.0, 300.0]}
    run_config = {"md": {"worker": "gpu", "resources": {"nodes": 1}}}
    study = small_study(cluster.folder, run_config=run_config, analysis=analysis)
    submit = ("superionic", "submit", study, "--manager", "fireworks", "--launchpad", pad.file)
    cluster.run(*submit, "--worker", "superionic")
    pad.rapidfire().wait(120)  # the ordering; everything else is for the other worker
    assert [state for (name, _), state in pad.states().items() if name == "order cell O"] == ["COMPLETED"]
    rocket = pad.rapidfire("gpu")
    cluster.wait(lambda: cluster.db.jobs.count_documents({"output.kind": "trajectory_segment"}))
    cluster.kill_runner(rocket)
    cluster.db.workflows.update_many({}, {"$set": {"locked": True}})  # as a rocket killed at the end of a job leaves it
    pad.lpad("admin", "unlock", "-q", LOCKED)
    assert cluster.db.workflows.count_documents({"locked": {"$exists": True}}) == 0
    time.sleep(2)
    pad.lpad("detect_lostruns", "--time", "1", "--rerun")
    pad.run_out(["my_fworker", "gpu"])
    assert set(pad.states().values()) == {"COMPLETED"}
    # A rocket killed between storing its blob and saying so leaves that blob.
    assert re.match("every blob|removed", cluster.run("superionic", "clean", "--yes").stdout)
    runs = check_chains(cluster.db)
    check_settings(cluster.db, **analysis)
    assert cluster.db.studies.find_one({"study": "quickstart"})["analysis"].items() >= analysis.items()
    for firework in cluster.db.fireworks.find():
        md = "segment" in firework["name"] or "relax" in firework["name"]
        assert firework["spec"]["_fworker"] == ("gpu" if md else "superionic")
        assert firework["spec"].get("_queueadapter") == ({"nodes": 1} if md else None)
    again = cluster.run(*submit).stdout
    assert "nothing new to submit" in again
    assert "4 jobs were submitted before: 4 COMPLETED" in again
    cluster.run("superionic", "build")
    assert [document["kind"] for document in cluster.documents()] == ["diffusivity"] * 2 + ["arrhenius"]
    assert {document["run_id"] for document in cluster.documents()[:2]} == set(runs)
    assert [there["temperature_K"] for there in cluster.documents()[-1]["extrapolations"]] == [400, 300]
    cluster.check_readme(1)
