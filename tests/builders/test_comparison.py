"""One comparison for each set of groups that share what is not compared, again only when one of them has changed."""

import pytest

from sample_runs import IDENTITY, memory_stores, store_run
from superionic.builders import ComparisonBuilder, build_documents
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.stores.query import arrhenius_documents, comparison_documents

TUNED = IDENTITY.potential.model_copy(update={"model": "tuned.pth.tar", "origin": "fine-tuned", "sha256": "1" * 64})


@pytest.fixture(params=["memory", "monty"])
def stores(request, tmp_path):
    opened = memory_stores() if request.param == "memory" else open_stores(SuperionicSettings(store_dir=tmp_path))
    with opened.connected() as connected:
        yield connected


def store_ordering(stores, label, temperatures_K=(700, 900), **identity):
    for temperature in temperatures_K:
        store_run(
            stores.jobs, run_id=f"{label} {temperature} {identity}", label=label, temperature_K=temperature,
            step_A=0.1 * temperature / 700, seed=len(label) + temperature, n_segments=1, frames_each=300, **identity,
        )  # fmt: skip


@pytest.fixture
def filled(stores):
    """O and ELC with one potential, O with another one too."""
    store_ordering(stores, "O", ordering_class="ordered")
    store_ordering(stores, "ELC", ordering_class="disordered")
    store_ordering(stores, "O", ordering_class="ordered", potential=TUNED)
    built = build_documents(stores)
    assert (built.arrhenius, built.comparison, built.failures) == (3, 2, [])
    return stores


def by_family(stores):
    return {document.family: document for document in comparison_documents(stores)}


def test_orderings_and_potentials_are_compared(filled):
    found = by_family(filled)
    assert [member.name for member in found["orderings"].members] == ["ELC", "O"]
    assert found["orderings"].reference == "O"
    assert found["orderings"].shared["potential model"] == "0.3.0"
    assert found["potentials"].shared["label"] == "O"
    assert len(found["potentials"].members) == 2
    groups = {document.group: document for document in arrhenius_documents(filled)}
    for document in found.values():
        assert {member.group for member in document.members} < set(groups)
        sources = [s for member in document.members for s in groups[member.group].provenance.sources]
        assert document.provenance.sources == sources


def test_building_again_changes_nothing(filled):
    before = comparison_documents(filled)
    assert build_documents(filled).comparison == 0
    assert comparison_documents(filled) == before


def test_a_grown_group_and_a_new_one_rebuild_the_one_document(filled):
    store_ordering(filled, "ELC", temperatures_K=[1000], ordering_class="disordered")
    assert build_documents(filled).comparison == 1
    store_ordering(filled, "EHC", ordering_class="disordered")
    assert build_documents(filled).comparison == 1
    assert len(comparison_documents(filled)) == 2
    members = {member.name: member for member in by_family(filled)["orderings"].members}
    assert set(members) == {"O", "ELC", "EHC"}
    assert members["ELC"].temperatures_K == [700, 900, 1000]


def test_what_cannot_be_compared_is_recorded_and_tried_again(filled, monkeypatch):
    def broken(*arguments, **options):
        raise ValueError("nothing like it")

    filled.comparison.remove_docs({"family": "orderings"})
    with monkeypatch.context() as patch:
        patch.setattr("superionic.builders.comparison.comparison", broken)
        (failure,) = build_documents(filled).failures
    assert "nothing like it" in failure
    built = build_documents(filled)
    assert (built.comparison, built.failures) == (1, [])


def test_documents_of_groups_that_are_gone_go(filled):
    filled.diffusivity.remove_docs({"identity.label": "ELC"})
    filled.jobs.docs_store.remove_docs({"output.identity.label": "ELC"})
    assert build_documents(filled).failures == []
    assert {document.identity.label for document in arrhenius_documents(filled)} == {"O"}
    assert set(by_family(filled)) == {"potentials"}


def test_killed_after_any_step_the_next_build_makes_the_same_documents(filled):
    """A builder may die between any two writes: what it left out is made, what it made is left alone."""
    wanted = {document.comparison: document.differences for document in comparison_documents(filled)}
    filled.comparison.remove_docs({"family": "orderings"})
    filled.arrhenius.remove_docs({"identity.label": "ELC"})
    builder = ComparisonBuilder(filled.diffusivity, filled.arrhenius, filled.comparison)
    assert list(builder.get_items()) == []  # the fit of ELC is not there: nothing to compare O with
    assert build_documents(filled).failures == []
    assert {document.comparison: document.differences for document in comparison_documents(filled)} == wanted


def test_a_source_that_is_not_whole_is_named_or_left_out_and_the_others_are_compared(filled):
    run = next(document for document in filled.diffusivity.query({"identity.label": "ELC", "temperature_K": 900}))
    run.pop("_id", None)
    filled.diffusivity.update([{**run, "n_frames": "many"}], key="run_id")
    filled.comparison.remove_docs({"family": "orderings"})
    builder = ComparisonBuilder(filled.diffusivity, filled.arrhenius, filled.comparison)
    (item,) = builder.get_items()
    builder.update_targets([builder.process_item(item)])
    members = {member.name: member for member in by_family(filled)["orderings"].members}
    assert members["ELC"].temperatures_K == [700]
    assert "900 K" in members["ELC"].left_out[0]
    assert "missing" in members["ELC"].left_out[0]
