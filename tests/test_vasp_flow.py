"""AIMD by VASP from the study file to the Arrhenius document, corrected by custodian, killed and run again."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

import fake_vasp
from salt_study import write_study
from superionic.documents import ArrheniusDocument
from superionic.errors import InputError
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.stores.query import arrhenius_documents, diffusivity_documents
from superionic.stores.runs import load_segments, load_summary
from superionic.study.load import load_study
from superionic.trajectories import stitch

SUPERIONIC = Path(sys.executable).parent / "superionic"


@pytest.fixture
def vasp(tmp_path, monkeypatch):
    fake_vasp.install(tmp_path, monkeypatch, Li_sv=3.0, Cl=7.0)
    faults = tmp_path / "faults"
    faults.mkdir()
    monkeypatch.setenv("FAKE_VASP_FAULTS", str(faults))
    return faults


def superionic(folder, *arguments, check=True):
    done = subprocess.run([SUPERIONIC, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def working_below(folder):
    """Processes whose working folder is below a folder."""
    places = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            places.append(link.readlink())
    return [place for place in places if place.is_relative_to(folder)]


def runs(stores):
    """Segments of each run by its temperature."""
    uuids = {job["uuid"] for job in stores.jobs.docs_store.query({"output.kind": "md_run"})}
    found = [(load_summary(stores.jobs, uuid), load_segments(stores.jobs, uuid)) for uuid in uuids]
    return {summary.protocol.temperature_K: (summary, segments) for summary, segments in found}


@pytest.mark.slow
def test_corrected_killed_and_run_again_it_is_the_undisturbed_study(vasp, tmp_path):
    for name in ("undisturbed", "killed"):
        (tmp_path / name).mkdir()
        write_study(tmp_path / name)
    superionic(tmp_path / "undisturbed", "run", "study.yaml")

    folder = tmp_path / "killed"
    (vasp / "eddrmm").touch()
    journal = folder / "superionic-data" / "journal"
    process = subprocess.Popen([SUPERIONIC, "run", "study.yaml"], cwd=folder, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while len(list(journal.glob("*.json"))) < 4 and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.05)
    (vasp / "slow").touch()  # the next segment is killed in its middle
    while (vasp / "slow").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(3)
    assert not working_below(folder)  # VASP ends with the manager that started it
    stored = len(list(journal.glob("*.json")))
    again = superionic(folder, "run", "study.yaml")
    assert f"14 jobs done, {stored} of them before; 0 failed" in again.stdout

    found = {}
    for name in ("undisturbed", "killed"):
        settings = SuperionicSettings(store_dir=tmp_path / name / "superionic-data")
        with open_stores(settings).connected() as stores:
            found[name] = runs(stores)
            (fit,) = arrhenius_documents(stores, {"identity.study": "salt"})
            assert isinstance(fit, ArrheniusDocument)
            assert len(diffusivity_documents(stores)) == 3
    corrections = [c for _, segments in found["killed"].values() for segment in segments for c in segment.corrections]
    assert len(corrections) == 1
    assert "eddrmm" in corrections[0]
    for temperature, (summary, segments) in found["undisturbed"].items():
        same_summary, same = found["killed"][temperature]
        assert [segment.sha256 for segment in segments] == [segment.sha256 for segment in same]
        assert [segment.last_step for segment in segments] == [200, 400, 600]
        assert summary.stop_reason == same_summary.stop_reason == "length reached"
        assert (summary.identity.engine, summary.identity.is_reference) == ("vasp", True)
        assert summary.identity.potential.origin == "first principles"
        assert (summary.cost.cores, summary.identity.potential.package_version) == (1, "6.4.3")
        trajectory = stitch(segments)
        assert trajectory.n_frames == 301
        assert np.abs(np.diff(trajectory.positions_A, axis=0)).max() < 0.5


def plan(folder, runs_here=True, **changes):
    return load_study(write_study(folder, **changes)).plan(runs_here)


def test_check_says_what_it_will_cost_and_that_it_is_a_guess(vasp, tmp_path):
    write_study(tmp_path)
    said = superionic(tmp_path, "check", "study.yaml").stdout
    assert "aimd 900 K seed 1 segment 1 of 3 S" in said
    assert "5 jobs to submit, 14 in all" in said
    # 3 x 600 steps of 110 s (8 / 80)^2.6
    assert "aimd: 1800 MD steps, 0.28 s a step on one core, about 0.14 core hours, as VASP took elsewhere" in said


def test_a_study_takes_vasps_engine_and_thermostat_unless_told_otherwise(vasp, tmp_path):
    aimd = plan(tmp_path).md_makers[0].md
    assert (aimd.engine, aimd.thermostat_chain_length, aimd.label_stride) == ("vasp", 1, 1)
    own = yaml.safe_load((tmp_path / "study.yaml").read_text())["aimd"]
    with pytest.raises(InputError, match="thermostat_chain_length = 3"):
        plan(tmp_path, aimd=own | {"thermostat_chain_length": 3})
    with pytest.raises(InputError, match="engine: built-in"):
        plan(tmp_path, aimd=own | {"engine": "built-in"})


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ({"aimd": {"encut_eV": 400, "ediff_eV": 1e-4, "k_mesh": [2, 0, 2]}}, "has no points"),
        ({}, r"set reference.aimd.k_mesh to at least \[2, 2, 2\]"),
        ({"relax": {"encut_eV": 520, "ediff_eV": 1e-4, "k_mesh": [1, 1, 1]}}, "set reference.relax.k_mesh to"),
        ({"potcars": {"Li": "Li_xx"}}, "there is no POTCAR 'Li_xx' of PBE_54"),
        ({"potcar_functional": "PBE_52"}, "there is no POTCAR 'Li_sv' of PBE_52"),
    ],
)
def test_bad_references_are_refused_before_anything_runs(vasp, tmp_path, reference, words):
    good = {"family": "vasp", "aimd": {"encut_eV": 400, "ediff_eV": 1e-4, "k_mesh": [2, 2, 2]}}
    shutil.rmtree(tmp_path / "potcars" / "POT_GGA_PAW_PBE_52", ignore_errors=True)
    with pytest.raises(InputError, match=words):
        plan(tmp_path, reference=({"family": "vasp"} if not reference else good | reference))


def test_what_is_not_here_matters_only_where_it_runs(vasp, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin")
    with pytest.raises(InputError, match="VASP is not there"):
        plan(tmp_path)
    assert plan(tmp_path, runs_here=False).n_runs == 3
    with pytest.raises(InputError, match=r"set reference.aimd.k_mesh to at least"):
        plan(tmp_path, runs_here=False, reference={"family": "vasp"})


def test_an_odd_number_of_electrons_is_refused(tmp_path, monkeypatch):
    fake_vasp.install(tmp_path, monkeypatch, Li_sv=3.25, Cl=7.0)
    with pytest.raises(InputError, match="orderings: S: the cell has 41 valence electrons, an odd number"):
        plan(tmp_path)


def test_vasp_is_no_potential_for_long_runs(vasp, tmp_path):
    md = {"temperatures_K": [700], "length_ps": 10}
    with pytest.raises(InputError, match="engine: built-in"):
        plan(tmp_path, potential={"family": "vasp"}, md=md, aimd=None, reference=None)


def test_a_potential_is_judged_beside_vasp_by_the_built_in_engine(vasp, tmp_path):
    chgnet = {"family": "chgnet"}
    large = {"label": "S", "supercell": [2, 2, 2]}
    maker = plan(tmp_path, potential=chgnet, orderings=[large], validate={}).stages[-1]
    assert (maker.md.engine, maker.md.thermostat_chain_length) == ("built-in", 3)
