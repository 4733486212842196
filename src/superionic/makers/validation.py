"""Runs, relaxations and labels of potentials that are to be judged by those of their reference.

Relaxation and MD are the jobs that every study has; the last job only says what belongs together, and ValidationBuilder
judges it, again whenever there is more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jobflow import Flow, Job, Maker, job

from superionic.datasets.document import dataset_frames
from superionic.documents import (
    AimdSet,
    AnalysisSettings,
    DatasetDocument,
    MDRunDocument,
    MDSet,
    OrderingDocument,
    PotentialReference,
    PotentialSettings,
    Provenance,
    RelaxationDocument,
)
from superionic.documents.parity import ParityDocument
from superionic.documents.validation import ValidationRequest, ValidationSubject
from superionic.documents.validation_settings import ConstantPressure
from superionic.documents.validation_thresholds import ValidationThresholds
from superionic.errors import InputError
from superionic.makers.aimd import AimdSetMaker
from superionic.makers.mltp_md import MltpMdMaker
from superionic.makers.relax import RelaxMaker
from superionic.validation.cells import relaxed_cell
from superionic.validation.scope import same_potential

_SEEDS_APART = 1000
"""From the seeds of potentials to those of the reference: with the same one, a potential is compared with itself."""


@dataclass
class Against:
    """One ordering and what its reference has of it; documents, or references to outputs of jobs.

    Attributes
    ----------
    ordering
        Where runs of the potentials start: the cell that the reference's runs are in.
    md
        The runs of the potentials.
    runs
        MDRunDocuments of the reference.
    npt_runs
        Those at constant pressure.
    relaxation
        RelaxationDocument of the reference; None if it relaxed nothing.
    """

    ordering: OrderingDocument
    md: MDSet
    runs: Sequence[MDRunDocument]
    npt_runs: Sequence[MDRunDocument] = ()
    relaxation: RelaxationDocument | None = None


@dataclass
class ValidationMaker(Maker):
    """Run, relax and label with potentials what their reference has run, relaxed and labelled.

    Attributes
    ----------
    candidates
        The potentials to judge, by what they are called.
    thresholds
        What the verdicts ask for.
    relax_maker
        Relaxes with each potential what the reference relaxed, with its own settings of convergence; None relaxes
        nothing.
    npt
        Runs at constant pressure; None for none.
    reference
        The reference, to run at constant pressure if `npt` says so.
    study
        Name of the study.
    analysis
        How the runs are to be analysed.
    name
        Name of the flow.
    """

    candidates: Mapping[str, PotentialSettings]
    thresholds: ValidationThresholds = field(default_factory=ValidationThresholds)
    relax_maker: RelaxMaker | None = field(default_factory=RelaxMaker)
    npt: ConstantPressure | None = None
    reference: PotentialSettings | None = None
    study: str | None = None
    analysis: AnalysisSettings = field(default_factory=AnalysisSettings)
    name: str = "validation"

    def make(self, orderings: Mapping[str, Against], dataset: DatasetDocument | None = None) -> Flow:
        """Flow whose output is the ValidationRequest.

        Parameters
        ----------
        orderings
            By label.
        dataset
            Labelled frames, or a reference to them: the test part where they are split, all where they are not.
        """
        subjects, jobs = [], []
        for name, potential in self.candidates.items():
            made, subject = self._candidate(name, potential, orderings, dataset)
            jobs += made
            subjects.append(subject)
        npt_runs = [run for against in orderings.values() for run in against.npt_runs]
        for label, against in orderings.items():
            for maker in self._of_reference(against.md):
                flow = maker.make(against.ordering)
                flow.append_name(f" NPT {label}")
                jobs.append(flow)
                npt_runs += flow.output
        reference = {
            "name": "reference",
            "runs": [run for against in orderings.values() for run in against.runs],
            "npt_runs": npt_runs,
            "relaxed": [against.relaxation for against in orderings.values() if against.relaxation is not None],
        }
        request = request_validation(self.study, self.thresholds, reference, subjects)
        return Flow([*jobs, request], output=request.output, name=self.name)

    @property
    def _study(self) -> str:
        """Runs of a validation are no part of the study's own fits and comparisons."""
        return f"{self.study} validation" if self.study else "validation"

    def md_makers(self, md: MDSet) -> list[MltpMdMaker | AimdSetMaker]:
        """What runs molecular dynamics of an ordering, all potentials together."""
        of_potentials = (maker for potential in self.candidates.values() for maker in self._of_potential(potential, md))
        return [*of_potentials, *self._of_reference(md)]

    def _of_potential(self, potential: PotentialSettings, md: MDSet) -> list[MltpMdMaker]:
        """Runs like those of the reference, and at constant pressure if they are asked for."""
        like = MltpMdMaker(md, potential=potential, relax_maker=None, study=self._study, analysis=self.analysis)
        return [like] if self.npt is None else [like, replace(like, md=self.npt.md(md), study=f"{self._study} NPT")]

    def _of_reference(self, md: MDSet) -> list[AimdSetMaker]:
        if self.npt is None or not self.npt.with_reference or self.reference is None:
            return []
        seeds = [seed + _SEEDS_APART for seed in self.npt.seeds]
        at_pressure = AimdSet(**{**self.npt.md(md).model_dump(), "label_stride": None, "seeds": seeds})
        return [AimdSetMaker(at_pressure, self.reference, study=f"{self._study} NPT", analysis=self.analysis)]

    def _candidate(
        self,
        name: str,
        potential: PotentialSettings,
        orderings: Mapping[str, Against],
        dataset: DatasetDocument | None,
    ) -> tuple[list[Job | Flow], dict[str, Any]]:
        """Jobs of one potential, and references to what they give."""
        jobs: list[Job | Flow] = []
        found: dict[str, Any] = {"name": name, "runs": [], "npt_runs": [], "relaxed": [], "in_cell": [], "parity": None}

        def add(part: Job | Flow, title: str) -> Any:
            part.append_name(f" {title}")
            jobs.append(part)
            return part.output

        for label, against in orderings.items():
            title = f"{name} {label}"
            for kind, maker in zip(("runs", "npt_runs"), self._of_potential(potential, against.md), strict=False):
                found[kind] += add(maker.make(against.ordering), title if kind == "runs" else f"NPT {title}")
            if self.relax_maker is not None and against.relaxation is not None:
                cell = replace(self.relax_maker, potential=potential, relax_cell=True)
                start = against.relaxation.ordering
                found["relaxed"].append(add(cell.make(start), title))
                atoms = replace(cell, relax_cell=False)
                found["in_cell"].append(add(atoms.make(start), f"in its cell {title}"))
        if dataset is not None:
            found["parity"] = add(label_again(dataset, potential), name)
        return jobs, found


