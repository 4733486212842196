"""Builders make one document a run and a group, again only when a source has changed, whatever some sources are."""

import asyncio

import pytest
from maggma.cli.multiprocessing import multi

from sample_runs import IDENTITY, memory_stores, segments, store_end, store_run, store_segment
from superionic.builders import build_documents
from superionic.builders.diffusivity import DiffusivityBuilder
from superionic.documents import Verdict
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.stores.query import arrhenius_documents, diffusivity_documents


@pytest.fixture(params=["memory", "monty"])
def stores(request, tmp_path):
    opened = memory_stores() if request.param == "memory" else open_stores(SuperionicSettings(store_dir=tmp_path))
    with opened.connected() as connected:
        yield connected


def test_a_run_becomes_a_document_with_its_sources(stores):
    store_run(stores.jobs)
    built = build_documents(stores)
    assert (built.diffusivity, built.arrhenius, built.failures) == (1, 1, [])
    (document,) = diffusivity_documents(stores)
    true_cm2_per_s = 0.2**2 / (2 * 0.02) * 1e-4  # step^2 / 2 dt
    low, high = document.diffusivity_cm2_per_s.interval_95
    assert low * 0.7 < true_cm2_per_s < high * 1.3
    assert [(source.uuid, source.index) for source in document.provenance.sources] == [
        ("run", 1),
        ("run", 2),
        ("run", 3),
    ]
    assert document.n_frames == 1000
    (fit,) = arrhenius_documents(stores)
    assert fit.quality.verdict == Verdict.UNUSABLE  # one temperature
    assert fit.provenance.potential == document.provenance.potential == IDENTITY.potential
    assert fit.provenance.sources == document.provenance.sources


def test_building_again_changes_nothing(stores):
    store_run(stores.jobs)
    build_documents(stores)
    before = diffusivity_documents(stores), arrhenius_documents(stores)
    built = build_documents(stores)
    assert (built.diffusivity, built.arrhenius) == (0, 0)
    assert (diffusivity_documents(stores), arrhenius_documents(stores)) == before


def test_a_grown_run_is_built_again_into_the_same_document(stores):
    first, second = segments()
    store_segment(stores.jobs, first)
    build_documents(stores)
    (young,) = diffusivity_documents(stores)
    assert "not ended" in " ".join(young.quality.reasons)
    store_segment(stores.jobs, second)
    store_end(stores.jobs, second)
    assert build_documents(stores).diffusivity == 1
    (grown,) = diffusivity_documents(stores)
    assert grown.n_frames > young.n_frames
    assert "not ended" not in " ".join(grown.quality.reasons)


def test_frames_stay_in_the_store_until_their_turn_and_little_memory_is_enough(stores):
    store_run(stores.jobs)
    builder = DiffusivityBuilder(stores.jobs, stores.diffusivity, memory_GB=1e-9)
    (item,) = builder.get_items()
    assert len(str(item)) < 2000
    in_parts = builder.process_item(item)
    build_documents(stores)
    (whole,) = diffusivity_documents(stores)
    value = whole.diffusivity_cm2_per_s.value
    assert in_parts["diffusivity_cm2_per_s"]["value"] == pytest.approx(value, rel=1e-6)


def test_a_run_that_ends_is_built_again(stores):
    stored = list(segments())
    for segment in stored:
        store_segment(stores.jobs, segment)
    build_documents(stores)
    store_end(stores.jobs, stored[-1])
    assert build_documents(stores).diffusivity == 1
    (document,) = diffusivity_documents(stores)
    assert "not ended" not in " ".join(document.quality.reasons)


def test_a_run_made_anew_is_built_again(stores):
    stored = store_run(stores.jobs)
    build_documents(stores)
    store_segment(stores.jobs, stored[0], completed_at="2026-06-01T00:00:00")
    assert build_documents(stores).diffusivity == 1
    assert len(diffusivity_documents(stores)) == 1


