"""Arrhenius fit over the temperatures of one ordering, engine and potential."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from superionic.documents.analysis_settings import AnalysisSettings
from superionic.documents.base import DerivedDocument, Document
from superionic.documents.estimate import Estimate
from superionic.documents.provenance import Provenance
from superionic.documents.quality import Quality
from superionic.documents.trajectory import RunIdentity


class ArrheniusPoint(Document):
    """One run as it entered, or was kept out of, the fit."""

    run_id: str = Field(description="UUID of the run")
    temperature_K: float = Field(gt=0, description="Target temperature in K")
    diffusivity_cm2_per_s: Estimate = Field(description="Tracer diffusivity in cm^2/s")
    excluded: bool = Field(False, description="Whether the point was kept out of the fit")
    reason: str | None = Field(None, description="Why it was kept out")


class MissingRun(Document):
    """One run of the group of which there is no diffusivity."""

    run_id: str = Field(description="UUID of the run")
    reason: str = Field(description="Why there is none")


class Extrapolation(Document):
    """What the fit says of one temperature."""

    temperature_K: float = Field(gt=0, description="Temperature in K")
    diffusivity_cm2_per_s: Estimate | None = Field(
        description="D at that temperature in cm^2/s; None if the points leave it open"
    )
    conductivity_mS_per_cm: Estimate | None = Field(
        description="Nernst-Einstein conductivity at that temperature in mS/cm"
    )
    sufficient: bool = Field(description="Whether the 95 % interval of D is as narrow as the settings ask")


class LineExtrapolation(Document):
    """The same for one part of the motion."""

    temperature_K: float = Field(gt=0, description="Temperature in K")
    value: Estimate | None = Field(
        description="Value there, in cm^2/s (mS/cm for the conductivity); None if the points leave it open"
    )


class ArrheniusLine(Document):
    """The same fit for one part of the motion: along an axis, or of one jump category."""

    quantity: str = Field(
        description="What was fitted: 'axis a', 'jumps', 'jumps: <category>', '[collective] conductivity x T'"
    )
    n_points: int = Field(ge=0, description="Points in the fit")
    activation_energy_eV: Estimate | None = Field(description="Activation energy in eV; None if no fit was possible")
    prefactor: Estimate | None = Field(
        description="Value at infinite temperature, in cm^2/s (mS K/cm for conductivity x T)"
    )
    extrapolations: list[LineExtrapolation] = Field(description="Extrapolations; none if no fit was possible")
    is_arrhenius: bool | None = Field(
        description="Whether the points lie on a line within their errors; None without fit"
    )
    reason: str | None = Field(None, description="Why there is no fit, or which points were kept out")


class ArrheniusDocument(DerivedDocument):
    """ln D = ln D0 - Ea / kT, weighted by the errors of ln D, and its extrapolation."""

    kind: Literal["arrhenius"] = Field("arrhenius", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    analysis_version: int = Field(1, ge=1, description="Version of what the numbers mean")
    group: str = Field(description="Key of the group: ordering, engine, potential and study")
    identity: RunIdentity = Field(description="What the runs have in common")
    settings: AnalysisSettings = Field(default_factory=AnalysisSettings, description="What the fit was asked for")
    points: list[ArrheniusPoint] = Field(description="All runs of the group that have a diffusivity")
    missing: list[MissingRun] = Field(default_factory=list, description="Runs of the group that have none")
    n_points: int = Field(ge=0, description="Points in the fit")
    activation_energy_eV: Estimate | None = Field(description="Activation energy in eV; None if no fit was possible")
    prefactor_cm2_per_s: Estimate | None = Field(description="D0 in cm^2/s")
    chi_squared_reduced: float | None = Field(description="Reduced chi^2 of the fit; None with two points")
    extrapolations: list[Extrapolation] = Field(
        description="One a temperature asked for, in the order of the settings; values are None if no fit was possible"
    )
    lines: list[ArrheniusLine] = Field(
        default_factory=list, description="Fits along the cell axes, of the jump categories, and of the conductivity"
    )
    quality: Quality = Field(description="Whether the fit can be trusted, and why not")
    provenance: Provenance = Field(description="Sources and software")
