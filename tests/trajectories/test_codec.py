"""The codec gives back what was put in, chunk by chunk, and says so when it cannot."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superionic.errors import StoreError
from superionic.trajectories.codec import (
    CHUNK_FRAMES,
    FrameReader,
    FrameWriter,
    accumulate_twice,
    difference_twice,
    pack,
)


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
@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=20))
def test_second_differences_are_exact_for_any_integers(values):
    integers = np.array(values, dtype=np.int32)
    with np.errstate(over="ignore"):
        assert np.array_equal(accumulate_twice(difference_twice(integers)), integers)


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
    assert np.array_equal(reader.scalar("temperature_K"), 300.0 + np.arange(len(walk)))


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


def test_exploded_positions_are_refused(tmp_path):
    with pytest.raises(StoreError, match="explode"):
        write(tmp_path / "s", np.full((3, 2, 3), np.nan))


def test_a_smooth_run_takes_little_room(tmp_path):
    time = np.arange(5000)[:, None, None] * 0.05
    phase = np.random.default_rng(0).uniform(0, 6, (1, 20, 3))
    packed = write(tmp_path / "s", 0.2 * np.sin(time + phase) + 5)
    assert len(packed) < 5000 * 20 * 3 * 2
