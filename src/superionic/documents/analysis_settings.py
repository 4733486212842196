"""How the runs of a study are analysed: what a user may ask of the analysis, and what it asks of the statistics."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from superionic.documents.base import StoredDocument
from superionic.documents.protocol import Temperature
from superionic.documents.thresholds import VerdictThresholds

Radius = Annotated[float, Field(gt=0)]


def _as_tuple(value: object) -> object:
    """Study files are read strictly, and hold lists."""
    return tuple(value) if isinstance(value, list) else value


Direction = Annotated[tuple[int, int, int], BeforeValidator(_as_tuple)]


class AnalysisSettings(StoredDocument):
    """The analysis of a study: the `analysis:` block of its file, stored with its runs and with what is built of them.

    No number of a run depends on them: they are no part of what makes a job a new one.
    """

    kind: Literal["analysis_settings"] = Field("analysis_settings", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    extrapolation_temperatures_K: list[Temperature] = Field(
        [300.0], min_length=1, description="Temperatures that Arrhenius fits are extrapolated to, in K"
    )
    extrapolation_span: float = Field(
        10.0, gt=1, description="Largest upper / lower end of the 95 % interval of an extrapolated D, for its verdict"
    )
    directions: list[Direction] = Field(
        [], description="Crystal directions [u v w] of the run's cell along which to give D, besides a, b and c"
    )
    framework: list[str] | None = Field(
        None,
        min_length=1,
        description="Elements that hold still, by which drift and a melted lattice are told, where that is not all but "
        "the mobile ions: without the anions that rotate, or the water of a hydrate",
    )
    radii_A: dict[str, Radius] | None = Field(
        None, description="Radius of each site label in Å; twice its vibration amplitude, cut at overlap, if null"
    )
    hop_length_A: float = Field(
        3.0, gt=0, description="Typical length of a hop in Å: sets the effective number of hops"
    )
    equilibration_ps: float | None = Field(
        None,
        ge=0,
        description="First part of each run to leave out in ps, more while its energy drifts; the protocol's if null",
    )
    density_spacing_A: float = Field(0.3, gt=0, description="Largest edge of a voxel of the density of ions in Å")
    thresholds: VerdictThresholds = Field(
        default_factory=VerdictThresholds, description="What the verdict on a run asks for"
    )

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for name in ("extrapolation_temperatures_K", "directions"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name} = {values} names a value twice: name it once")
        if (0, 0, 0) in self.directions:
            raise ValueError("directions holds (0, 0, 0): give crystal directions [u v w] that are not zero")
        if self.radii_A == {}:
            raise ValueError("radii_A is empty: give a radius for each site label, or null")
        return self

    def of_a_run(self) -> AnalysisSettings:
        """What of it a single run is analysed with: what only fits over temperatures use is at its default."""
        usual = AnalysisSettings()
        unused = ("extrapolation_temperatures_K", "extrapolation_span")
        return self.model_copy(update={name: getattr(usual, name) for name in unused})
