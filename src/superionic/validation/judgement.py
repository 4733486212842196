"""The verdict on a potential: every check, what they come to, and where it holds."""

from __future__ import annotations

from collections.abc import Sequence

from superionic.documents import Provenance
from superionic.documents.keys import readable_key
from superionic.documents.validation import (
    Judgement,
    Outcome,
    Question,
    ValidationCheck,
    ValidationDocument,
    ValidationRequest,
    ValidityScope,
)
from superionic.documents.validation_thresholds import ValidationThresholds
from superionic.validation.cells import cell_checks, energy_checks, ordering_energies, paired
from superionic.validation.checks import taken_together
from superionic.validation.evidence import Evidence
from superionic.validation.label_checks import label_checks
from superionic.validation.structure_checks import structure_checks, volume_checks
from superionic.validation.transport import Transport, transport

CAVEATS = [
    "the reference's own error, against experiment or a better theory, is in no verdict",
    "runs of both are in the same cell: what a larger one would change is not compared",
]


def validation(
    request: ValidationRequest, reference: Evidence, candidates: Sequence[Evidence], provenance: Provenance
) -> ValidationDocument:
    """Judge every potential of a request.

    Parameters
    ----------
    request
        What is asked.
    reference, candidates
        What is known of each potential, in the order of the request.
    provenance
        Sources and software.
    """
    judged = [judge(reference, candidate, request.thresholds) for candidate in candidates]
    lines = {line.label: line for _, moved in judged for line in moved.reference_lines}
    return ValidationDocument(
        validation=validation_key(request),
        study=request.study,
        thresholds=request.thresholds,
        reference=reference.member(list(lines.values())),
        candidates=[candidate.member(moved.lines) for candidate, (_, moved) in zip(candidates, judged, strict=True)],
        judgements=[judgement for judgement, _ in judged],
        caveats=CAVEATS,
        provenance=provenance,
    )


def validation_key(request: ValidationRequest) -> str:
    """What a validation is a validation of, readable and unique: requests of one key replace each other."""
    potentials = [subject.potential for subject in (request.reference, *request.candidates)]
    content = [request.study or "", *(potential.model_dump_json() for potential in potentials)]
    names = [subject.name for subject in request.candidates]
    return readable_key([request.study, request.reference.name, *names], "\n".join(content))


def judge(reference: Evidence, candidate: Evidence, thresholds: ValidationThresholds) -> tuple[Judgement, Transport]:
    """The verdict on one potential, and what was found of its transport.

    Failed if any check fails; passed only if D was compared and every check that was made passed.

    Parameters
    ----------
    reference, candidate
        What is known of both.
    thresholds
        What is accepted.
    """
    moved = transport(reference.runs, candidate.runs, thresholds)
    in_motion, distances = structure_checks(reference, candidate, thresholds)
    checks = [*moved.checks, *in_motion, *volume_checks(reference.volumes, candidate.volumes, thresholds)]
    energies = []
    for cell_relaxed in (True, False):
        pairs = paired(reference.subject.cells, candidate.subject.cells, cell_relaxed)
        found = ordering_energies(pairs, cell_relaxed)
        checks += cell_checks(pairs, thresholds) if cell_relaxed else []
        checks += energy_checks(found, pairs, thresholds)
        energies += found
    parity = candidate.subject.parity
    if parity is not None:
        checks += label_checks(parity, thresholds)
    problems = [f"{name}: {problem}" for name, known in (("reference", reference), ("potential", candidate))
                for problem in known.problems]  # fmt: skip
    judgement = Judgement(
        name=candidate.subject.name,
        potential=candidate.subject.potential,
        outcome=taken_together(checks),
        reasons=[check.reason for check in checks if check.outcome != Outcome.PASSED],
        checks=checks,
        not_examined=[*moved.not_examined, *_not_examined(checks, moved, thresholds), *problems],
        valid_for=_scope(candidate, moved),
        parity=parity,
        distances=distances,
        differences=moved.differences,
        ordering_energies=energies,
    )
    return judgement, moved


def _not_examined(checks: Sequence[ValidationCheck], moved: Transport, thresholds: ValidationThresholds) -> list[str]:
    """Questions that nothing was there to answer, and those that the study leaves out."""
    asked = {check.question for check in checks}
    named = " ".join(moved.not_examined)
    left_out = {question for question, field in _FIELDS.items() if getattr(thresholds, field) in {None, False}}
    return [
        f"{question}: " + ("left out by the thresholds" if question in left_out else _MISSING[question])
        for question in Question
        if question not in asked and question.value not in named
    ]


_FIELDS = {
    Question.ACTIVATION_ENERGY: "activation_energy_eV",
    Question.FRAMEWORK: "framework",
    Question.OCCUPATION: "occupation",
    Question.RADIAL_DISTRIBUTION: "radial_distribution",
    Question.NPT_VOLUME: "npt_volume",
    Question.VOLUME: "volume",
    Question.ANGLES: "angle_degrees",
    Question.ORDERING_ENERGY: "ordering_energy_meV_per_atom",
    Question.FORCE_SLOPE: "force_slope",
    Question.FORCES: "force_meV_per_A",
    Question.STRESS: "stress_GPa",
    Question.ENERGIES: "energy_meV_per_atom",
}
_RUNS, _RELAXED, _LABELS = (
    "there are no runs of both to compare",
    "there are no relaxations of both to compare",
    "there are no labelled frames to compare",
)
_MISSING = {
    Question.DIFFUSIVITY: _RUNS,
    Question.ACTIVATION_ENERGY: "no ordering has runs with sufficient statistics at three common temperatures",
    Question.FRAMEWORK: f"{_RUNS}, or they have no framework",
    Question.OCCUPATION: f"{_RUNS}, or no host names their sites",
    Question.RADIAL_DISTRIBUTION: _RUNS,
    Question.NPT_VOLUME: "there are no runs of both at constant pressure and one temperature",
    Question.VOLUME: _RELAXED,
    Question.ANGLES: _RELAXED,
    Question.ORDERING_ENERGY: "there are no two relaxed orderings of one formula",
    Question.FORCE_SLOPE: _LABELS,
    Question.FORCES: _LABELS,
    Question.STRESS: f"{_LABELS}, or they hold no stress",
    Question.ENERGIES: _LABELS,
}


def _scope(candidate: Evidence, moved: Transport) -> ValidityScope | None:
    """Where transport was compared, whatever came of it."""
    if not moved.compared_K:
        return None
    temperatures = [temperature for found in moved.compared_K.values() for temperature in found]
    runs = [run for run in candidate.runs if run.identity.label in moved.compared_K]
    return ValidityScope(
        temperature_range_K=(min(temperatures), max(temperatures)),
        elements=sorted({element for run in runs for element in elements_of(run.identity.formula)}),
        structures=sorted({structure_name(run.identity.label, run.identity.formula) for run in runs}),
    )


def structure_name(label: str, formula: str) -> str:
    """How a scope names an ordering."""
    return f"{label} ({formula})"


def elements_of(formula: str) -> list[str]:
    """Elements of a formula."""
    from pymatgen.core import Composition

    return sorted(element.symbol for element in Composition(formula).elements)
