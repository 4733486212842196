"""`superionic build` with other settings for one study makes its documents anew, and no other's."""

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from sample_runs import store_run
from superionic.cli import cli
from superionic.documents import AnalysisSettings
from superionic.errors import InputError
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.study.load import load_study

ANALYSIS = {"extrapolation_temperatures_K": [400, 300], "hop_length_A": 2.5}


@pytest.fixture
def folder(tmp_path):
    with open_stores(SuperionicSettings(store_dir=tmp_path, jobflow_config=None)).connected() as stores:
        for study in ("A", "B", None):
            for temperature in (700, 900):
                store_run(
                    stores.jobs, run_id=f"{study} {temperature}", temperature_K=temperature, study=study,
                    step_A=0.1 * temperature / 700, n_segments=1, frames_each=300, label=str(study),
                )  # fmt: skip
    assert call(tmp_path, "build").startswith("built 6 diffusivity, 3 Arrhenius")
    return tmp_path


def call(folder, *words, code=0):
    done = CliRunner().invoke(cli, [*words, "--store", str(folder)])
    assert done.exit_code == code, done.output
    return done.output if code == 0 else f"{done.output}{done.exception}"


def shown(folder, study):
    """Everything that is shown of a study, and the temperatures of its extrapolations."""
    documents = json.loads(call(folder, "show", "--study", study, "--json"))
    fits = [found for found in documents if found["kind"] == "arrhenius"]
    own = [found for found in documents if found["kind"] != "comparison"]
    return own, [there["temperature_K"] for fit in fits for there in fit["extrapolations"]]


def study_file(folder, name, **analysis):
    content = {
        "name": name, "host": "Li3InCl6", "orderings": [{"label": "O"}], "analysis": analysis,
        "md": {"temperatures_K": [700], "length_ps": 10},
    }  # fmt: skip
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(content))
    return str(file)


def test_a_study_file_decides_for_its_study_alone(folder):
    before = shown(folder, "A")
    assert call(folder, "build", study_file(folder, "B", **ANALYSIS)).startswith("built 2 diffusivity, 1 Arrhenius")
    assert shown(folder, "A") == before
    assert before[1] == [300]
    documents, temperatures_K = shown(folder, "B")
    assert temperatures_K == [400, 300]
    assert {found["settings"]["hop_length_A"] for found in documents} == {2.5}
    assert call(folder, "build").startswith("built 0 diffusivity, 0 Arrhenius")  # it is remembered


def test_everything_that_may_be_asked_can_be_written_in_a_study_file(folder):
    asked = {
        "extrapolation_temperatures_K": [400], "extrapolation_span": 5, "directions": [[1, 0, 1]], "hop_length_A": 2,
        "radii_A": {"2b": 1, "2c": 1.0}, "equilibration_ps": 3, "density_spacing_A": 0.5,
        "thresholds": {"hops_per_ion": 2}, "framework": ["Cl"],
    }  # fmt: skip
    assert asked.keys() == AnalysisSettings.model_fields.keys() - {"kind", "schema_version"}
    assert load_study(Path(study_file(folder, "B", **asked))).analysis == AnalysisSettings(**asked)
    with pytest.raises(InputError, match="directions"):
        load_study(Path(study_file(folder, "B", directions=[[True, False, True]])))


def test_settings_may_be_given_for_a_study_by_name_and_for_runs_of_none(folder):
    (folder / "analysis.yaml").write_text(yaml.safe_dump(ANALYSIS))
    call(folder, "build", "--study", "B", "--analysis", str(folder / "analysis.yaml"), "--temperature", "350")
    documents, temperatures_K = shown(folder, "B")
    assert temperatures_K == [350]
    assert {found["settings"]["hop_length_A"] for found in documents} == {2.5}
    call(folder, "build", "--study", "B", "--temperature", "350", "--temperature", "310")
    documents, temperatures_K = shown(folder, "B")
    assert temperatures_K == [350, 310]
    assert {found["settings"]["hop_length_A"] for found in documents} == {2.5}  # what was said before stays
    assert call(folder, "build", "--study", "", "--temperature", "350").startswith("built 2 diffusivity, 1 Arrhenius")
    assert shown(folder, "A")[1] == [300]
    table = call(folder, "show", "--study", "B")
    assert "350 K" in table
    assert "310 K" in table


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--temperature", "400"], "belong to a study"),
        (["--study", "C", "--temperature", "400"], "none of the studies in this store"),
        (["--study", "B", "--temperature", "-1"], "extrapolation_temperatures_K"),
    ],
)
def test_what_cannot_be_meant_is_refused(folder, words, said):
    before = shown(folder, "B")
    assert said in call(folder, "build", *words, code=1)
    assert shown(folder, "B") == before


def test_show_names_what_cannot_be_read(folder):
    with open_stores(SuperionicSettings(store_dir=folder, jobflow_config=None)).connected() as stores:
        found = stores.diffusivity.query_one({"run_id": "A 700"})
        found.pop("_id")
        stores.diffusivity.update({**found, "schema_version": 2}, key="run_id")
    said = call(folder, "show")
    assert "diffusivity document of run_id 'A 700' cannot be read" in said
    assert "upgrade superionic" in said
    assert "'A 700'" in call(folder, "build", code=1)
    assert "group A / " in call(folder, "show")
