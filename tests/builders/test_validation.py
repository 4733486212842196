"""Validations are judged from stored runs, anew only when something has changed, and runs say what they mean."""

import numpy as np
import pytest
from maggma.stores import MemoryStore

from sample_runs import IDENTITY, memory_stores, store_run
from superionic.builders import ValidationBuilder, build_documents
from superionic.documents import PotentialReference, Provenance
from superionic.documents.validation import (
    Outcome,
    Question,
    ValidationDocument,
    ValidationRequest,
    ValidationSubject,
)
from superionic.documents.validation_thresholds import ValidationThresholds
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.stores.query import diffusivity_document

REFERENCE = PotentialReference(family="VASP", model="PBEsol", origin="first principles")
TUNED = PotentialReference(family="CHGNet", model="tuned.pth.tar", origin="fine-tuned", sha256="1" * 64)
TEMPERATURES_K = (700, 800, 900)
LOOSE = ValidationThresholds(radial_distribution=0.4)  # a dozen walkers that ignore each other are anywhere


@pytest.fixture(params=["memory", "monty"])
def stores(request, tmp_path):
    opened = memory_stores() if request.param == "memory" else open_stores(SuperionicSettings(store_dir=tmp_path))
    with opened.connected() as connected:
        yield connected


def store_runs(stores, potential, seed, faster=1.0, frames=1500, temperatures_K=TEMPERATURES_K):
    """Runs with Arrhenius' law; their names."""
    names = []
    for temperature in temperatures_K:
        name = f"{potential.model} {temperature} {seed}"
        diffusivity = 2 * np.exp(3000 * (1 / 800 - 1 / temperature)) * faster
        store_run(
            stores.jobs, run_id=name, temperature_K=temperature, step_A=0.2 * np.sqrt(diffusivity),
            seed=seed + temperature, n_segments=1, frames_each=frames, potential=potential, study="s",
        )  # fmt: skip
        names.append(name)
    return names


def ask(stores, reference, tuned, thresholds=None, completed_at="2026-01-01T00:00:00", uuid="request"):
    request = ValidationRequest(
        study="s",
        thresholds=thresholds or LOOSE,
        reference=ValidationSubject(name="reference", potential=REFERENCE, run_ids=reference),
        candidates=[ValidationSubject(name="tuned", potential=TUNED, run_ids=tuned)],
        provenance=Provenance(),
    )
    job = {"uuid": uuid, "index": 1, "output": request.model_dump(mode="json"), "completed_at": completed_at}
    stores.jobs.docs_store.update([job], key=["uuid", "index"])


def judgement(stores):
    (stored,) = stores.validation.query({"kind": "validation"})
    document = ValidationDocument.from_stored(stored)
    return document, document.judgements[0]


def test_a_potential_that_moves_ions_as_its_reference_does_passes(stores):
    ask(stores, store_runs(stores, REFERENCE, 1000), store_runs(stores, TUNED, 2000))
    built = build_documents(stores)
    assert (built.validation, built.failures) == (1, [])
    document, found = judgement(stores)
    assert found.outcome == Outcome.PASSED, found.reasons
    assert {check.question for check in found.checks} == {
        Question.DIFFUSIVITY, Question.ACTIVATION_ENERGY, Question.FRAMEWORK, Question.RADIAL_DISTRIBUTION,
    }  # fmt: skip
    assert found.valid_for.temperature_range_K == (700, 900)
    assert len(document.candidates[0].radial) == 3 * len(TEMPERATURES_K)
    assert document.candidates[0].lines[0].activation_energy_eV is not None
    assert diffusivity_document(stores, "tuned.pth.tar 700 2000").quality.caveats == []
    assert build_documents(stores).validation == 0


def test_one_that_moves_them_four_times_as_fast_fails_and_its_runs_say_so(stores):
    ask(stores, store_runs(stores, REFERENCE, 1000), store_runs(stores, TUNED, 2000, faster=4))
    build_documents(stores)
    _, found = judgement(stores)
    assert found.outcome == Outcome.FAILED
    run = diffusivity_document(stores, "tuned.pth.tar 700 2000")
    assert run.quality.verdict == "sufficient"
    assert run.quality.caveats[0].startswith("its potential failed validation 's / reference / tuned / ")
    assert diffusivity_document(stores, "PBEsol 700 1000").quality.caveats == []


