"""Molecular dynamics by CP2K through the package's own engine: from a study file to documents, and on after a kill."""

import json
import shutil

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from superionic.cli import cli
from superionic.documents import MDProtocol
from superionic.documents.cp2k import Cp2kSettings
from superionic.dynamics.builtin.engine import opened
from superionic.structures.host import load_host

pytestmark = [
    pytest.mark.dft,
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("cp2k_shell.psmp") is None, reason="CP2K is not there: apt-get install cp2k cp2k-data"
    ),
]

STUDY = {
    "name": "aimd",
    "host": "Li3InCl6",
    "orderings": [{"label": "O", "supercell": [1, 1, 1]}],
    "potential": {"family": "cp2k", "level": "gfn1-xtb"},
    "relax": None,
    "md": {
        "temperatures_K": [700], "time_step_fs": 2, "length_ps": 0.024, "segment_length_ps": 0.012,
        "equilibration_ps": 0.002, "stride": 1,
    },
}  # fmt: skip


def test_a_study_runs_from_its_file_to_a_document(tmp_path):
    study = tmp_path / "study.yaml"
    study.write_text(yaml.safe_dump(STUDY))

    def call(*arguments):
        done = CliRunner().invoke(cli, [*map(str, arguments), "--store", str(tmp_path / "store")])
        assert done.exit_code == 0, done.output
        return done.output

    call("run", study, "--workers", 1)
    (document,) = (d for d in json.loads(call("show", "--json")) if d["kind"] == "diffusivity")
    assert document["identity"]["potential"] | {"model": ""} == {
        "family": "CP2K", "model": "", "origin": "semi-empirical",
        **{key: document["identity"]["potential"][key] for key in ("sha256", "package_version", "kernels")},
    }  # fmt: skip
    assert document["quality"]["verdict"] == "insufficient"


def test_a_segment_run_again_is_the_same_and_conserves_energy():
    structure = load_host("Li3InCl6").ordered(load_host("Li3InCl6").named_filling("O"), (1, 1, 1))
    protocol = MDProtocol(
        ensemble="nve",
        temperature_K=600,
        seed=3,
        time_step_fs=1,
        length_ps=1,
        segment_length_ps=0.01,
        equilibration_ps=0,
    )
    settings = Cp2kSettings(family="cp2k", level="gfn1-xtb", scf_threshold=1e-6)

    def run(state, n_steps):
        with opened(structure, protocol, settings, state) as (md, _):
            energies = [md.snapshot().frame.conserved_energy_eV]
            for _ in range(n_steps):
                md.advance()
                energies.append(md.snapshot().frame.conserved_energy_eV)
            return md.state(), np.array(energies)

    middle, energies = run(None, 12)
    assert np.ptp(energies) / len(structure) < 3e-4
    end, _ = run(middle, 6)
    again, _ = run(middle, 6)
    assert end == again
    whole, _ = run(None, 18)
    assert np.allclose(whole.positions_A, end.positions_A, atol=1e-5)
