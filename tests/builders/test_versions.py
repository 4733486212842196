"""Documents of other versions are built again, read, or named: none is left out of a fit in silence."""

import pytest

from sample_runs import memory_stores, segments, store_end, store_run, store_segment
from superionic.builders import build_documents
from superionic.documents import ArrheniusDocument, DiffusivityDocument
from superionic.errors import StoreError, UnreadableDocumentWarning
from superionic.stores.query import (
    arrhenius_documents,
    comparison_documents,
    diffusivity_document,
    diffusivity_documents,
    failure_documents,
)

TEMPERATURES_K = (700, 800, 900, 1000)
SINCE_VERSION_0 = ("schema_version", "analysis_version", "build_key", "settings")


@pytest.fixture
def stores():
    with memory_stores().connected() as stores:
        for label in ("O", "ELC"):
            for temperature in TEMPERATURES_K:
                store_run(
                    stores.jobs, run_id=f"{label} {temperature}", temperature_K=temperature, label=label,
                    step_A=0.1 * temperature / 700, seed=temperature, n_segments=1, frames_each=300,
                )  # fmt: skip
        assert build_documents(stores).failures == []
        yield stores


def change(store, key, name, remove=(), **fields):
    found = store.query_one({key: name})
    found = {field: value for field, value in {**found, **fields}.items() if field not in {"_id", *remove}}
    store.remove_docs({key: name})
    store.update(found, key=key)


def change_outputs(stores, run_id, remove=(), **fields):
    for found in list(stores.jobs.docs_store.query({"uuid": run_id})):
        found["output"] = {k: v for k, v in {**found["output"], **fields}.items() if k not in remove}
        found.pop("_id")
        stores.jobs.docs_store.update(found, key=["uuid", "index"])


def fit_of(stores, label="O"):
    (fit,) = arrhenius_documents(stores, {"identity.label": label})
    return fit


@pytest.mark.parametrize(
    "remove",
    [SINCE_VERSION_0, ["hops_per_ion"], ["build_key"]],
    ids=["version 0", "a required field is missing", "not known what it was built from"],
)
def test_an_older_or_broken_document_of_a_run_is_built_again_and_no_fit_loses_a_point(stores, remove):
    before = fit_of(stores)
    change(stores.diffusivity, "run_id", "O 800", remove)
    built = build_documents(stores)
    assert (built.diffusivity, built.failures) == (1, [])
    assert fit_of(stores).n_points == before.n_points == 4
    assert fit_of(stores).activation_energy_eV == before.activation_energy_eV


def test_what_cannot_be_read_is_a_warning_and_the_others_are_given(stores):
    change(stores.diffusivity, "run_id", "O 800", ["hops_per_ion"])
    with pytest.warns(UnreadableDocumentWarning, match="run_id 'O 800' cannot be read"):
        assert len(diffusivity_documents(stores)) == 7
    with pytest.raises(StoreError, match="hops_per_ion"):
        diffusivity_document(stores, "O 800")


def test_everything_of_an_older_analysis_is_built_again(stores, monkeypatch):
    for model in (DiffusivityDocument, ArrheniusDocument):
        monkeypatch.setattr(model.model_fields["analysis_version"], "default", 2)
    built = build_documents(stores)
    assert (built.diffusivity, built.arrhenius, built.comparison, built.failures) == (8, 2, 1, [])


def test_a_document_of_a_newer_version_is_left_alone_and_its_fit_is_refused_by_name(stores):
    for version in ({"schema_version": 2}, {"schema_version": 1, "analysis_version": 2}):
        change(stores.diffusivity, "run_id", "O 800", **version)
        before = stores.diffusivity.query_one({"run_id": "O 800"})
        built = build_documents(stores)
        assert stores.diffusivity.query_one({"run_id": "O 800"}) == before
        assert any(failure.startswith("group synthetic / O") and "'O 800'" in failure for failure in built.failures)
        assert any(failure.startswith("diffusivity document of run_id 'O 800'") for failure in built.failures)
        assert all("upgrade superionic" in failure for failure in built.failures)
        assert arrhenius_documents(stores, {"identity.label": "O"}) == []  # no fit of three points of four
        assert fit_of(stores, "ELC").n_points == 4
        (failure,) = failure_documents(stores, {"identity.label": "O"})
        assert "O 800" in failure.reason


