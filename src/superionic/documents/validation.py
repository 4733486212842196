"""Is a potential as good as its reference, by what it is used for? The verdict, what it rests on, where it holds."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from superionic.documents.base import DerivedDocument, Document, StoredDocument
from superionic.documents.comparison import Difference
from superionic.documents.parity import ParityDocument
from superionic.documents.provenance import PotentialReference, Provenance
from superionic.documents.validation_evidence import MemberEvidence, RelaxedCell
from superionic.documents.validation_thresholds import ValidationThresholds


class Outcome(StrEnum):
    """What the data say of a potential."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """They do not decide."""


class Question(StrEnum):
    """What is asked of a potential."""

    DIFFUSIVITY = "diffusivity"
    ACTIVATION_ENERGY = "activation energy"
    FRAMEWORK = "framework"
    OCCUPATION = "site occupation"
    RADIAL_DISTRIBUTION = "radial distribution"
    NPT_VOLUME = "volume at constant pressure"
    VOLUME = "relaxed volume"
    ANGLES = "relaxed angles"
    ORDERING_ENERGY = "energies of orderings"
    FORCE_SLOPE = "slope of forces"
    FORCES = "forces"
    STRESS = "stress"
    ENERGIES = "energies"


class ValidationCheck(Document):
    """One question, with what the data answer."""

    question: Question = Field(description="What was asked, for example 'diffusivity'")
    of: str = Field(description="Of what: an ordering, with its temperature where there is one, or the labelled frames")
    outcome: Outcome = Field(description="passed | failed | unknown: the data do not decide")
    value: float | None = Field(description="What was found, in the unit of the threshold; None if nothing was")
    interval_95: tuple[float, float] | None = Field(description="Its 95 % interval; None if it has no error or value")
    threshold: float | None = Field(description="Largest value that passes; None where there is none")
    reason: str = Field(description="One sentence: what was found against what is accepted")


class DistributionDistance(Document):
    """How far the distribution of a potential is from that of its reference."""

    question: Question = Field(description="'radial distribution' or 'site occupation'")
    label: str = Field(description="Label of the ordering")
    temperature_K: float = Field(gt=0, description="Temperature in K")
    species: tuple[str, str] | None = Field(None, description="The two species of a radial distribution")
    distance: float = Field(ge=0, description="Half the sum of the absolute differences of the shares (0 to 1)")
    noise: float = Field(ge=0, description="Distance that the statistical errors alone make, on average")
    interval_95: tuple[float, float] = Field(description="95 % interval of the distance without statistical errors")


class OrderingDifferences(Document):
    """What two potentials say differently of one ordering's diffusion."""

    label: str = Field(description="Label of the ordering")
    differences: list[Difference] = Field(description="Potential less reference, as a comparison has them")


class OrderingEnergies(Document):
    """Order of the energies of orderings of one formula."""

    formula: str = Field(description="Reduced formula")
    cell_relaxed: bool = Field(description="Whether cells were relaxed, or atoms alone in the reference's cells")
    labels: list[str] = Field(description="Labels of the orderings, lowest by the reference first")
    reference_meV_per_atom: list[float] = Field(description="Energy above the lowest by the reference in meV/atom")
    potential_meV_per_atom: list[float] = Field(description="Energy above the same ordering by the potential")
    kendall_tau: float | None = Field(
        description="Rank correlation: 1 for the same order, -1 for the opposite one; None of fewer than two energies"
    )
    largest_error_meV_per_atom: float = Field(description="Largest error of a difference of two in meV/atom")


class ValidityScope(Document):
    """What has been seen to agree: kinds of run that the verdict speaks of."""

    temperature_range_K: tuple[float, float] = Field(description="Lowest and highest temperature compared in K")
    elements: list[str] = Field(description="Elements")
    structures: list[str] = Field(description="Orderings, as 'label (formula)'")


class Judgement(Document):
    """The verdict on one potential."""

    name: str = Field(description="Name of the potential in this validation")
    potential: PotentialReference = Field(description="Which potential")
    outcome: Outcome = Field(description="failed if any check is, else unknown if any is, else passed")
    reasons: list[str] = Field(description="Why it did not pass")
    checks: list[ValidationCheck] = Field(description="Every check that was made")
    not_examined: list[str] = Field(description="What nothing was there to judge by, or no part of the verdict")
    valid_for: ValidityScope | None = Field(description="Where transport was compared; None where it could not be")
    parity: ParityDocument | None = Field(None, description="Errors of its labels; None without labelled frames")
    distances: list[DistributionDistance] = Field(default_factory=list, description="Structure against the reference")
    differences: list[OrderingDifferences] = Field(default_factory=list, description="Transport against the reference")
    ordering_energies: list[OrderingEnergies] = Field(default_factory=list, description="Order of energies")


class ValidationSubject(Document):
    """What a validation has of one potential: small results, and the names of its runs."""

    name: str = Field(description="What it is called, for example 'fine-tuned'")
    potential: PotentialReference = Field(description="Which potential it is")
    run_ids: list[str] = Field(default_factory=list, description="UUIDs of its runs at constant volume")
    npt_run_ids: list[str] = Field(default_factory=list, description="UUIDs of its runs at constant pressure")
    cells: list[RelaxedCell] = Field(default_factory=list, description="Orderings that it relaxed")
    parity: ParityDocument | None = Field(None, description="Errors of its labels; None of the reference")


class ValidationRequest(StoredDocument):
    """What is to be judged by what: the last job of a validation stores it, and the builder judges."""

    kind: Literal["validation_request"] = Field("validation_request", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    study: str | None = Field(None, description="Name of the study; None of stored runs without one")
    thresholds: ValidationThresholds = Field(description="What the verdict asks for")
    reference: ValidationSubject = Field(description="What is believed")
    candidates: list[ValidationSubject] = Field(min_length=1, description="What is judged")
    provenance: Provenance = Field(description="Where it came from")


class ValidationSummary(DerivedDocument):
    """The verdicts of a validation without the curves behind them, read without decoding those."""

    kind: Literal["validation"] = Field("validation", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    analysis_version: int = Field(1, ge=1, description="Version of what the numbers mean")
    validation: str = Field(description="Key: the study, the reference and the potentials")
    study: str | None = Field(description="Name of the study; None if of none")
    judgements: list[Judgement] = Field(description="One verdict a potential")


class ValidationDocument(ValidationSummary):
    """Potentials beside their reference, each with its verdict."""

    thresholds: ValidationThresholds = Field(description="What the verdicts ask for")
    reference: MemberEvidence = Field(description="What is believed")
    candidates: list[MemberEvidence] = Field(description="What is judged, in the order of the judgements")
    caveats: list[str] = Field(default_factory=list, description="What no check can tell")
    provenance: Provenance = Field(description="Sources and software")