def test_too_short_runs_of_the_reference_decide_nothing(stores):
    ask(stores, store_runs(stores, REFERENCE, 1000, frames=40), store_runs(stores, TUNED, 2000))
    build_documents(stores)
    _, found = judgement(stores)
    assert found.outcome == Outcome.UNKNOWN
    assert Outcome.FAILED not in {check.outcome for check in found.checks}
    assert "does not decide" in diffusivity_document(stores, "tuned.pth.tar 700 2000").quality.caveats[0]


def test_runs_outside_of_what_was_seen_say_so_and_nothing_is_built_of_it(stores):
    ask(stores, store_runs(stores, REFERENCE, 1000), store_runs(stores, TUNED, 2000))
    (outside,) = store_runs(stores, TUNED, 3000, temperatures_K=(600,))
    store_run(stores.jobs, run_id="other", label="ELC", potential=TUNED, n_segments=1, frames_each=500)
    build_documents(stores)
    (caveat,) = diffusivity_document(stores, outside).quality.caveats
    assert caveat.endswith("but not for such a run: 600 K is not within 700 to 900 K")
    (caveat,) = diffusivity_document(stores, "other").quality.caveats
    assert caveat.endswith("structure ELC (LiCl) was not seen, only O (LiCl)")
    built = build_documents(stores)
    assert (built.diffusivity, built.arrhenius, built.comparison, built.validation) == (0, 0, 0, 0)
    stores.jobs.docs_store.remove_docs({"uuid": "request"})
    build_documents(stores)
    assert diffusivity_document(stores, outside).quality.caveats == []
    assert list(stores.validation.query()) == []


def test_other_thresholds_and_a_longer_run_are_judged_anew_and_the_last_request_counts(stores):
    reference, tuned = store_runs(stores, REFERENCE, 1000), store_runs(stores, TUNED, 2000, faster=4)
    ask(stores, reference, tuned)
    build_documents(stores)
    wide = ValidationThresholds(diffusivity_factor=8, radial_distribution=0.4)
    ask(stores, reference, tuned, wide, "2026-01-02T00:00:00", "later")
    assert build_documents(stores).validation == 1
    document, found = judgement(stores)
    assert found.outcome == Outcome.PASSED
    assert document.thresholds == wide
    store_runs(stores, REFERENCE, 1000, frames=1600)
    stores.jobs.docs_store.update(
        [
            {**job, "completed_at": "2026-02-01T00:00:00"}
            for job in stores.jobs.docs_store.query({"uuid": reference[0]}, properties=None)
        ],
        key=["uuid", "index"],
    )
    assert build_documents(stores).validation == 1


def test_a_run_that_is_missing_is_named(stores):
    ask(stores, store_runs(stores, REFERENCE, 1000), [*store_runs(stores, TUNED, 2000), "gone"])
    build_documents(stores)
    _, found = judgement(stores)
    assert "potential: run gone has no diffusivity document" in found.not_examined


def test_what_cannot_be_judged_is_recorded(stores, monkeypatch):
    ask(stores, store_runs(stores, REFERENCE, 1000), store_runs(stores, TUNED, 2000))

    def broken(*arguments):
        raise ValueError("nothing like it")

    with monkeypatch.context() as patch:
        patch.setattr("superionic.builders.validation.validation", broken)
        built = build_documents(stores)
    assert built.validation == 0
    assert any("nothing like it" in failure for failure in built.failures)
    assert build_documents(stores).validation == 1


def test_the_builder_survives_being_sent_to_another_process():
    stores = memory_stores()
    builder = ValidationBuilder(stores.jobs, stores.diffusivity, stores.validation)
    again = ValidationBuilder.from_dict(builder.as_dict())
    assert isinstance(again.documents, MemoryStore)
    assert IDENTITY.study == "synthetic"
