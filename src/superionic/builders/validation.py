"""Requests for validation, stored runs and diffusivity documents to validations, one a set of potentials."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobflow import JobStore
from maggma.core import Builder, Store

from superionic.analysis.run import as_asked
from superionic.builders.diffusivity import host_of_run
from superionic.builders.gone import remove_gone
from superionic.builders.key import build_key
from superionic.documents import DiffusivityDocument, FailureDocument, Provenance, SourceReference
from superionic.documents.validation import ValidationDocument, ValidationRequest, ValidationSubject, ValidationSummary
from superionic.errors import InputError, StoreError
from superionic.stores.embedded import connect_in_turn
from superionic.stores.reading import Unreadable, read_documents
from superionic.stores.runs import iter_segments
from superionic.trajectories import Trajectory, stitch
from superionic.validation.evidence import Evidence, mean_volume
from superionic.validation.judgement import validation, validation_key
from superionic.validation.structure import structure_of_run

_REFERENCE = ["uuid", "index", "completed_at"]


@dataclass(frozen=True)
class ToJudge:
    """A validation whose document is missing, or made from something else.

    Attributes
    ----------
    request
        What is asked.
    source
        The job that asks it.
    key
        Digest of what the document is built from.
    """

    request: ValidationRequest
    source: SourceReference
    key: str


class ValidationBuilder(Builder):
    """Judges what ValidationMaker has asked for, again whenever a request or the document of a run has changed.

    Of requests of one study, reference and set of potentials the last one counts. What is not there yet makes a check
    unknown. Documents and requests that cannot be read are named in `unreadable`.

    Parameters
    ----------
    jobs
        The JobStore with requests and runs.
    diffusivity
        The store that DiffusivityBuilder fills.
    documents
        Where the documents go, keyed on ``validation``.
    """

    def __init__(self, jobs: JobStore, diffusivity: Store, documents: Store, **kwargs: Any) -> None:
        self.jobs = jobs
        self.diffusivity = diffusivity
        self.documents = documents
        self.unreadable: list[Unreadable] = []
        super().__init__(sources=[jobs, diffusivity], targets=[documents], **kwargs)

    def get_items(self) -> Iterator[ToJudge]:
        """Validations to judge; documents that nobody asks for any more go."""
        requests, self.unreadable = self._requests()
        built, broken = read_documents(self.documents, ValidationSummary, "validation", partly=True)
        newer = [document for document in broken if document.newer]
        self.unreadable += newer
        for document in self.unreadable:
            self.logger.error("%s", document)
        left_alone = {document.name for document in newer}
        remove_gone(self.documents, "validation", {*requests, *left_alone})
        keys = {document.validation: document.build_key for document in built}
        for name, (request, source) in requests.items():
            key = self._key(request)
            if keys.get(name) != key and name not in left_alone:
                yield ToJudge(request, source, key)

    def _requests(self) -> tuple[dict[str, tuple[ValidationRequest, SourceReference]], list[Unreadable]]:
        """The last request of every key, and those that cannot be read."""
        stored = list(
            self.jobs.docs_store.query({"output.kind": "validation_request"}, properties=[*_REFERENCE, "output"])
        )
        found: dict[str, tuple[ValidationRequest, SourceReference]] = {}
        unreadable = []
        for job in sorted(stored, key=lambda job: str(job.get("completed_at"))):
            try:
                request = ValidationRequest.from_stored(job["output"])
            except StoreError as error:
                unreadable.append(Unreadable("validation_request", "uuid", job["uuid"], str(error)))
                continue
            found[validation_key(request)] = request, SourceReference(**{name: job.get(name) for name in _REFERENCE})
        return found, unreadable

    def _key(self, request: ValidationRequest) -> str:
        subjects = [request.reference, *request.candidates]
        wanted = sorted({run for subject in subjects for run in (*subject.run_ids, *subject.npt_run_ids)})
        runs = {
            found["run_id"]: found.get("build_key")
            for found in self.diffusivity.query({"run_id": {"$in": wanted}}, properties=["run_id", "build_key"])
        }
        asked = request.model_dump(mode="json", exclude={"provenance"})
        return build_key(ValidationDocument, asked, [[run, runs.get(run)] for run in wanted])

    def process_item(self, item: ToJudge) -> dict[str, Any]:
        """Document of one validation, or the record of why there is none."""
        connect_in_turn(self.jobs, self.jobs.docs_store)  # mrun's processes get the builder without connections
        connect_in_turn(self.diffusivity, self.jobs.docs_store)
        provenance = Provenance(sources=[item.source])
        try:
            reference = self._evidence(item.request.reference)
            candidates = [self._evidence(subject) for subject in item.request.candidates]
            document = validation(item.request, reference, candidates, provenance)
            return document.model_copy(update={"build_key": item.key}).model_dump(mode="json")
        except Exception as error:  # the reason is stored and logged whole
            name = validation_key(item.request)
            self.logger.exception("validation %s could not be judged", name)
            reason = f"{type(error).__name__}: {error}"
            failure = FailureDocument(validation=name, reason=reason, provenance=provenance)
            return failure.model_dump(mode="json", exclude_none=True)

    def _evidence(self, subject: ValidationSubject) -> Evidence:
        """What is stored of one potential's runs; what cannot be had of one is named, and the others stand."""
        wanted = {"run_id": {"$in": subject.run_ids}}
        runs, broken = read_documents(self.diffusivity, DiffusivityDocument, "run_id", wanted)
        evidence = Evidence(subject, runs, problems=[str(document) for document in broken])
        missing = set(subject.run_ids) - {run.run_id for run in runs} - {document.name for document in broken}
        evidence.problems += [f"run {run_id} has no diffusivity document" for run_id in sorted(missing)]
        for run in runs:
            try:
                with self._trajectory(run.run_id) as stored:
                    trajectory, radii_A = as_asked(stored, run.settings), run.settings.radii_A
                    evidence.structures[run.run_id] = structure_of_run(trajectory, host_of_run(stored), radii_A)
            except (InputError, StoreError) as error:
                evidence.problems.append(f"structure of run {run.run_id}: {error}")
        for run_id in subject.npt_run_ids:
            try:
                with self._trajectory(run_id) as trajectory:
                    evidence.volumes.append(mean_volume(trajectory))
            except (InputError, StoreError) as error:
                evidence.problems.append(f"volume of run {run_id}: {error}")
        return evidence

    @contextmanager
    def _trajectory(self, run_id: str) -> Iterator[Trajectory]:
        with tempfile.TemporaryDirectory(prefix="superionic-build-") as spool:
            yield stitch(iter_segments(self.jobs, run_id), [], Path(spool))

    def update_targets(self, items: list[dict[str, Any]]) -> None:
        """Replace the documents of the validations."""
        if items:
            self.documents.update(items, key="validation")
