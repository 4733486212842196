"""`validate:` in a study file: what it becomes, and what is refused before anything runs."""

import pytest
import yaml

from superionic.documents import ChgnetSettings
from superionic.errors import InputError
from superionic.makers.validation_stage import ValidationStage
from superionic.study.load import load_study

STUDY = {
    "name": "judged", "host": "Li3InCl6", "orderings": [{"label": "O"}],
    "potential": {"model": "0.3.0"}, "reference": {"model": "r2scan"},
    "aimd": {"temperatures_K": [700, 900], "seeds": [1], "length_ps": 20},
    "validate": {"thresholds": {"diffusivity_factor": 1.5}, "npt": {"length_ps": 10, "with_reference": True}},
}  # fmt: skip


def study(tmp_path, **changed):
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump({name: value for name, value in {**STUDY, **changed}.items() if value is not None}))
    return load_study(file)


def test_potentials_run_what_the_reference_runs_with_other_seeds(tmp_path):
    beside = {"soft": {"model": "0.2.0"}}
    plan = study(tmp_path, validate={**STUDY["validate"], "beside": beside, "length_ps": 40}).plan()
    stage = plan.stages[-1]
    assert isinstance(stage, ValidationStage)
    assert list(stage.maker.candidates) == ["potential", "soft"]
    assert stage.maker.thresholds.diffusivity_factor == 1.5
    assert (stage.md.temperatures_K, stage.md.seeds, stage.md.length_ps) == ([700, 900], [1000], 40)
    kinds = [(maker.potential.model, maker.md.ensemble, maker.md.seeds) for maker in stage.md_makers]
    assert kinds == [
        ("0.3.0", "nvt", [1000]), ("0.3.0", "npt", [1000]), ("0.2.0", "nvt", [1000]), ("0.2.0", "npt", [1000]),
        ("r2scan", "npt", [2000]),
    ]  # fmt: skip
    assert plan.n_runs == 2 + 2 * (2 + 1) + 1
    assert plan.n_steps == 2 * 10_000 + 2 * (2 * 20_000 + 5_000) + 5_000


def test_it_is_judged_before_it_runs(tmp_path):
    stages = study(tmp_path, md={"temperatures_K": [300], "length_ps": 100}).plan().stages
    assert [stage.section for stage in stages] == ["aimd", "validate", "md"]


def test_checkpoints_are_found_beside_the_study(tmp_path):
    (tmp_path / "tuned.pth.tar").write_bytes(b"")
    found = study(tmp_path, validate={"beside": {"tuned": {"model": "tuned.pth.tar"}}})
    assert found.validation.beside["tuned"] == ChgnetSettings(model=str(tmp_path / "tuned.pth.tar"))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"aimd": None, "md": {"temperatures_K": [300], "length_ps": 9}}, "validate: there is no aimd to judge by"),
        ({"validate": {"thresholds": {"diffusivity_factr": 2}}}, "did you mean diffusivity_factor"),
        ({"validate": {"thresholds": {"diffusivity_factor": None}}}, "diffusivity_factor"),
        ({"validate": {"thresholds": {"diffusivity_factor": 0.5}}}, "greater than 1"),
        ({"validat": {}}, "did you mean validate"),
        ({"validate": {"length_ps": 2}}, "validate: equilibration_ps = 2.5 leaves nothing of length_ps = 2"),
        ({"validate": {"npt": {"length_ps": 1}}}, "equilibration_ps = 5.0 leaves nothing of length_ps = 1.0"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, changed, said):
    with pytest.raises(InputError, match=said):
        study(tmp_path, **changed).plan()
