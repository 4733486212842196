"""Groups of runs compared: orderings with one potential, or potentials on one ordering."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from superionic.documents.base import DerivedDocument, Document
from superionic.documents.estimate import Estimate
from superionic.documents.provenance import Provenance
from superionic.documents.quality import Quality, Verdict
from superionic.documents.trajectory import RunIdentity


class ComparisonMember(Document):
    """One group of runs as it entered the comparison."""

    group: str = Field(description="Key of the group's Arrhenius document")
    name: str = Field(description="What tells the group from the others, for example 'ELC'")
    identity: RunIdentity = Field(description="What the runs of the group have in common")
    temperatures_K: list[float] = Field(description="Temperatures of the runs that were compared, in K")
    n_runs: int = Field(ge=0, description="Runs that were compared")
    activation_energy_eV: Estimate | None = Field(description="Activation energy in eV; None if no fit was possible")
    verdict: Verdict = Field(description="Verdict on the Arrhenius fit")
    reasons: list[str] = Field(default_factory=list, description="Why that verdict is not 'sufficient'")
    left_out: list[str] = Field(default_factory=list, description="What of the group was not compared, and why")


class Difference(Document):
    """One quantity of one group minus that of another."""

    of: str = Field(description="Name of the member, or of the class, whose value is compared")
    minus: str = Field(description="Name of the member, or of the class, that it is compared with")
    against_reference: bool = Field(description="Whether `minus` is the reference")
    quantity: str = Field(
        description="'activation energy', 'activation energy: <part of the motion>', 'ln D', 'mean ln D' over the "
        "temperatures that both have, 'extrapolated ln D' or 'extrapolated ln sigma'"
    )
    temperature_K: float | None = Field(description="Temperature in K; None for an activation energy or a mean")
    difference: Estimate = Field(description="In eV for an activation energy, else of natural logarithms (no unit)")
    z: float = Field(description="Difference in standard errors: normal deviate of the same posterior probability")
    p_value: float = Field(ge=0, le=1, description="Twice the posterior probability of the other sign, for this alone")
    p_holm: float = Field(ge=0, le=1, description="The same corrected for all that were compared with it (Holm)")
    n_compared: int = Field(ge=1, description="Differences that the correction counts")
    significant: bool = Field(description="Whether p_holm is below the significance level of the document")
    sufficient: bool = Field(description="Whether the statistics behind both values are sufficient")


class ClassMean(Document):
    """The orderings of one class taken together."""

    name: str = Field(description="The class, and the ordering or how many it is the mean of")
    members: list[str] = Field(description="Names of the orderings, each with the same weight")


class ComparisonDocument(DerivedDocument):
    """Differences between groups of runs that share some of what they are and differ in the rest."""

    kind: Literal["comparison"] = Field("comparison", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    analysis_version: int = Field(1, ge=1, description="Version of what the numbers mean")
    comparison: str = Field(description="Key: what is compared, and what all members share")
    family: str = Field(description="What is compared: 'orderings' or 'potentials'")
    shared: dict[str, str] = Field(description="What all members share")
    varies: list[str] = Field(description="Fields of the identity in which members differ")
    members: list[ComparisonMember] = Field(description="All groups, compared or not")
    reference: str | None = Field(
        description="Name of the member that the others are compared with first: the one ordered one, or the one from "
        "first principles; None if there is not exactly one"
    )
    extrapolation_temperatures_K: list[float] = Field(
        description="Temperatures in K that the fits of all members are extrapolated to"
    )
    differences: list[Difference] = Field(description="Every member against the reference, then all other pairs")
    classes: list[ClassMean] = Field(default_factory=list, description="Classes of ordering; none where there is one")
    class_differences: list[Difference] = Field(default_factory=list, description="Pairs of class means")
    significance_level: float = Field(gt=0, lt=1, description="Chance of any false 'significant' in one correction")
    correction: str = Field(description="How significance is corrected for the number of differences")
    caveats: list[str] = Field(description="What the errors of the differences do not hold")
    quality: Quality = Field(description="Whether all could be compared with sufficient statistics, and why not")
    provenance: Provenance = Field(description="Sources and software")
