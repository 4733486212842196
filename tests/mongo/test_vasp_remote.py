"""AIMD by VASP through jobflow-remote: its worker, a correction, a runner that is killed, and the documents."""

import pytest

import fake_vasp
from salt_study import write_study

pytestmark = [pytest.mark.mongo, pytest.mark.slow]


def with_dft(project):
    shell = project["workers"]["local_shell"]
    project["workers"]["dft"] = {**shell, "work_dir": f"{shell['work_dir']}-dft"}


def test_a_study_by_vasp_runs_on_its_worker_to_its_documents(cluster, monkeypatch):
    fake_vasp.install(cluster.folder, monkeypatch, Li_sv=3.0, Cl=7.0)
    faults = cluster.folder / "faults"
    faults.mkdir()
    (faults / "eddrmm").touch()
    bin_folder = str(cluster.folder / "bin")
    cluster.env |= {
        "PATH": f"{bin_folder}:{cluster.env['PATH']}",
        "PMG_VASP_PSP_DIR": str(cluster.folder / "potcars"),
        "FAKE_VASP_FAULTS": str(faults),
    }
    cluster.set_up_remote()
    cluster.edit_project(with_dft)
    study = write_study(cluster.folder, run_config={"dft": {"worker": "dft"}})
    submit = ("superionic", "submit", study, "--manager", "jobflow-remote", "--worker", "local_shell")
    elsewhere = {"PATH": cluster.env["PATH"].replace(f"{bin_folder}:", ""), "PMG_VASP_PSP_DIR": ""}
    assert "5 jobs submitted" in cluster.run(*submit, **elsewhere).stdout  # VASP and POTCARs are only there
    runner = cluster.runner()
    cluster.wait(lambda: cluster.db.jobs.count_documents({"output.kind": "trajectory_segment"}))
    cluster.kill_runner(runner)
    cluster.unlock()
    cluster.runner()
    cluster.wait_all(seconds=400)

    workers = {job["job"]["name"]: job["worker"] for job in cluster.db.queue.find()}
    assert workers["order cell S"] == "local_shell"
    assert workers["aimd relax S"] == "dft"
    for temperature in (700, 900, 1200):
        assert workers[f"aimd {temperature} K seed 1 segment 3 of 3 S"] == "dft"
        assert workers[f"aimd {temperature} K seed 1 summary S"] == "local_shell"
    segments = [job["output"] for job in cluster.db.jobs.find({"output.kind": "trajectory_segment"})]
    assert sorted(segment["last_step"] for segment in segments) == [200] * 3 + [400] * 3 + [600] * 3
    assert [len(segment["corrections"]) for segment in segments].count(1) == 1
    assert "nothing new to submit" in cluster.run(*submit).stdout
    cluster.run("superionic", "build")
    kinds = [document["kind"] for document in cluster.documents()]
    assert kinds == ["diffusivity"] * 3 + ["arrhenius"]
