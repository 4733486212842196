"""A dataset in, a trained potential out: through a kill, a store, and back by name."""

import base64
import signal
import subprocess
import sys

import numpy as np
import pytest
from jobflow import Flow
from jobflow.managers.local import run_locally

from superionic.datasets.document import dataset_document
from superionic.datasets.frames import LabelledFrames, ReferenceFrame
from superionic.documents.dataset import DatasetDocument, FrameOrigin, LabelReference
from superionic.documents.provenance import PotentialReference
from superionic.documents.trained_potential import TrainedPotentialDocument
from superionic.errors import InputError, StoreError
from superionic.makers.fine_tune import FineTuneMaker
from superionic.potentials.chgnet import load_chgnet
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.stores.potentials import load_trained, trained_potentials
from superionic.training.fine_tune import fine_tune, weights_file
from superionic.training.presets import settings_of
from superionic.training.trained import model_of

QUICK = settings_of("full", n_epochs=3, batch_size=2)


@pytest.fixture(scope="module")
def dataset():
    teacher = load_chgnet("r2scan")
    reference = LabelReference(potential=PotentialReference(family="CHGNet", model="r2scan"))
    rng = np.random.default_rng(2)
    places = 2.8 * np.array([[x, y, z] for x in range(2) for y in range(2) for z in range(2)], dtype=float)
    numbers = np.where(places.sum(axis=1) % 5.6 < 0.1, 11, 17)
    frames = []
    for index, split in enumerate(["train"] * 5 + ["validation"] * 2 + ["test"]):
        positions, cell = places + 0.15 * rng.standard_normal(places.shape), 5.6 * np.eye(3)
        told = teacher.evaluate_batch([(numbers, positions, cell)])[0]
        origin = FrameOrigin(run="made", index=index, structure="salt", temperature_K=300.0 + 100 * (index % 2))
        frames.append(
            ReferenceFrame(
                numbers, positions, cell, origin, told.energy_eV, told.forces_eV_per_A, told.stress_eV_per_A3, None,
                reference, split,
            )
        )  # fmt: skip
    return dataset_document("salt", LabelledFrames(tuple(frames)))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SUPERIONIC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_damaged_state_is_named_and_training_begins_again_without_it(dataset, cache):
    assert fine_tune(dataset, "0.3.0", QUICK, "salty", interrupted=lambda: "now") is None
    (file,) = (cache / "training").glob("*.npz")
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(StoreError, match=f"{file.name}.*cannot be read.*without the file training begins again"):
        fine_tune(dataset, "0.3.0", QUICK, "salty")
    file.unlink()
    assert fine_tune(dataset, "0.3.0", QUICK, "salty", interrupted=lambda: "now") is None


def test_a_document_says_what_was_learned_and_what_it_errs_by(dataset):
    document = fine_tune(dataset, "0.3.0", QUICK, "salty", "full")
    assert document.dataset_versions == [dataset.version]
    assert document.base.model == "0.3.0"
    assert set(document.errors) == set(document.errors_before) == {"train", "validation", "test"}
    before, after = document.errors_before["test"].all, document.errors["test"].all
    assert after.force_mae_meV_per_A < before.force_mae_meV_per_A
    assert set(document.errors["train"].by_element) == {"Na", "Cl"}
    assert set(document.errors["train"].by_temperature_K) == {"300", "400"}
    assert document.foreign_force_error_before_meV_per_A == pytest.approx(136.6, abs=0.1)
    file = weights_file(document)
    assert load_chgnet(file).reference.sha256 == document.sha256
    file.write_bytes(file.read_bytes()[:-9])  # damaged: written anew, never run
    assert load_chgnet(weights_file(document)).reference.sha256 == document.sha256
    other = file.with_name("0" * 64 + ".pth.tar")
    other.write_bytes(file.read_bytes())
    with pytest.raises(InputError, match="not the weights of that SHA-256"):
        load_chgnet(other)


def test_a_killed_training_gives_the_same_weights(dataset, tmp_path, monkeypatch):
    whole = fine_tune(dataset, "0.3.0", QUICK, "salty")
    monkeypatch.setenv("SUPERIONIC_CACHE", str(tmp_path / "other"))
    file = tmp_path / "dataset.json"
    file.write_text(dataset.model_dump_json())
    script = f"""
import os, signal
from pathlib import Path
from superionic.documents.dataset import DatasetDocument
from superionic.training.fine_tune import fine_tune
from superionic.training.presets import settings_of
dataset = DatasetDocument.model_validate_json(Path({str(file)!r}).read_text())
settings = settings_of("full", n_epochs=3, batch_size=2)
kill = lambda state: os.kill(os.getpid(), signal.SIGKILL) if state.step == 5 else None
fine_tune(dataset, "0.3.0", settings, "salty", report=kill)
"""
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    assert DatasetDocument.model_validate_json(file.read_text()).version == dataset.version
    again = fine_tune(dataset, "0.3.0", QUICK, "salty")
    assert again.curves == whole.curves
    assert again.sha256 == whole.sha256


def test_a_stored_potential_is_found_by_name_and_nothing_runs_in_its_place(dataset, tmp_path):
    store = open_stores(SuperionicSettings(store_dir=tmp_path / "store")).jobs
    store.connect()
    job = FineTuneMaker("salty", settings=QUICK, preset="full").make(dataset)
    run_locally(Flow([job]), store=store, log=False, create_folders=True, root_dir=tmp_path, ensure_success=True)
    unreadable = []
    [(uuid, listed)] = trained_potentials(store, unreadable)
    assert not unreadable
    assert listed.payload == ""
    for text in ("salty", uuid, uuid[:8], listed.sha256[:8]):
        document = load_trained(store, text)
        assert isinstance(document, TrainedPotentialDocument)
        assert len(base64.b64decode(document.payload)) == document.n_bytes
        assert load_chgnet(model_of(text, store)).reference.sha256 == listed.sha256
    assert model_of("0.3.0", store) == "0.3.0"
    with pytest.raises(InputError, match="no trained potential is in this store with the name 'sweet'"):
        model_of("sweet", store)


def test_a_dataset_that_is_not_split_is_refused(dataset):
    from superionic.datasets.document import dataset_frames

    frames = dataset_frames(dataset)
    with pytest.raises(InputError, match="no frame for validation"):
        fine_tune(dataset_document("salt", frames.part("train")), "0.3.0", QUICK, "salty")
