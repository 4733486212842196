"""What older versions stored is read through a written step or refused by name; what a newer one stored is refused."""

import importlib
import json
import pkgutil

import pytest
from monty.json import MontyDecoder, MontyEncoder

from comparable import identity_of, run
from sample_runs import segments, small_ordering
from superionic import documents
from superionic.documents import DatasetDocument, OrderingDocument, RelaxationDocument, TrajectorySegment
from superionic.documents.base import DerivedDocument, StoredDocument
from superionic.documents.migrations import MIGRATIONS
from superionic.errors import StoreError

for module in pkgutil.iter_modules(documents.__path__):
    importlib.import_module(f"{documents.__name__}.{module.name}")


def kinds(model=StoredDocument):
    for subclass in model.__subclasses__():
        yield from kinds(subclass)
        if not subclass.__subclasses__():
            yield subclass


def default(model, name):
    return model.model_fields[name].default


def of_version_0(document):
    """A document as it was stored before there were versions."""
    stored = json.loads(json.dumps(document, cls=MontyEncoder))
    return {key: value for key, value in stored.items() if key != "schema_version"}


@pytest.fixture
def segment():
    return next(segments(n_segments=1, frames_each=20))


BEFORE_VERSIONS = {
    "analysis_settings", "study", "trajectory_segment", "md_run", "ordering", "relaxation", "framework_set",
    "decoration_set", "placement", "placement_ranking",
}  # fmt: skip
"""Kinds that were stored before there were versions; no other has a version 0."""


def test_every_kind_states_its_versions_and_every_step_up_to_them_is_written():
    steps = set()
    for model in kinds():
        assert isinstance(default(model, "kind"), str)
        assert default(model, "schema_version") >= 1
        if issubclass(model, DerivedDocument):
            assert default(model, "analysis_version") >= 1
        else:
            kind, first = default(model, "kind"), 0 if default(model, "kind") in BEFORE_VERSIONS else 1
            steps |= {(kind, step) for step in range(first, default(model, "schema_version"))}
    assert set(MIGRATIONS) == steps


def test_a_kind_that_always_had_versions_is_not_read_without_one():
    with pytest.raises(StoreError, match="schema_version"):
        DatasetDocument.from_stored({"kind": "dataset", "name": "x"})


def test_no_two_kinds_have_one_name():
    names = [default(model, "kind") for model in kinds()]
    assert len(set(names)) == len(names) > 10


def test_a_segment_of_before_there_were_versions_is_read(segment):
    assert TrajectorySegment.from_stored(of_version_0(segment)) == segment
    assert json.loads(json.dumps(of_version_0(segment)), cls=MontyDecoder) == segment


def test_a_step_is_taken_for_a_document_within_another_one_and_inside_jobs(monkeypatch):
    def renamed(stored):
        return {"label" if key == "name" else key: value for key, value in stored.items()}

    monkeypatch.setitem(MIGRATIONS, ("ordering", 0), renamed)
    ordering = small_ordering()
    relaxation = RelaxationDocument(
        ordering=ordering, energy_eV_per_atom=-4.0, max_force_eV_per_A=0.01, pressure_GPa=0.1, volume_change=0.02,
        n_steps=10, converged=True, provenance=ordering.provenance,
    )  # fmt: skip
    old = of_version_0(relaxation)
    old["ordering"] = {"name" if key == "label" else key: value for key, value in of_version_0(ordering).items()}
    assert RelaxationDocument.from_stored(old) == relaxation
    assert json.loads(json.dumps(old), cls=MontyDecoder) == relaxation
    with pytest.raises(StoreError, match="not a whole OrderingDocument"):
        OrderingDocument.from_stored({**old["ordering"], "schema_version": 1})  # today's shape has no `name`


def test_what_a_newer_version_stored_is_refused(segment):
    with pytest.raises(StoreError, match="schema_version is 2, and this superionic knows up to 1: upgrade superionic"):
        TrajectorySegment.from_stored({**segment.model_dump(), "schema_version": 2})
    with pytest.raises(StoreError, match="upgrade"):
        TrajectorySegment.from_stored({**segment.model_dump(), "schema_version": "two"})


def test_a_derived_document_of_an_older_shape_is_to_be_built_again():
    document = run("r", 700, 1e-5, 1e-6, identity_of())
    assert type(document).from_stored(document.model_dump(mode="json")) == document
    old = document.model_dump(mode="json", exclude={"schema_version", "analysis_version"})
    with pytest.raises(StoreError, match="build again"):
        type(document).from_stored(old)
    with pytest.raises(StoreError, match="analysis_version is 2"):
        type(document).from_stored({**document.model_dump(mode="json"), "analysis_version": 2})


def test_in_python_a_document_is_what_its_fields_say():
    with pytest.raises(ValueError, match="schema_version"):
        OrderingDocument(schema_version=2)


def test_who_integrates_was_once_given_the_name_of_the_potential(segment):
    old = of_version_0(segment)
    old["identity"]["engine"] = "chgnet"
    assert TrajectorySegment.from_stored(old).identity.engine == "built-in"
    imported = of_version_0(segment)
    imported["protocol"] = {"temperature_K": 700, "time_step_fs": 2.0}
    imported["identity"]["engine"] = "chgnet"  # what a user called the code that made the files
    assert TrajectorySegment.from_stored(imported).identity.engine == "chgnet"
    adopted = imported | {"identity": imported["identity"] | {"engine": "EMT"}}
    adopted["identity"]["potential"] = {"family": "EMT", "model": "EMT"}
    assert TrajectorySegment.from_stored(adopted).identity.engine == "ase"
