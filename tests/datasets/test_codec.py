"""Labelled frames come back from a store to the last bit, and what is damaged is refused by name."""

import json
from dataclasses import replace

import numpy as np
import pytest
from monty.json import MontyEncoder

from labels import PBESOL, frames
from superionic.datasets.codec import content_digest, pack_bare_frames, pack_frames, unpack_bare_frames, unpack_frames
from superionic.datasets.document import dataset_document, dataset_frames
from superionic.datasets.frames import LabelledFrames
from superionic.documents.dataset import DatasetDocument
from superionic.errors import InputError, StoreError


def same(first, second):
    """Whether two frames hold the same bits."""
    arrays = ("numbers", "positions_A", "cell_A", "forces_eV_per_A", "stress_eV_per_A3", "magnetic_moments_muB")
    plain = ("origin", "energy_eV", "reference", "split")
    return all(np.array_equal(getattr(first, n), getattr(second, n)) for n in arrays if getattr(first, n) is not None) \
        and all((getattr(first, n) is None) == (getattr(second, n) is None) for n in arrays) \
        and all(getattr(first, n) == getattr(second, n) for n in plain)  # fmt: skip


@pytest.fixture
def mixed():
    """Frames of different sizes and references, some without stress, one with magnetic moments, dealt out."""
    a, b, c, d = frames().take(range(4))
    other = PBESOL.model_copy(update={"settings": {"cutoff_Ry": 300}})
    return LabelledFrames((
        replace(a, split="train"),
        replace(b, stress_eV_per_A3=None, split="validation"),
        replace(c, numbers=c.numbers[:3], positions_A=c.positions_A[:3], forces_eV_per_A=c.forces_eV_per_A[:3],
                magnetic_moments_muB=np.array([1.0, -2.0, 0.1]), split="test"),
        replace(d, reference=other),
    ))  # fmt: skip


def test_frames_come_back(mixed):
    back = unpack_frames(pack_frames(mixed))
    assert all(same(*pair) for pair in zip(mixed, back, strict=True))
    assert back.references == mixed.references
    bare = unpack_bare_frames(pack_bare_frames(mixed.frames))
    assert all(
        np.array_equal(x.positions_A, y.positions_A) and x.origin == y.origin for x, y in zip(mixed, bare, strict=True)
    )


def test_a_document_comes_back_through_json(mixed):
    document = dataset_document("mixed", mixed, parents=["before"], notes=["two references"])
    stored = json.loads(json.dumps(document, cls=MontyEncoder))
    read = DatasetDocument.from_stored(stored)
    assert read == document
    assert all(same(*pair) for pair in zip(mixed, dataset_frames(read), strict=True))
    assert (document.n_frames, document.n_with_stress, document.n_with_magnetic_moments) == (4, 3, 1)
    assert document.frames_by_split == {"train": 1, "validation": 1, "test": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"energy_eV": -9173.0},
        {"split": "train"},
        {"reference": PBESOL.model_copy(update={"settings": {"cutoff_Ry": 400}})},
        {"magnetic_moments_muB": np.zeros(20)},
    ],
)
def test_the_version_is_what_the_frames_hold(change):
    few = frames().take(range(3))
    assert content_digest(pack_frames(few)) == content_digest(pack_frames(frames().take(range(3))))
    changed = LabelledFrames((replace(few[0], **change), *few.frames[1:]))
    assert content_digest(pack_frames(changed)) != content_digest(pack_frames(few))
    origin = few[0].origin.model_copy(update={"block": 3})
    moved = LabelledFrames((replace(few[0], origin=origin), *few.frames[1:]))
    assert content_digest(pack_frames(moved)) != content_digest(pack_frames(few))


def test_damage_is_refused():
    document = dataset_document("labels", frames())
    other = dataset_document("labels", frames().take(range(5)))
    swapped = document.model_copy(update={"payload": other.payload})
    with pytest.raises(StoreError, match="checksum"):
        dataset_frames(swapped)
    with pytest.raises(StoreError, match="not a readable archive"):
        unpack_frames(pack_frames(frames())[:-50])
    with pytest.raises(StoreError, match="not base64"):
        dataset_frames(document.model_copy(update={"payload": "?"}))
    with pytest.raises(InputError, match="no frame that can be used"):
        dataset_document("none", LabelledFrames(()))


def test_nothing_pickled_is_read(tmp_path):
    import zipfile
    from io import BytesIO

    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        content = BytesIO()
        np.save(content, np.array([{"a": 1}], dtype=object), allow_pickle=True)
        archive.writestr("n_atoms.npy", content.getvalue())
    with pytest.raises(StoreError, match="not a readable archive"):
        unpack_frames(buffer.getvalue())


def test_parts_of_a_split(mixed):
    with pytest.raises(InputError, match="not split"):
        mixed.part("train")
    dealt = mixed.dealt_out(["train", "train", "test", "test"])
    assert len(dealt.part("test")) == 2
    with pytest.raises(InputError, match="no frame for validation"):
        dealt.part("validation")
