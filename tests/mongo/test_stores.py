"""Trajectories of the sizes people run go into both kinds of JobStore and come back bit for bit."""

import base64
import hashlib

import numpy as np
import pytest

from sample_runs import CELL, segments, store_segment
from superionic.builders.runs import load_segments
from superionic.settings import SuperionicSettings
from superionic.stores import describe, open_stores, orphaned_blobs, remove_orphaned_blobs
from superionic.trajectories.codec import FrameWriter, pack
from superionic.trajectories.stitch import open_frames

pytestmark = pytest.mark.mongo
N_SEGMENTS = 5


@pytest.fixture(params=["monty", "mongo"])
def stores(request, tmp_path):
    if request.param == "monty":
        opened = open_stores(SuperionicSettings(store_dir=tmp_path, jobflow_config=None))
    else:
        cluster = request.getfixturevalue("cluster")
        cluster.run("superionic", "init", "--mongo", cluster.uri)
        settings = SuperionicSettings(jobflow_config=cluster.home / "superionic" / "jobflow.yaml")
        opened = open_stores(settings)
        assert cluster.database in describe(opened.jobs.docs_store)
    with opened.connected() as connected:
        yield connected


def frames_of(number, n_frames, n_atoms):
    """A vibrating crystal, different in every segment, on the grid of the stored precision."""
    rng = np.random.default_rng(number)
    noise = rng.normal(scale=0.05, size=(1000, n_atoms, 3)).cumsum(axis=0)
    return np.round(np.tile(noise, (n_frames // 1000, 1, 1)) + number, 4)


def segment_of(number, n_frames, n_atoms, folder):
    (template,) = segments(run_id="long", n_segments=1, frames_each=10)
    writer = FrameWriter(folder / str(number), n_atoms)
    for step, positions in enumerate(frames_of(number, n_frames, n_atoms)):
        writer.append(
            step, positions, CELL, potential_energy_eV=-step, conserved_energy_eV=1 / (step + 1), temperature_K=700.0
        )
    writer.close()
    packed = pack(folder / str(number))
    return template.model_copy(
        update={
            "segment": number,
            "n_segments": N_SEGMENTS,
            "n_frames": n_frames,
            "n_atoms": n_atoms,
            "sha256": hashlib.sha256(packed).hexdigest(),
            "n_bytes": len(packed),
            "payload": base64.b64encode(packed).decode(),
        }
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_frames", "n_atoms"), [(100_000, 80), (50_000, 160)], ids=["200 ps x 80 every step", "1 ns x 160 every 10th"]
)
def test_a_long_run_comes_back_bit_for_bit(stores, tmp_path, n_frames, n_atoms):
    each = n_frames // N_SEGMENTS
    wanted = [segment_of(number, each, n_atoms, tmp_path) for number in range(N_SEGMENTS)]
    for segment in wanted:
        store_segment(stores.jobs, segment)
    found = sorted(load_segments(stores.jobs, "long"), key=lambda segment: segment.segment)
    assert sum(segment.n_bytes for segment in found) > 8e6  # of real size, not squeezed to nothing
    for number, (segment, original) in enumerate(zip(found, wanted, strict=True)):
        assert segment == original
        positions = open_frames(segment).positions_A()
        assert positions.shape == (each, n_atoms, 3)
        assert np.array_equal(np.round(positions, 4), frames_of(number, each, n_atoms))


def test_blobs_that_no_job_names_are_found_and_removed(stores):
    first, second = segments()
    store_segment(stores.jobs, first)
    store_segment(stores.jobs, second)
    assert orphaned_blobs(stores.jobs) == []
    store_segment(stores.jobs, second)  # run again: its first blob is nobody's now
    assert len(orphaned_blobs(stores.jobs)) == 1
    assert remove_orphaned_blobs(stores.jobs) == 1
    assert orphaned_blobs(stores.jobs) == []
    assert len(load_segments(stores.jobs, first.run_id)) == 2
