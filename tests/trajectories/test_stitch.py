"""Segments that are not one whole run are named; none of them becomes a number."""

from dataclasses import replace

import numpy as np
import pytest

from stored_walk import stored_segment
from superionic.analysis import diffusivity
from superionic.errors import InputError, StoreError
from superionic.trajectories import from_arrays, stitch


@pytest.fixture
def run(rng):
    walk = np.cumsum(0.1 * rng.normal(size=(300, 6, 3)), axis=0) + 5.0
    return from_arrays(walk, np.eye(3) * 10, ["Li"] * 3 + ["Cl"] * 3, 0.1, 700.0, "Li")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def parts(run, tmp_path):
    run = replace(run, temperatures_K=np.full(300, 700.0))
    return [stored_segment(run, tmp_path, n, 100 * n, 100 * (n + 1)) for n in range(3)]


def test_segments_in_any_order_are_the_run(run, parts):
    np.testing.assert_allclose(stitch([parts[k] for k in (1, 2, 0)]).decoded().positions_A, run.positions_A, atol=1e-4)


def test_segments_on_disk_are_the_same_and_their_payloads_are_let_go(parts, tmp_path):
    spooled = stitch(iter(parts), spool=tmp_path)
    np.testing.assert_array_equal(spooled.decoded().positions_A, stitch(parts).decoded().positions_A)
    assert sorted(file.name for file in tmp_path.glob("*.zip")) == [f"segment-{n}.zip" for n in range(3)]


def test_a_missing_segment(parts):
    with pytest.raises(StoreError, match="segment 1 is missing"):
        stitch([parts[0], parts[2]])


def test_a_doubled_segment(parts):
    with pytest.raises(StoreError, match="segment 1 is doubled"):
        stitch([*parts, parts[1]])


def test_segments_of_two_runs(parts):
    with pytest.raises(StoreError, match="runs run and other cannot be joined"):
        stitch([parts[0], parts[1].model_copy(update={"run_id": "other"})])


def test_a_segment_that_starts_where_the_last_one_did_not_end(parts):
    with pytest.raises(StoreError, match="segment 1 starts at step 150, not at 99"):
        stitch([parts[0], parts[1].model_copy(update={"first_step": 150}), parts[2]])


def test_no_segment():
    with pytest.raises(StoreError, match="no segments"):
        stitch([])


def test_a_payload_that_was_changed(parts):
    with pytest.raises(StoreError, match="segment 2 of run run: the payload fails its checksum"):
        stitch([*parts[:2], parts[2].model_copy(update={"payload": parts[1].payload})])


def test_a_stored_run_of_one_frame_or_without_mobile_ions_is_refused(run, tmp_path):
    run = replace(run, temperatures_K=np.full(300, 700.0))
    one = stitch([stored_segment(run, tmp_path, 0, 1, 2)])
    with pytest.raises(InputError, match="leaves 1 of 1 frames"):
        diffusivity(one)
    (tmp_path / "other").mkdir()
    segment = stored_segment(run, tmp_path / "other", 0, 0, 300)
    foreign = segment.model_copy(update={"identity": segment.identity.model_copy(update={"mobile_species": "Na"})})
    with pytest.raises(InputError, match="mobile_species = 'Na'"):
        diffusivity(stitch([foreign]))