def test_newer_fits_and_comparisons_are_left_alone(stores):
    group = fit_of(stores).group
    (comparison,) = comparison_documents(stores)
    change(stores.arrhenius, "group", group, schema_version=2)
    store_run(stores.jobs, run_id="O 850", temperature_K=850, label="O", step_A=0.12, n_segments=1, frames_each=300)
    failures = build_documents(stores).failures
    assert stores.arrhenius.query_one({"group": group})["schema_version"] == 2
    assert any(failure.startswith(f"arrhenius document of group {group!r}") for failure in failures)
    assert any(failure.startswith("comparison orderings") for failure in failures)
    assert all("upgrade superionic" in failure for failure in failures)
    stores.comparison.remove_docs({})
    stores.comparison.update({**comparison.model_dump(mode="json"), "schema_version": 2}, key="comparison")
    build_documents(stores)
    assert stores.comparison.query_one({})["schema_version"] == 2


def test_a_run_of_an_older_shape_is_read(stores):
    change_outputs(stores, "O 700", ["schema_version", "analysis"])
    stores.diffusivity.remove_docs({"run_id": "O 700"})
    built = build_documents(stores)
    assert (built.diffusivity, built.failures) == (1, [])
    assert fit_of(stores).n_points == 4


@pytest.mark.parametrize(
    ("remove", "fields", "reason"),
    [(["sha256", "length_ps"], {}, "not a whole"), ([], {"schema_version": 2}, "upgrade superionic")],
    ids=["required fields are missing", "newer"],
)
def test_a_run_that_cannot_be_read_is_named_in_its_fit(stores, remove, fields, reason):
    change_outputs(stores, "O 800", remove, **fields)
    stores.diffusivity.remove_docs({"run_id": "O 800"})
    (failure,) = build_documents(stores).failures
    assert failure.startswith("run_id O 800: StoreError: ")
    assert reason in failure
    fit = fit_of(stores)
    assert fit.n_points == 3
    assert [missing.run_id for missing in fit.missing] == ["O 800"]
    assert any("1 of 4 runs have no diffusivity: run O 800" in reason for reason in fit.quality.reasons)


def test_a_fit_that_fails_is_named_in_its_comparison(stores, monkeypatch):
    store_run(stores.jobs, run_id="EHC 700", label="EHC", step_A=0.1, n_segments=1, frames_each=300)
    with monkeypatch.context() as patch:
        patch.setattr("superionic.builders.arrhenius.arrhenius", None)
        build_documents(stores)
    (document,) = comparison_documents(stores)
    assert len(document.members) == 2
    assert any("EHC" in reason for reason in document.quality.reasons)


def test_a_grown_run_changes_its_fit_and_comparison(stores):
    """Keys go from document to document: what is built of another one follows it."""
    *_, second = segments(run_id="O 700", temperature_K=700, step_A=0.1, seed=700, n_segments=2, frames_each=300)
    store_segment(stores.jobs, second)
    store_end(stores.jobs, second)
    built = build_documents(stores)
    assert (built.diffusivity, built.arrhenius, built.comparison) == (1, 1, 1)


def test_a_run_that_failed_and_was_removed_is_no_member_of_its_fit_any_more(stores):
    change_outputs(stores, "O 800", ["sha256", "length_ps"])
    stores.diffusivity.remove_docs({"run_id": "O 800"})
    build_documents(stores)
    assert fit_of(stores).missing
    stores.jobs.docs_store.remove_docs({"uuid": "O 800"})
    assert build_documents(stores).failures == []
    assert fit_of(stores).missing == []
