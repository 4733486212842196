"""The codec gives back what was put in, chunk by chunk, and says so when it cannot."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superionic.errors import StoreError
from superionic.trajectories.codec import (
    CHUNK_ATOMS,
    CHUNK_FRAMES,
    SCALARS,
    FrameReader,
    FrameWriter,
    pack,
)
from superionic.trajectories.differences import HIGHEST_ORDER, best_order, difference, restore
from superionic.trajectories.packed import PackedArrays


def write(folder, positions, precision_A=1e-4):
    writer = FrameWriter(folder, positions.shape[1], precision_A)
    for step, frame in enumerate(positions):
        writer.append(
            step, frame, np.eye(3), potential_energy_eV=-step, conserved_energy_eV=0.5, temperature_K=300.0 + step
        )
    writer.close()
    return pack(folder)


@pytest.fixture
def walk():
    rng = np.random.default_rng(1)
    return np.cumsum(rng.normal(scale=0.05, size=(CHUNK_FRAMES * 2 + 37, 5, 3)), axis=0) + 1000.0


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=20),
    st.integers(min_value=0, max_value=HIGHEST_ORDER),
)
def test_differences_are_exact_for_any_integers(values, order):
    """And for the frames and atoms that are wanted, wherever they go."""
    integers = np.stack([np.array(values, dtype=np.int32)] * 3, axis=1)[:, None] * np.array([[1], [-1]], dtype=np.int32)
    stored = np.ascontiguousarray(difference(integers, order).transpose(1, 2, 0))
    everything, out = np.arange(len(integers)), np.zeros_like(integers)
    restore(stored, everything, np.arange(2), order, np.int32(1), out, everything, np.arange(2)[::-1])
    assert np.array_equal(out[:, ::-1], integers)
    some = np.zeros((len(integers), 2, 3))
    restore(stored, everything[::3], np.array([1]), order, 0.5, some, everything[::3], np.array([1]))
    assert np.array_equal(some[::3, 1], 0.5 * integers[::3, 1])
    assert not some[:, 0].any()


def test_signs_are_in_the_lowest_bit():
    assert list(difference(np.array([0, -1, 1, -2, 2], dtype=np.int32), 0)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("sums", [0, 1, 2, 3])
def test_the_order_is_that_which_leaves_noise(sums):
    integers = np.random.default_rng(0).integers(-9, 10, (300, 2)).astype(np.int32)
    for _ in range(sums):
        integers = np.cumsum(integers, axis=0, dtype=np.int32)
    assert best_order(integers) == sums


def test_positions_come_back_within_half_the_precision(tmp_path, walk):
    read = FrameReader(write(tmp_path / "s", walk)).positions_A()
    assert np.abs(read - walk).max() <= 0.5e-4 + 1e-9


def test_lossless_float32(tmp_path, walk):
    read = FrameReader(write(tmp_path / "s", walk, precision_A=None)).positions_A()
    assert np.array_equal(read, walk.astype(np.float32).astype(float))


def test_slices_equal_the_whole(tmp_path, walk):
    reader = FrameReader(write(tmp_path / "s", walk))
    whole = reader.positions_A()
    atoms = np.array([4, 1])
    assert np.array_equal(reader.positions_A(100, 900, 7, atoms), whole[100:900:7][:, atoms])
    assert np.array_equal(reader.positions_A(600, None, 1, np.array([3])), whole[600:, [3]])
    assert np.array_equal(reader.frames_A(np.array([5, 5, 900])), whole[[5, 5, 900]])
    assert reader.frames_A(np.array([], dtype=int)).shape == (0, 5, 3)
    assert reader.positions_A(atoms=np.array([], dtype=int)).shape == (len(walk), 0, 3)
    assert np.array_equal(reader.scalar("temperature_K"), 300.0 + np.arange(len(walk)))


@pytest.mark.parametrize(
    ("frames", "atoms", "message"),
    [
        ([0, 10**6], None, "frame 1000000 is not one of the 1061"),
        ([1061], None, "frame 1061 is not"),
        ([-1], None, "frame -1 is not"),
        ([0], [0, 5], "atom 5 is not one of the 5"),
        ([0], [-1], "atom -1 is not"),
    ],
)
def test_what_is_not_stored_is_never_zeros(tmp_path, walk, frames, atoms, message):
    reader = FrameReader(write(tmp_path / "s", walk))
    with pytest.raises(IndexError, match=message):
        reader.frames_A(np.array(frames), None if atoms is None else np.array(atoms))


@pytest.mark.parametrize("change", [{"data_type": "uint64"}, {"codecs": "not turned"}])
def test_positions_that_are_stored_otherwise_are_refused(tmp_path, walk, change):
    write(tmp_path / "s", walk)
    metadata = tmp_path / "s" / "positions" / "zarr.json"
    content = json.loads(metadata.read_text())
    if "codecs" in change:
        change = {"codecs": content["codecs"][1:]}
    metadata.write_text(json.dumps(content | change))
    with pytest.raises(StoreError, match="run 7: array 'positions' is stored otherwise"):
        FrameReader(pack(tmp_path / "s"), "run 7")


@pytest.fixture
def chunks_read(monkeypatch):
    """Chunks of positions that are decoded."""
    taken = []
    chunk = PackedArrays.chunk

    def counting(self, array, *index):
        if array == "positions":
            taken.append("/".join(map(str, index)))
        return chunk(self, array, *index)

    monkeypatch.setattr(PackedArrays, "chunk", counting)
    return taken


def test_a_slice_decodes_its_own_chunks_only(tmp_path, chunks_read):
    rng = np.random.default_rng(2)
    positions = np.cumsum(rng.normal(scale=0.05, size=(CHUNK_FRAMES * 3 + 10, 3 * CHUNK_ATOMS, 3)), axis=0)
    reader = FrameReader(write(tmp_path / "s", positions))
    chunks_read.clear()
    start, atoms = CHUNK_FRAMES + 5, np.array([CHUNK_ATOMS + 3, 2 * CHUNK_ATOMS - 1])
    read = reader.positions_A(start, start + 20, 3, atoms)
    assert np.abs(read - positions[start : start + 20 : 3][:, atoms]).max() < 1e-4
    assert sorted(chunks_read) == ["1/1/0"]
    chunks_read.clear()
    reader.positions_A(0, None, 2 * CHUNK_FRAMES, np.array([0, 3 * CHUNK_ATOMS - 1]))
    assert sorted(chunks_read) == ["0/0/0", "0/2/0", "2/0/0", "2/2/0"]


def test_same_frames_same_bytes(tmp_path, walk):
    assert write(tmp_path / "a", walk) == write(tmp_path / "b", walk)


def test_chunks_written_together_are_the_same_bytes(tmp_path, walk):
    packed = []
    for chunks_at_once in (1, 2, 8):
        writer = FrameWriter(tmp_path / str(chunks_at_once), walk.shape[1], chunks_at_once=chunks_at_once)
        for step, frame in enumerate(walk):
            writer.append(step, frame, np.eye(3), potential_energy_eV=0.0, conserved_energy_eV=0.0, temperature_K=300.0)
        writer.close()
        packed.append(pack(tmp_path / str(chunks_at_once)))
    assert packed[0] == packed[1] == packed[2]


def test_a_flipped_byte_is_named(tmp_path, walk):
    packed = bytearray(write(tmp_path / "s", walk))
    packed[len(packed) // 2] ^= 0xFF
    with pytest.raises(StoreError, match="run 7"):
        FrameReader(bytes(packed), "run 7").positions_A()


def test_another_format_is_refused_by_name(tmp_path, walk):
    write(tmp_path / "s", walk)
    attributes = tmp_path / "s" / "zarr.json"
    attributes.write_text(attributes.read_text().replace('"format": 2', '"format": 1'))
    with pytest.raises(StoreError, match="run 7 is of format 1: this version reads format 2"):
        FrameReader(pack(tmp_path / "s"), "run 7")


def test_exploded_positions_are_refused(tmp_path):
    with pytest.raises(StoreError, match="explode"):
        write(tmp_path / "s", np.full((3, 2, 3), np.nan))


def test_a_smooth_run_takes_little_room(tmp_path):
    time = np.arange(5000)[:, None, None] * 0.05
    phase = np.random.default_rng(0).uniform(0, 6, (1, 20, 3))
    positions = 0.2 * np.sin(time + phase) + 5
    assert len(write(tmp_path / "s", positions)) < 5000 * 20 * 3 * 0.6
    assert len(write(tmp_path / "lossless", positions, precision_A=None)) < 5000 * 20 * 3 * 1.6


@pytest.fixture
def some_frames(tmp_path, walk):
    """Velocities every seventh frame, forces every fifth, stress every tenth; and what went in."""
    rng = np.random.default_rng(1)
    given = {
        "velocities_A_per_ps": rng.normal(size=walk.shape),
        "forces_eV_per_A": rng.normal(size=walk.shape),
        "stress_eV_per_A3": rng.normal(size=(len(walk), 3, 3)),
    }
    writer = FrameWriter(tmp_path / "s", walk.shape[1])
    for number, frame in enumerate(walk):
        some = {name: given[name][number] if number % every == 0 else None for name, every in EVERY.items()}
        writer.append(10 * number, frame, np.eye(3), **some, **dict.fromkeys(SCALARS, 0.0))
    writer.close()
    return FrameReader(pack(tmp_path / "s")), given


EVERY = {"velocities_A_per_ps": 7, "forces_eV_per_A": 5, "stress_eV_per_A3": 10}


@pytest.mark.parametrize(("name", "every"), EVERY.items())
def test_what_some_frames_hold_is_stored_with_their_steps_to_the_stated_precision(some_frames, walk, name, every):
    reader, given = some_frames
    steps, stored = reader.some(name)
    assert np.array_equal(steps, 10 * np.arange(len(walk))[::every])
    if name == "stress_eV_per_A3":
        assert np.array_equal(stored, given[name][::every])
    else:
        assert np.array_equal(stored, given[name][::every].astype(np.float32))
        assert np.abs(stored / given[name][::every] - 1).max() < 6e-8
    assert len(reader) == len(walk)


@pytest.mark.parametrize("name", EVERY)
def test_what_no_frame_holds_is_not_there(tmp_path, walk, name):
    reader = FrameReader(write(tmp_path / "s", walk))
    steps, stored = reader.some(name)
    shape = (0, 3, 3) if name == "stress_eV_per_A3" else (0, walk.shape[1], 3)
    assert (steps.shape, stored.shape) == ((0,), shape)
