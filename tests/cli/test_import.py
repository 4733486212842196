"""import, adopt, inspect and export from the command line, as the README shows them."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from monty.json import MontyEncoder
from pymatgen.io.vasp import Chgcar

import sample_files as files
from superionic.cli import cli
from superionic.errors import InputError, StoreError
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores

ROOT = Path(__file__).parents[2]
WALK = files.known_walk(300)
SALT_OPTIONS = ["--mobile", "Li+", "--temperature", "700", "--time-step", "2"]


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        result = CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return run


def test_imported_twice_it_is_stored_once(call, tmp_path):
    files.write_dump(tmp_path / "d", WALK)
    first = call("import", "d", *SALT_OPTIONS)
    assert "LiCl, lammps, 700 K, 5.98 ps in steps of 2 fs, a frame every 10, 1 segment(s)" in first
    assert "stored already" in call("import", "d", *SALT_OPTIONS)
    files.write_dump(tmp_path / "d", WALK[:200])  # another file of the same name is another run
    assert "3.98 ps" in call("import", "d", *SALT_OPTIONS)
    assert "built 2 diffusivity" in call("build")


def test_a_run_is_imported_with_what_is_asked_of_its_analysis(call, tmp_path):
    files.write_dump(tmp_path / "d", WALK)
    (tmp_path / "analysis.yaml").write_text("hop_length_A: 2.0\ndirections: [[1, 0, 1]]")
    asked = ["--analysis", tmp_path / "analysis.yaml"]
    call("import", "d", *SALT_OPTIONS, *asked)
    call("build")
    (document, *_) = json.loads(call("show", "--json"))
    assert document["settings"]["hop_length_A"] == 2.0
    assert set(document["diffusivity_along_cm2_per_s"]) == {"[1 0 1]"}
    assert "stays as it was" in call("import", "d", *SALT_OPTIONS)  # the run is known, whatever is asked of it
    assert "stays as it was" not in call("import", "d", *SALT_OPTIONS, *asked)


def test_an_import_killed_half_way_is_done_again(call, tmp_path):
    path = files.write_dump(tmp_path / "d", WALK)
    run_id = call("import", path, *SALT_OPTIONS).split()[1].rstrip(":")
    with open_stores(SuperionicSettings()).connected() as stores:
        stores.jobs.docs_store.remove_docs({"uuid": run_id, "output.kind": "md_run"})
    assert "1 segment(s)" in call("import", path, *SALT_OPTIONS)
    with open_stores(SuperionicSettings()).connected() as stores:
        assert stores.jobs.count({"uuid": run_id}) == 2
        assert stores.jobs.additional_stores["data"].count() == 1


def test_what_was_left_out_is_said(call, tmp_path):
    for name, part in (("a", WALK[:100]), ("b", WALK[99:])):
        files.write_xdatcar(tmp_path / name, part)
    assert "note: " in call("import", "a", "b", *SALT_OPTIONS, "--stride", "10")


def test_inspect_and_export_find_a_run_by_label_or_by_the_start_of_its_id(call, tmp_path):
    run_id = call("import", files.write_dump(tmp_path / "d", WALK), *SALT_OPTIONS, "--label", "salt").split()[1][:-1]
    by_id, by_label = call("inspect", run_id[:8], "--json"), call("inspect", "salt", "--json")
    assert by_id == by_label
    assert json.loads(by_id)["frames"] == 300
    assert "frames             300" in call("inspect", "salt")
    call("export", "salt", "--format", "extxyz")
    assert (tmp_path / f"{run_id}.extxyz").read_text().startswith("16\nLattice=")
    with pytest.raises(InputError, match="no run is in this store"):
        call("inspect", "sugar")


def test_the_density_of_a_run_is_exported_from_its_document(call, tmp_path):
    call("import", files.write_dump(tmp_path / "d", WALK), *SALT_OPTIONS, "--label", "salt")
    with pytest.raises(StoreError, match="build it"):
        call("export", "salt", "--format", "density")
    call("build")
    assert "density" not in json.loads(call("show", "--json"))[0]
    assert "wrote the density" in call("export", "salt", "--format", "density", "--out", "salt.vasp")
    volume = Chgcar.from_file("salt.vasp")
    assert volume.structure.composition.as_dict() == {"Cl": 8}
    assert volume.data["total"].mean() == pytest.approx(8)


def test_wrong_options_are_one_sentence(call, tmp_path):
    files.write_dump(tmp_path / "d", WALK[:5])
    for options, message in (
        (["--mobile", "Li+", "--temperature", "-3"], "temperature_K"),
        (["--temperature", "300"], "host and mobile are both missing"),
        ([*SALT_OPTIONS, "--cell", "1,2"], "--cell '1,2' is no cell"),
    ):
        with pytest.raises(InputError, match=message):
            call("import", "d", *options)
    for query, message in (("{", "is not JSON"), ("[]", "no JSON object"), ("{}", "matches no job")):
        with pytest.raises(InputError, match=message):
            call("adopt", "--query", query, "--mobile", "Li+")


def test_one_job_that_cannot_be_adopted_does_not_keep_the_others_back(call, tmp_path):
    store_atomate2_job(tmp_path)
    store_atomate2_job(tmp_path, "ASE MD", flow="other.json")
    options = ["adopt", "--query", '{"name": "ASE MD"}', "--makers", "flow.json", "--mobile", "Li+"]
    result = CliRunner().invoke(cli, options)
    assert result.exit_code == 1
    assert result.output.count("LiCl, ase, 700 K") == 1
    assert "does not say the time step" in result.output
    assert "stored already" in CliRunner().invoke(cli, options).output


def test_makers_come_from_the_queue_of_jobflow_remote(call, tmp_path, monkeypatch):
    from jobflow_remote.jobs.jobcontroller import JobController
    from maggma.stores import MemoryStore

    store_atomate2_job(tmp_path)
    queue = MemoryStore("queue")
    queue.connect()
    job = json.loads((tmp_path / "flow.json").read_text())
    queue.update({"uuid": job["uuid"], "state": "COMPLETED", "job": job}, key="uuid")

    class Controller:
        jobs = queue._collection

        def close(self):
            pass

    monkeypatch.setattr(JobController, "from_project_name", lambda name: Controller())
    output = call("adopt", "--query", '{"name": "ASE MD"}', "--project", "mine", "--mobile", "Li+")
    assert "LiCl, ase, 700 K" in output


def readme_commands():
    section = (ROOT / "README.md").read_text().split("## Trajectories you already have")[1].split("\n## ")[0]
    blocks = re.findall(r"```bash\n(.*?)```", section, flags=re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.startswith(".venv")]


@pytest.fixture
def readme_folder(tmp_path):
    """The files that the README speaks of: the salt's walk in each format, and an atomate2 job in the store."""
    for name, part in (("run1", WALK[:150]), ("run2", WALK[149:])):
        (tmp_path / name).mkdir()
        files.write_vasprun(tmp_path / name / "vasprun.xml", part)
    files.write_dump(tmp_path / "dump.lammpstrj", WALK, columns="id type x y z ix iy iz")
    files.write_data_file(tmp_path / "cell.data")
    files.write_cp2k(tmp_path, WALK, files.CELL, project="salt")
    files.write_traj(tmp_path / "md.traj", WALK)
    files.write_mdanalysis(tmp_path / "md.xtc", WALK)
    files.write_topology(tmp_path / "POSCAR")
    store_atomate2_job(tmp_path)
    return tmp_path


