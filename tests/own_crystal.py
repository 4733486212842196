"""A crystal of the user's own, CIF and site table in one folder, and a tiny study of it."""

import shutil

import yaml

from quickstart import small_study
from superionic.builders import build_documents
from superionic.managers.local import run_flow
from superionic.stores.query import diffusivity_documents
from superionic.structures import host as packaged
from superionic.study.load import load_study

NAMES = {"2b": "corner", "4g": "edge", "2c": "top", "4h": "side", "8j": "gate"}


def write_crystal(folder):
    """Li3InCl6 under another name, with sites of other names and a slightly larger cell."""
    source = next(file for file in packaged.files("superionic").joinpath("data/hosts").iterdir() if file.is_dir())
    content = yaml.safe_load((source / "host.yaml").read_text())
    for site in content["sites"]:
        site["label"] = NAMES.get(site["label"], site["label"])
    filling = {NAMES.get(label, label): element for label, element in next(iter(content["fillings"].values())).items()}
    content.update(name="mine", cif="mine.cif", fillings={"start": filling}, labels={})
    folder.mkdir()
    shutil.copy(source / "disordered.cif", folder / "mine.cif")
    (folder / "host.yaml").write_text(yaml.safe_dump(content))
    return folder / "host.yaml"


def run_and_lose_the_files(stores, folder):
    """Run a study of the crystal, remove its files, build; the one diffusivity document."""
    host = write_crystal(folder / "crystal")
    md = {"temperatures_K": [900], "length_ps": 0.2, "equilibration_ps": 0, "segment_length_ps": 0.1, "stride": 2}
    study = load_study(small_study(folder, host=str(host), relax=None, orderings=[{"label": "start"}], md=md))
    run = run_flow(study.plan().flow(), stores.jobs, folder / "work", workers=1)
    assert not run.failed, run.failed
    shutil.rmtree(folder / "crystal")
    assert build_documents(stores).failures == []
    (document,) = diffusivity_documents(stores)
    return document