@job(name="label again", output_schema=ParityDocument)
def label_again(dataset: DatasetDocument, potential: PotentialSettings) -> ParityDocument:
    """Job that labels the test part of a dataset with a potential, and compares.

    Parameters
    ----------
    dataset
        The dataset; all frames are taken if it is not split.
    potential
        The potential.
    """
    from contextlib import closing

    from superionic.potentials.load import load
    from superionic.validation.parity import parity

    frames, of = dataset_frames(dataset), f"dataset {dataset.name!r} {dataset.version[:8]}"
    if dataset.split is not None:
        frames, of = frames.part("test"), f"test part of {of}"
    with closing(load(potential)) as loaded:
        return parity(frames, loaded, of)


@job(name="request validation", output_schema=ValidationRequest)
def request_validation(
    study: str | None,
    thresholds: ValidationThresholds,
    reference: dict[str, Any],
    candidates: list[dict[str, Any]],
) -> ValidationRequest:
    """Job that stores what belongs to a validation, once all of it is there.

    Parameters
    ----------
    study, thresholds
        As of ValidationMaker.
    reference, candidates
        Of each potential its name, MDRunDocuments ``runs`` and ``npt_runs``, and RelaxationDocuments ``relaxed``; of
        candidates also those of atoms alone, ``in_cell``, and a ParityDocument ``parity``.

    Raises
    ------
    InputError
        If the runs of one of them are of more than one potential.
    """
    return ValidationRequest(
        study=study,
        thresholds=thresholds,
        reference=_subject(**reference),
        candidates=[_subject(**candidate) for candidate in candidates],
        provenance=Provenance(),
    )


def _subject(
    name: str,
    runs: list[MDRunDocument],
    npt_runs: list[MDRunDocument],
    relaxed: list[RelaxationDocument],
    in_cell: Sequence[RelaxationDocument] = (),
    parity: ParityDocument | None = None,
) -> ValidationSubject:
    return ValidationSubject(
        name=name,
        potential=_one_potential(name, [run.identity.potential for run in (*runs, *npt_runs)]),
        run_ids=[run.run_id for run in runs],
        npt_run_ids=[run.run_id for run in npt_runs],
        cells=[relaxed_cell(cell, True) for cell in relaxed] + [relaxed_cell(cell, False) for cell in in_cell],
        parity=parity,
    )


def _one_potential(name: str, potentials: Sequence[PotentialReference]) -> PotentialReference:
    if not potentials:
        raise InputError(f"{name}: there are no runs to judge by: give at least one")
    for other in potentials:
        if not same_potential(potentials[0], other):
            raise InputError(
                f"{name}: runs are of {potentials[0].family} {potentials[0].model} and of {other.family} "
                f"{other.model}: give runs of one potential"
            )
    return potentials[0]