def store_atomate2_job(folder, name="ASE MD", flow="flow.json"):
    from atomate2.forcefields.md import ForceFieldMDMaker
    from pymatgen.core import Lattice, Structure
    from pymatgen.core.trajectory import Trajectory

    job = ForceFieldMDMaker(force_field_name="CHGNet", temperature=700, time_step=2).make(
        Structure(Lattice(files.CELL), files.SPECIES, WALK[0], coords_are_cartesian=True)
    )
    trajectory = Trajectory(files.SPECIES, WALK @ np.linalg.inv(files.CELL), lattice=files.CELL)
    output = {"objects": {"trajectory": trajectory}, "ase_calculator_name": "MLFF.CHGNet"}
    with open_stores(SuperionicSettings(store_dir=folder / "superionic-data")).connected() as stores:
        document = {"uuid": job.uuid, "index": 1, "output": output, "completed_at": "", "metadata": {}, "hosts": [],
                    "name": name}  # fmt: skip
        stores.jobs.update(json.loads(json.dumps(document, cls=MontyEncoder)), save={"data": ["trajectory"]})
    (folder / flow).write_text(json.dumps(job, cls=MontyEncoder))


def test_the_commands_of_the_readme_work(readme_folder, call, monkeypatch):
    monkeypatch.chdir(readme_folder)
    monkeypatch.setenv("COLUMNS", "200")
    commands = [shlex.split(line, comments=True) for line in readme_commands()]
    assert len(commands) >= 8
    outputs = {}
    for program, *words in commands:
        assert program == ".venv/bin/superionic"
        outputs.setdefault(words[0], []).append(call(*words))
    assert "stored twice" in outputs["import"][0]
    assert all("LiCl" in output for output in outputs["import"] + outputs["adopt"])
    assert "built 6 diffusivity" in outputs["build"][0]
    assert outputs["show"][0].count("700") >= 6
    assert "300 frames" in outputs["export"][0]


