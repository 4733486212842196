"""What a study says about its potential becomes that potential or a refusal, and never runs what it should not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from superionic.documents import AseSettings, ChgnetSettings, PotentialSettings, PresetSettings
from superionic.documents.potential import looks_like_a_path
from superionic.errors import InputError, first_error
from superionic.potentials.checks import require_stress
from superionic.potentials.chgnet import SharedPotential, load_chgnet
from superionic.potentials.installed import distribution_of
from superionic.potentials.load import load, opened

SETTINGS = TypeAdapter(PotentialSettings)
LJ = "ase.calculators.lj:LennardJones"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ChgnetSettings()),
        ({"model": "r2scan"}, ChgnetSettings(model="r2scan")),
        ({"family": "CHGNet", "device": "cpu"}, ChgnetSettings()),
        ({"family": "SevenNet"}, PresetSettings(family="sevennet")),
        ({"family": "mace", "model": "small"}, PresetSettings(family="mace", model="small")),
        ({"family": "ase", "calculator": LJ}, AseSettings(calculator=LJ)),
    ],
)
def test_settings_by_family(given, expected):
    assert SETTINGS.validate_python(given) == expected
    assert SETTINGS.validate_python(SETTINGS.dump_python(expected, mode="json")) == expected


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"family": "chemnet"}, ["chemnet", "chgnet, ase, cp2k, vasp, lammps, mace", "nequip"]),
        ({"family": 7}, ["chgnet, ase, cp2k, vasp, lammps, mace"]),
        ({"family": "sevennet", "kernels": "fused"}, ["kernels"]),
        ({"family": "ase"}, ["calculator"]),
        ({"family": "ase", "calculator": "lj.py"}, ["calculator"]),
        ({"family": "ase", "calculator": "../lj:LJ"}, ["calculator"]),
        ({"family": "ase", "calculator": LJ, "kwargs": {"a": [{"@module": "os"}]}}, ["@module", "plain data"]),
    ],
)
def test_settings_that_are_refused(given, words):
    with pytest.raises(ValidationError) as error:
        SETTINGS.validate_python(given)
    for word in words:
        assert word in str(error.value)
    assert first_error(error.value)


@pytest.mark.parametrize(("name", "is_path"), [
    ("0.3.0", False), ("r2scan", False), ("7net-0", False), ("mattersim-v1.0.0-1M", False), ("medium-mpa-0", False),
    ("tuned.pth", True), ("bestE_epoch3.pth.tar", True), ("./tuned", True), ("runs/0.3.0", True), ("~/w.model", True),
])  # fmt: skip
def test_a_path_looks_like_one(name, is_path):
    assert looks_like_a_path(name) == is_path


def test_files_beside_the_study_are_found(tmp_path):
    for name in ("tuned.pth", "0.3.0", "7net-0", "table.json"):
        (tmp_path / name).write_text("weights")
    here = tmp_path.resolve()
    assert ChgnetSettings(model="tuned.pth").beside(tmp_path).model == str(here / "tuned.pth")
    assert ChgnetSettings(model="0.3.0").beside(tmp_path).model == "0.3.0"
    assert ChgnetSettings(model="./0.3.0").beside(tmp_path).model == str(here / "0.3.0")
    assert PresetSettings(family="sevennet", model="7net-0").beside(tmp_path).model == "7net-0"
    kwargs = {"paths": ["table.json", "other.json"], "name": "0.3.0"}
    found = AseSettings(calculator=LJ, kwargs=kwargs).beside(tmp_path).kwargs
    assert found == {"paths": [str(here / "table.json"), "other.json"], "name": "0.3.0"}


def test_a_file_of_a_published_name_never_replaces_the_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("0.3.0", "7net-0", "r2scan"):
        (tmp_path / name).write_text("anything")
    assert load(ChgnetSettings()).reference == load_chgnet("0.3.0").reference
    with SharedPotential("0.3.0", "cpu", "fused", idle_s=0.1) as shared:
        assert shared.reference.sha256 == load_chgnet().reference.sha256
    with pytest.raises(InputError, match="neither one of"):
        load(ChgnetSettings(model="weights"))


class Hostile:
    """Runs a command when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_that_would_run_code_is_refused(tmp_path, zipped, monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")  # as importing mace does
    marker, path = tmp_path / "marker", tmp_path / "tuned.pth.tar"
    content = {"model": load_chgnet(kernels="stock")._model.as_dict(), "trainer_args": Hostile(marker)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    for call in (load_chgnet, lambda path: load(ChgnetSettings(model=str(path)))):
        with pytest.raises(InputError, match="re-save it"):
            call(path)
    assert not marker.exists()
    torch.load(path, weights_only=False)  # the trap is real
    assert marker.exists()


def test_what_chgnets_trainer_writes_is_read(tmp_path):
    from chgnet.trainer import Trainer

    model = load_chgnet(kernels="stock")._model
    trainer = Trainer(model=model, targets="ef", optimizer="Adam", scheduler="CosLR", epochs=2, use_device="cpu")
    trainer.training_history = {"e": {"train": [0.1], "val": [0.2]}, "f": {"train": [0.1], "val": [0.2]}}
    trainer.save_checkpoint(0, {"e": 0.2, "f": 0.2}, str(tmp_path))
    [best] = tmp_path.glob("bestE*")
    tuned, published = load(ChgnetSettings(model=str(best))), load(ChgnetSettings())
    assert tuned.reference.origin == "fine-tuned"
    system = ([11, 17], [[0, 0, 0], [2.0, 2.0, 2.1]], 4.0 * np.eye(3))
    energies = [potential.session(system[0]).evaluate(*system[1:]).energy_eV for potential in (tuned, published)]
    assert energies[0] == energies[1]


def test_what_ran_is_named_exactly(tmp_path):
    (tmp_path / "weights.json").write_text("{}")
    lj = load(AseSettings(calculator=LJ, kwargs={"sigma": 2.5, "rc": 6.0}))
    assert lj.reference.model == f"{LJ}(sigma=2.5, rc=6.0)"
    assert lj.reference.package_version == f"ase {version('ase')}"
    assert (lj.reference.family, lj.reference.sha256) == ("ASE", None)
    named = {"label": str(tmp_path / "weights.json")}
    emt = load(AseSettings(calculator="ase.calculators.emt:EMT", kwargs=named))
    assert emt.reference.sha256 == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_unknown_elements_and_arguments_are_refused_by_name():
    with pytest.raises(InputError, match=r"EMT\(\) cannot evaluate .*Li"):
        load(AseSettings(calculator="ase.calculators.emt:EMT")).session([3]).evaluate([[0, 0, 0]], 3 * np.eye(3))
    with pytest.raises(InputError, match="no argument 'sigmma'"):
        load(AseSettings(calculator=LJ, kwargs={"sigmma": 2.5}))
    with pytest.raises(InputError, match="cannot be made"):
        load(AseSettings(calculator="ase.calculators.emt:EMT", kwargs={"asap_cutoff": True, "atoms": 3}))


def test_without_stress_there_is_no_npt():
    without = load(AseSettings(calculator="ase.calculators.test:TestPotential"))
    assert not without.gives_stress
    evaluation = without.session([1, 1]).evaluate([[1, 1, 1], [1, 1, 2.1]], 9 * np.eye(3))
    assert evaluation.stress_eV_per_A3 is None
    with pytest.raises(InputError, match=r"TestPotential.* gives no stress, which md.ensemble: npt needs"):
        require_stress(without, "md.ensemble: npt")


@pytest.mark.parametrize("import_path", ["pandas:read_pickle", "numpy:load", "ase.io:read", "ase:Atoms"])
def test_only_calculators_are_called(import_path, tmp_path):
    with pytest.raises(InputError, match="nothing else is called"):
        load(AseSettings(calculator=import_path, kwargs={"filepath_or_buffer": str(tmp_path / "x.pkl")}))


@pytest.mark.parametrize("import_path", ["os:system", "subprocess:Popen", "no_such_module:Calculator", "ase.nothing:X"])
def test_only_installed_packages_are_imported(import_path):
    with pytest.raises(InputError, match=r"no installed package|not installed|cannot be imported"):
        load(AseSettings(calculator=import_path))


SHADOW = """
from pathlib import Path
Path("marker").touch()
from ase.calculators.emt import EMT
class Mine(EMT): pass
"""


@pytest.mark.parametrize("name", ["mine", "sevenn", "tqdm"])
@pytest.mark.parametrize("disguised", [False, True])
def test_a_file_in_the_working_folder_is_never_imported(tmp_path, name, disguised):
    """Neither under a new name nor in the place of an installed package, nor with metadata beside it."""
    (tmp_path / f"{name}.py").write_text(SHADOW)
    if disguised:
        metadata = tmp_path / f"{name}-9.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.0\n")
        (metadata / "RECORD").write_text(f"{name}.py,,\n")
        (metadata / "top_level.txt").write_text(f"{name}\n")
    code = (
        "import sys; sys.path.insert(0, '')\n"
        "from superionic.documents import AseSettings; from superionic.potentials.load import load\n"
        f"load(AseSettings(calculator='{name}:Mine'))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert "comes from no installed package" in done.stderr, done.stderr
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("how", ["pip install --target", "pip install -e", "only on the path"])
def test_a_package_may_be_installed_anywhere(tmp_path, how):
    site, project = tmp_path / "site", tmp_path / "project"
    metadata = site / "mine-9.0.dist-info"
    metadata.mkdir(parents=True)
    project.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 9.0\n")
    (metadata / "RECORD").write_text("mine.py,,\n" if how == "pip install --target" else "__editable__.mine.pth,,\n")
    if how == "pip install -e":
        (metadata / "direct_url.json").write_text(json.dumps({"url": project.as_uri(), "dir_info": {"editable": True}}))
    where = site if how == "pip install --target" else project
    (where / "mine.py").write_text("from ase.calculators.emt import EMT\nclass Mine(EMT): pass\n")
    code = (
        "from superionic.documents import AseSettings; from superionic.potentials import load\n"
        "print(load(AseSettings(calculator='mine:Mine')).reference.package_version)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(site), str(project), *sys.path]))}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    if how == "only on the path":
        assert "comes from no installed package" in done.stderr
    else:
        assert done.stdout.strip() == "mine 9.0", done.stderr


def test_settings_are_data_that_import_nothing():
    settings = AseSettings(calculator="no.such.module:Calculator", kwargs={"depth": [1, {"a": None}]})
    assert AseSettings.from_stored(settings.as_dict()) == settings


def test_an_installed_package_is_found_where_it_is():
    provider = distribution_of("ase")
    assert provider.name == "ase"
    assert Path(str(provider.locate_file("ase"))).is_dir()


@pytest.mark.parametrize("family", ["mattersim", "orb", "nequip", "mace", "matgl"])
def test_a_missing_package_says_what_to_install(family):
    packages = {"mace": "mace-torch", "orb": "orb-models"}
    try:
        version(packages.get(family, family))
    except Exception:  # noqa: BLE001 - it is not there
        with pytest.raises(InputError, match=rf"pip install 'superionic\[{family}\]'"):
            load(PresetSettings(family=family))


def test_a_run_opens_and_closes_its_potential():
    with opened(ChgnetSettings(batch_runs=True)) as shared:
        assert isinstance(shared, SharedPotential)
    with pytest.raises(OSError, match="closed"):
        shared._server.send(0)
