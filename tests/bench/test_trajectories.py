"""The benchmark of stored trajectories stores what it says it stores."""

import numpy as np
import pytest

from superionic.bench.in_child import measured
from superionic.bench.long_run import long_run
from superionic.bench.trajectories import _compare, _open, _read, _write
from superionic.bench.trajectory_peers import peers
from superionic.stores.runs import load_segments


@pytest.fixture
def a_run(tmp_path):
    time = np.arange(301)[:, None, None]
    phases = np.random.default_rng(0).uniform(0, 6, (1, 80, 3))
    np.save(tmp_path / "md.npy", 5 + 0.2 * np.sin(0.11 * time + phases))
    return long_run(tmp_path / "md.npy", tmp_path / "walk.npy", 160, 1300, stride=5)


def last(steps):
    *_, value = steps
    return value


def test_parts_of_a_long_run_are_parts_of_the_whole(a_run):
    whole = a_run.frames()
    assert whole.shape == (1300, 160, 3)
    assert np.array_equal(np.concatenate(list(a_run.blocks(400))), whole)
    framework = whole[:, np.array(a_run.species) != "Li"]
    assert np.abs(np.diff(framework, axis=0)).max() < 0.2  # forward and backward without a jump
    assert not np.allclose(framework[:120], framework[120:240], atol=0.01)  # never the same again


def test_what_is_stored_is_what_is_read(a_run, tmp_path):
    store = str(tmp_path / "store")
    assert last(_write(a_run, store)) > 1e5
    assert last(_read(store)) == 1300
    assert last(_compare(a_run, store)) == 0
    with _open(store) as jobs:
        first, *rest = load_segments(jobs, "5a7d0d06-0f5e-4a49-9c3c-0a8f6d1c2b3e")
    assert (first.n_frames, len(rest)) == (1000, 1)  # segments of 10 ps


def test_every_peer_gives_back_all_frames(a_run, tmp_path):
    for peer in peers():
        file = tmp_path / (peer.name.replace(" ", "-") + ".json")
        assert last(peer.write(a_run, file)) == file.stat().st_size
        assert last(peer.read(file)) == 1300


def test_memory_is_that_of_the_work_alone():
    small, large = (measured(_allocate, megabytes) for megabytes in (1, 60))
    assert large.value == 60
    assert 50 < large.memory_MB - small.memory_MB < 70


def _allocate(megabytes):
    before = np.ones(30 * 2**17)
    yield len(before)
    yield len(np.ones(megabytes * 2**17)) >> 17