def test_a_corrupt_source_is_recorded_and_the_others_go_on(stores):
    store_run(stores.jobs, run_id="good", seed=1)
    bad = list(segments(run_id="bad"))
    store_segment(stores.jobs, bad[0].model_copy(update={"sha256": "f" * 64}))
    store_segment(stores.jobs, bad[1])
    built = build_documents(stores)
    assert len(diffusivity_documents(stores)) == 1
    assert len(built.failures) == 1
    assert "segment 0 of run bad" in built.failures[0]
    assert "checksum" in built.failures[0]
    store_segment(stores.jobs, bad[0], completed_at="2026-06-01T00:00:00")
    assert build_documents(stores).failures == []
    assert len(diffusivity_documents(stores)) == 2


def test_a_missing_segment_and_a_missing_blob_are_failures(stores):
    _, second = segments(run_id="gap")
    store_segment(stores.jobs, second)
    (lonely,) = segments(run_id="no blob", n_segments=1)
    store_segment(stores.jobs, lonely)
    stores.jobs.additional_stores["data"].remove_docs({"job_uuid": "no blob"})
    failures = build_documents(stores).failures
    assert len(failures) == 2
    assert any("segment 0 is missing" in failure for failure in failures)
    assert any("no blob" in failure for failure in failures)


def test_an_exploded_run_never_enters_the_fit_silently(stores):
    for number, (temperature, step) in enumerate([(700, 0.10), (800, 0.13), (900, 0.16), (1000, 0.2)]):
        reason = "exploded at step 77: atoms on top of each other" if temperature == 1000 else "length reached"
        store_run(stores.jobs, reason, run_id=f"r{number}", temperature_K=temperature, step_A=step, seed=number)
    assert build_documents(stores).arrhenius == 1
    (fit,) = arrhenius_documents(stores)
    assert fit.n_points == 3
    (excluded,) = [point for point in fit.points if point.excluded]
    assert excluded.temperature_K == 1000
    assert "exploded at step 77" in excluded.reason
    low, high = fit.activation_energy_eV.interval_95
    assert low < 0.24 < high


def test_groups_are_kept_apart_and_a_grown_group_keeps_its_one_document(stores):
    store_run(stores.jobs, run_id="a", label="O", temperature_K=700)
    store_run(stores.jobs, run_id="b", label="ELC", temperature_K=700)
    build_documents(stores)
    assert sorted(fit.identity.label for fit in arrhenius_documents(stores)) == ["ELC", "O"]
    store_run(stores.jobs, run_id="c", label="O", temperature_K=900, step_A=0.3)
    assert build_documents(stores).arrhenius == 1
    fits = {fit.identity.label: fit for fit in arrhenius_documents(stores)}
    assert len(arrhenius_documents(stores)) == 2
    assert fits["O"].n_points == 2


def test_a_group_that_cannot_be_fitted_is_recorded_and_tried_again(stores, monkeypatch):
    def broken(documents, settings, missing):
        raise ValueError("no line through these")

    store_run(stores.jobs, run_id="a", temperature_K=700)
    store_run(stores.jobs, run_id="b", temperature_K=900, step_A=0.3)
    with monkeypatch.context() as patch:
        patch.setattr("superionic.builders.arrhenius.arrhenius", broken)
        (failure,) = build_documents(stores).failures
    assert "no line through these" in failure
    built = build_documents(stores)
    assert (built.diffusivity, built.arrhenius, built.failures) == (0, 1, [])


def test_processes_that_share_an_embedded_store_make_all_documents(tmp_path):
    """As `mrun -n 3` does it; they connect at the same moment."""
    settings = SuperionicSettings(store_dir=tmp_path)
    with open_stores(settings).connected() as stores:
        for number in range(6):
            store_run(stores.jobs, run_id=f"r{number}", seed=number, frames_each=100)
    stores = open_stores(settings)
    asyncio.run(multi(DiffusivityBuilder(stores.jobs, stores.diffusivity), 3, no_bars=True))
    with open_stores(settings).connected() as stores:
        assert not list(stores.diffusivity.query({"kind": "failure"}))
        assert [document.run_id for document in diffusivity_documents(stores)] == [f"r{n}" for n in range(6)]
