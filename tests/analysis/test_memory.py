"""A run that does not fit into memory is read in parts, and gives the numbers that it would give in memory."""

import errno
import io
import os
import tempfile
from itertools import pairwise

import numpy as np
import pytest

from same_documents import assert_same
from stored_walk import stored_segment
from superionic.analysis import diffusivity
from superionic.analysis.ion_groups import IonGroups, groups_of
from superionic.analysis.memory import default_memory_bytes
from superionic.analysis.motion import analysed_positions, read_motion
from superionic.documents import AnalysisSettings
from superionic.errors import InputError
from superionic.trajectories import from_arrays, stitch
from superionic.trajectories.codec import CHUNK_FRAMES, FrameReader
from superionic.trajectories.stored import StoredPositions

BORDERS = (0, 700, 1100, 2000)
PER_ION_GB = 2000 * 24 / 1e9


@pytest.fixture
def stored(make_run, tmp_path):
    run, _ = make_run(scale=0.3)
    parts = [stored_segment(run, tmp_path, n, a, b) for n, (a, b) in enumerate(pairwise(BORDERS))]
    return run, stitch(parts, spool=tmp_path)


def watched(groups, read):
    for ions, group in groups:
        read.append(group.shape[0] * group.shape[1])
        yield ions, group


def test_a_run_that_is_read_in_parts_is_decoded_once(stored, monkeypatch):
    """And framework ions no more than once again: it is what takes the time."""
    _, run = stored
    decoded, decode = [], FrameReader.frames_A

    def count(self, wanted, atoms=None):
        starts = np.unique(wanted // CHUNK_FRAMES)
        decoded.append(len(starts) * (1.0 if atoms is None else 0.5))
        return decode(self, wanted, atoms)

    monkeypatch.setattr(FrameReader, "frames_A", count)
    monkeypatch.setattr("superionic.analysis.frames._VALUES_AT_ONCE", 1)  # so that a chunk is read at a time
    motion, _ = read_motion(run, 2.5 * PER_ION_GB * 1e9)
    n_chunks = sum(-(-(b - a) // CHUNK_FRAMES) for a, b in pairwise(BORDERS))
    assert sum(decoded) == n_chunks
    assert sum(1 for _ in motion.mobile_A.groups()) == 24
    assert sum(1 for _ in motion.of(run.framework).groups()) == 56
    assert sum(decoded) == 1.5 * n_chunks


def test_a_full_disk_is_an_error_that_says_what_to_do(stored, monkeypatch):
    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(InputError, match=r"No space left.*memory_GB.*TMPDIR"):
        diffusivity(stored[1], memory_GB=PER_ION_GB)


def test_groups_are_sliced_like_an_array(rng):
    whole = rng.normal(size=(50, 7, 3))
    groups = IonGroups(50, 7, 3)
    for start in range(0, 50, 8):
        groups[start : start + 8] = whole[start : start + 8]
    for part in (slice(None), slice(5, 20), slice(-1, None), slice(0, 1)):
        read = np.empty_like(whole[part])
        for ions, group in groups[part].groups():
            read[:, ions] = group
        np.testing.assert_array_equal(read, whole[part])
    np.testing.assert_array_equal(next(groups[10:40][5:8].groups())[1], whole[15:18, :3])


@pytest.mark.parametrize("n_ions", [0.5, 5, 11])
def test_every_number_is_that_of_the_run_in_memory(stored, layered_host, n_ions, monkeypatch):
    _, run = stored
    settings = AnalysisSettings(directions=[(1, 0, 1)])
    whole = diffusivity(run.decoded(), layered_host, settings)
    read, read_groups = [], IonGroups.groups
    monkeypatch.setattr(IonGroups, "groups", lambda self: watched(read_groups(self), read))
    monkeypatch.delattr(StoredPositions, "__array__")  # nothing decodes all of it
    in_parts = diffusivity(run, layered_host, settings, memory_GB=2.5 * n_ions * PER_ION_GB)
    assert 0 < max(read) <= max(1, n_ions) * 2000
    assert_same(in_parts, whole)


def test_enough_memory_reads_the_run_once(stored, monkeypatch):
    _, run = stored
    monkeypatch.delattr(IonGroups, "groups")
    assert read_motion(run, 1.5 * 24 * PER_ION_GB * 1e9)[0].mobile_A.shape == (2000, 24, 3)
    assert default_memory_bytes() > 1e6
    diffusivity(run)


def test_a_breathing_cell_is_read_in_parts_too(stored, rng):
    run, _ = stored
    cells = run.cell_A * (1 + 0.01 * rng.normal(size=(2000, 1, 1)))
    positions = run.positions_A @ np.linalg.inv(run.cell_A) @ cells
    breathing = from_arrays(positions, cells, run.species, 0.1, 700.0, "Li", equilibration_ps=5.0)
    assert_same(diffusivity(breathing, memory_GB=PER_ION_GB), diffusivity(breathing))


def test_stored_positions_are_indexed_like_an_array(stored):
    _, run = stored
    whole, lazy = np.asarray(run.positions_A), run.positions_A
    assert lazy.shape == whole.shape
    atoms = np.array([70, 3, 40])
    for frames in (slice(650, 1200, 7), slice(None, None, -300), np.array([3, 1999, 700, 699]), 1100, -1):
        np.testing.assert_array_equal(lazy[frames], whole[frames])
        np.testing.assert_array_equal(lazy[frames, atoms], whole[frames][..., atoms, :])
    assert lazy[5:5].shape == (0, 80, 3)


def test_other_ions_are_read_relative_to_the_framework(stored):
    _, run = stored
    framework = run.framework
    parts = np.empty((2000, len(framework), 3))
    for ions, group in groups_of(read_motion(run)[0].of(framework)):
        parts[:, ions] = group
    np.testing.assert_allclose(parts, analysed_positions(run, framework), atol=1e-9)