@pytest.mark.slow
def test_half_a_million_frames_take_less_than_500_MB(tmp_path):
    """A path that ends where it began, 500 times over: the file repeats itself, the run does not."""
    period, n_periods, n_atoms = 1000, 500, 6
    fractions = np.random.default_rng(0).random((n_atoms, 3))
    blocks = []
    for step in range(period):
        frame = fractions.copy()
        frame[:3, 0] += step / period  # once around the cell
        frame[3:, 1] += 0.01 * np.sin(2 * np.pi * step / 50)
        blocks.append("".join(f"  {x:.8f}  {y:.8f}  {z:.8f}\n" for x, y, z in frame % 1.0))
    with (tmp_path / "XDATCAR").open("w") as stream:
        stream.write("long\n1.0\n12 0 0\n1.5 11 0\n-4 0.8 12\nLi Cl\n3 3\n")
        for start in range(0, period * n_periods, period):
            stream.writelines(f"Direct configuration={start + n + 1:8d}\n{block}" for n, block in enumerate(blocks))
    code = """from pathlib import Path
from superionic.cli import cli
described = ["--mobile", "Li+", "--temperature", "700", "--time-step", "2", "--stride", "1"]
cli(["import", "XDATCAR", *described], standalone_mode=False)
# VmHWM, since ru_maxrss of a child starts at what its parent had
print(int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024)"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=300,
        env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    *_, message, megabytes = done.stdout.strip().splitlines()
    assert int(megabytes) <= 500
    assert "2 segment(s)" in message
    with open_stores(SuperionicSettings(store_dir=tmp_path / "superionic-data")).connected() as stores:
        from superionic.stores.runs import iter_segments
        from superionic.trajectories import open_frames

        run_id = message.split()[1][:-1]
        first, *_, last = (open_frames(segment) for segment in iter_segments(stores.jobs, run_id))
        moved = last.positions_A(len(last) - 1)[0] - first.positions_A(0, 1)[0]
    assert np.abs(moved[:3] - np.array([12.0, 0, 0]) * (n_periods - 1 / period)).max() < 1e-3
    assert np.abs(moved[3:]).max() < 0.2
