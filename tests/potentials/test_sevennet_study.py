"""SevenNet from a study file alone: relaxation, NVT and NPT in segments, each a new process, verdicts and documents."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from superionic.documents import OrderingDocument
from superionic.dynamics.segment import run_segment
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.stores.runs import load_segments
from superionic.study.load import load_study

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("sevenn") is None, reason="sevenn is not installed: pip install 'superionic[sevennet]'"
    ),
]

SUPERIONIC = Path(sys.executable).parent / "superionic"


def study_file(folder, ensemble, relax):
    """32 steps of Li3InCl6, 20 atoms, in two segments."""
    content = {
        "name": f"sevennet-{ensemble}",
        "host": "Li3InCl6",
        "orderings": [{"label": "O"}],
        "potential": {"family": "sevennet", "model": "7net-0"},
        "relax": relax,
        "md": {
            "ensemble": ensemble, "temperatures_K": [700], "length_ps": 0.064, "segment_length_ps": 0.032,
            "equilibration_ps": 0.008, "stride": 2,
        },
    }  # fmt: skip
    file = folder / f"{ensemble}.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


@pytest.fixture(scope="module", params=["nvt", "npt"])
def ran(request, tmp_path_factory):
    """The study run from the command line, with what the first step of its MD starts from."""
    folder = tmp_path_factory.mktemp(request.param)
    # Files of published names lie in the way.
    for name in ("7net-0", "sevenn.py"):
        (folder / name).write_text("raise SystemExit('never read')")
    file = study_file(folder, request.param, {"max_steps": 3} if request.param == "npt" else None)
    command = [SUPERIONIC, "run", str(file), "--store", str(folder / "store"), "--workers", "1"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert "0 failed" in done.stdout, done.stdout + done.stderr
    with open_stores(SuperionicSettings(store_dir=folder / "store")).connected() as stores:
        jobs = list(stores.jobs.query())
        [run_id] = {job["uuid"] for job in jobs if (job["output"] or {}).get("kind") == "md_run"}
        return file, jobs, load_segments(stores.jobs, run_id), list(stores.diffusivity.query())


def outputs(jobs, kind):
    return [job["output"] for job in jobs if (job["output"] or {}).get("kind") == kind]


def test_everything_says_what_ran(ran):
    file, jobs, segments, documents = ran
    [summary] = outputs(jobs, "md_run")
    assert summary["stop_reason"] == "length reached"
    assert [segment.last_step for segment in segments] == [16, 32]
    [document] = documents
    for reference in (summary["identity"]["potential"], document["identity"]["potential"]):
        assert (reference["family"], reference["model"], reference["origin"]) == ("SevenNet", "7net-0", "pretrained")
        assert reference["sha256"] == "7052cb42b7b3be42b40b97fa0d21077a48c54b5548948fc4dcf346629f813c36"
        assert reference["package_version"].startswith("sevenn ")
    assert document["quality"]["verdict"] == "insufficient"
    if file.name == "npt.yaml":
        [relaxed] = outputs(jobs, "relaxation")
        assert relaxed["provenance"]["potential"]["family"] == "SevenNet"
        assert relaxed["n_steps"] == 3


def test_two_segments_in_processes_of_their_own_are_one_run_bit_for_bit(ran, tmp_path):
    file, jobs, segments, _ = ran
    study = load_study(file)
    [protocol] = study.md.protocols()
    [started_from] = [output["ordering"] for output in outputs(jobs, "relaxation")] or outputs(jobs, "ordering")
    whole = protocol.model_copy(update={"segment_length_ps": protocol.length_ps})
    structure = OrderingDocument.from_stored(started_from).structure
    run = run_segment(structure, whole, study.potential, None, "whole", tmp_path)
    assert run.state == segments[-1].end_state
    assert (file.name == "npt.yaml") == (run.state.cell_A != segments[0].end_state.cell_A)
