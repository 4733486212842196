"""A study's reference: what cannot run is refused in one sentence before anything does."""

import shutil

import pytest
import yaml

from superionic.errors import InputError
from superionic.study.load import load_study

AIMD = {"temperatures_K": [600, 900], "length_ps": 6}
PBESOL = {"family": "cp2k", "level": "pbesol"}
CP2K = pytest.mark.skipif(shutil.which("cp2k_shell.psmp") is None, reason="CP2K is not there: apt-get install cp2k")


def study(folder, **changes):
    content = {
        "name": "aimd",
        "host": "Li3InCl6",
        "orderings": [{"label": "O"}],
        "relax": None,
        "aimd": AIMD,
        **changes,
    }
    file = folder / "study.yaml"
    file.write_text(
        yaml.safe_dump({key: value for key, value in content.items() if value is not None or key == "relax"})
    )
    return load_study(file)


def test_aimd_needs_a_reference_and_a_study_a_run(tmp_path):
    with pytest.raises(InputError, match="reference: there is none to run aimd with"):
        study(tmp_path)
    with pytest.raises(InputError, match="md: there is none, and no aimd"):
        study(tmp_path, aimd=None, reference=PBESOL)


def test_any_potential_can_be_the_reference(tmp_path):
    plan = study(tmp_path, reference={"family": "chgnet", "model": "r2scan"}).plan()
    assert [stage.section for stage in plan.stages] == ["aimd"]
    assert (plan.n_runs, plan.n_segments) == (2, 12)
    md = plan.md_makers[0].md
    assert (md.engine, md.label_stride, md.equilibration_ps) == ("built-in", 1, 2.5)


def test_both_stages_are_planned_and_counted(tmp_path):
    md = {"temperatures_K": [600], "length_ps": 20}
    plan = study(tmp_path, reference={"family": "chgnet", "model": "r2scan"}, md=md).plan()
    assert [stage.section for stage in plan.stages] == ["aimd", "md"]
    assert (plan.n_runs, plan.n_segments, plan.n_steps) == (3, 14, 2 * 3000 + 10_000)


def test_a_mesh_without_points_and_one_too_coarse_are_refused_without_the_code(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="has no points"):
        study(tmp_path, reference=PBESOL | {"k_mesh": [2, 0, 2]})
    with pytest.raises(
        InputError, match=r"orderings: O: the cell is .* too small for k_mesh = \[1, 1, 1\]: set k_mesh"
    ):
        study(tmp_path, reference=PBESOL | {"k_mesh": [1, 1, 1]}).plan()


def test_no_code_is_said_only_where_it_would_run(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    found = study(tmp_path, reference=PBESOL)
    with pytest.raises(InputError, match=r"orderings: O: CP2K's .*: apt-get install cp2k cp2k-data"):
        found.plan()
    assert found.plan(runs_here=False).n_runs == 2


@pytest.mark.dft
@CP2K
def test_an_unknown_pseudopotential_is_refused(tmp_path):
    kind = {"basis": "DZVP-MOLOPT-SR-GTH", "pseudopotential": "GTH-NOWHERE-q3"}
    with pytest.raises(InputError, match="has no GTH-NOWHERE-q3 for Li"):
        study(tmp_path, reference=PBESOL | {"kinds": {"Li": kind}}).plan()
