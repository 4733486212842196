"""Trajectories of the sizes people run go into both kinds of JobStore and come back bit for bit."""

import base64
import hashlib
import re
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sample_runs import CELL, segments, store_segment
from superionic.cli.clean import command as clean_command
from superionic.documents import MDRunDocument, Provenance
from superionic.managers.journal import Journal
from superionic.managers.store_run import store_run
from superionic.settings import SuperionicSettings
from superionic.stores.blobs import orphaned_blobs
from superionic.stores.connecting import open_stores
from superionic.stores.runs import load_segments
from superionic.trajectories.codec import FrameWriter, pack
from superionic.trajectories.stitch import open_frames

pytestmark = pytest.mark.mongo
N_SEGMENTS = 5


@pytest.fixture(params=["monty", "mongo"])
def environment(request, tmp_path):
    """Variables by which superionic finds an empty store."""
    if request.param == "monty":
        return {"SUPERIONIC_STORE_DIR": str(tmp_path)}
    cluster = request.getfixturevalue("cluster")
    cluster.run("superionic", "init", "--mongo", cluster.uri)
    folder = cluster.home / "superionic"
    return {"SUPERIONIC_JOBFLOW_CONFIG": str(folder / "jobflow.yaml"), "SUPERIONIC_WORKERS": "1"}


@pytest.fixture
def stores(environment, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with open_stores(SuperionicSettings()).connected() as connected:
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


def clean(settings, *arguments):
    done = CliRunner().invoke(clean_command, arguments, env=settings)
    return done.output if done.exception is None else str(done.exception)


def test_blobs_that_no_job_names_are_found_and_removed_only_when_told_and_while_nothing_runs(
    stores, environment, monkeypatch
):
    monkeypatch.setattr("superionic.cli.clean._PAUSE_S", 0)
    first, second = segments()
    store_segment(stores.jobs, first)
    store_segment(stores.jobs, second)
    assert "every blob belongs to a job" in clean(environment, "--yes")
    store_segment(stores.jobs, second)  # run again: its first blob is nobody's now
    assert "1 blobs that no job names: --yes removes them" in clean(environment)
    assert len(orphaned_blobs(stores.jobs)) == 1
    with at_work(stores, environment):
        assert re.search("another local run is at work|1 jobs are at work", clean(environment, "--yes"))
    assert len(orphaned_blobs(stores.jobs)) == 1
    assert "removed 1 blobs" in clean(environment, "--yes")
    assert orphaned_blobs(stores.jobs) == set()
    assert len(load_segments(stores.jobs, first.run_id)) == 2


@contextmanager
def at_work(stores, environment):
    """A local run, or a job in a queue in the same database."""
    if "SUPERIONIC_STORE_DIR" in environment:
        with Journal(Path(environment["SUPERIONIC_STORE_DIR"]) / "journal").locked():
            yield
    else:
        queue = stores.jobs.docs_store._collection.database["queue"]
        queue.insert_one({"state": "RUNNING"})
        yield
        queue.delete_many({})


def test_a_blob_that_gets_its_job_between_two_looks_is_kept(stores, environment, monkeypatch):
    (segment,) = segments(n_segments=1)
    store_segment(stores.jobs, segment)
    (document,) = stores.jobs.docs_store.query()
    stores.jobs.docs_store.remove_docs({})
    assert len(orphaned_blobs(stores.jobs)) == 1
    monkeypatch.setattr("superionic.cli.clean.sleep", lambda _: stores.jobs.docs_store.update(document))
    assert "every blob belongs to a job" in clean(environment, "--yes")
    assert len(load_segments(stores.jobs, segment.run_id)) == 1


def test_trajectories_whose_job_documents_are_lost_are_never_cleaned_away(stores, environment, monkeypatch):
    monkeypatch.setattr("superionic.cli.clean._PAUSE_S", 0)
    for segment in segments():
        store_segment(stores.jobs, segment)
    kept = orphaned_blobs(stores.jobs)
    stores.jobs.docs_store.remove_docs({})
    lost = orphaned_blobs(stores.jobs) - kept
    assert len(lost) == 2
    for words in (["--yes"], ["--yes", "--unstored"]):
        assert "2 blobs and not one job" in clean(environment, *words)
    store_segment(stores.jobs, next(segments(run_id="newer")))  # the collection begins anew
    assert "removed 0 blobs" in (said := clean(environment, "--yes"))
    assert "2 of them stay" in said
    assert orphaned_blobs(stores.jobs) == lost
    assert "removed 2 blobs" in clean(environment, "--yes", "--unstored")
    assert orphaned_blobs(stores.jobs) == set()


def test_an_import_that_was_killed_is_stored_anew_without_a_trace(stores):
    stored = list(segments(n_segments=3))
    with pytest.raises(KeyboardInterrupt):
        store_run(stores.jobs, stored[0].run_id, "import", interrupted(stored[:2]))
    assert stores.jobs.docs_store.count() == 2
    summary = MDRunDocument(
        run_id=stored[0].run_id, identity=stored[0].identity, protocol=stored[0].protocol, n_segments=3, n_steps=15000,
        length_ps=30.0, stop_reason="length reached", provenance=Provenance(),
    )  # fmt: skip
    store_run(stores.jobs, stored[0].run_id, "import", [*stored, summary])
    assert orphaned_blobs(stores.jobs) == set()
    assert load_segments(stores.jobs, stored[0].run_id) == stored


def interrupted(outputs):
    yield from outputs
    raise KeyboardInterrupt
