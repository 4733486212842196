"""Frames labelled by VASP's static calculations: atomate2's Maker and custodian, over the stand-in executable."""

import contextlib
from functools import partial

import numpy as np
import pytest

import fake_vasp
from salt_crystal import MIXED
from superionic.datasets.checks import admitted
from superionic.datasets.frames import BareFrame
from superionic.datasets.journal import journal_of
from superionic.datasets.labelling import label_frames
from superionic.datasets.references import reference_of
from superionic.datasets.sources import Given, read_labels
from superionic.documents import FrameOrigin, VaspSettings
from superionic.documents.dataset_checks import DatasetChecks
from superionic.potentials.load import opened

VASP = VaspSettings(family="vasp")


@pytest.fixture
def vasp(tmp_path, monkeypatch):
    fake_vasp.install(tmp_path, monkeypatch, Li_sv=3.0, Cl=7.0)
    with contextlib.chdir(tmp_path):
        yield tmp_path


def frames(n=3):
    rng = np.random.default_rng(0)
    return [
        BareFrame(
            np.array(MIXED.atomic_numbers),
            MIXED.cart_coords + rng.normal(scale=0.1, size=(8, 3)),
            MIXED.lattice.matrix,
            FrameOrigin(run="salt", index=index, structure="S"),
        )
        for index in range(n)
    ]


def test_labels_are_vasps_and_are_done_once(vasp):
    describe = partial(reference_of, VASP, elements=["Li", "Cl"])
    with opened(VASP) as potential:
        journal = journal_of(describe(potential.reference), vasp / "labels")
        first = label_frames(frames(2), potential, describe, journal)
        whole = label_frames(frames(), potential, describe, journal)
    assert first.whole
    assert whole.n_before == 2
    candidates = read_labels(journal.path, Given()).candidates
    result = admitted(candidates, DatasetChecks(max_net_force_eV_per_A=10))  # wells hold the atoms of the stand-in
    assert result.excluded == []
    (reference,) = result.frames.references
    assert reference.potential.package_version == "6.4.3"
    assert len(reference.potential.sha256) == 64
    assert reference.settings["label"] == {"encut_eV": 450, "ediff_eV": 1e-6, "k_mesh": [2, 2, 2]}
    assert "aimd" not in reference.settings
    for frame, wanted in zip(result.frames, frames(), strict=True):
        assert np.array_equal(frame.positions_A, wanted.positions_A)
        assert frame.max_force_eV_per_A > 0.01
        assert frame.stress_eV_per_A3 is not None
