"""Diffusivity of one run at one temperature."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from superionic.documents.base import Document, Matrix3
from superionic.documents.protocol import MDProtocol
from superionic.documents.provenance import Provenance
from superionic.documents.quality import Quality
from superionic.documents.trajectory import RunIdentity


class Estimate(Document):
    """A number with its error; the unit stands in the name or description of the field that holds it."""

    value: float = Field(description="Best estimate")
    standard_error: float = Field(ge=0, description="Standard error (1 sigma)")
    interval_68: tuple[float, float] = Field(description="Central 68 % interval")
    interval_95: tuple[float, float] = Field(description="Central 95 % interval")


class MSDCurve(Document):
    """Mean squared displacement of the mobile ions, thinned for plotting."""

    lag_ps: list[float] = Field(description="Lag times in ps")
    msd_A2: list[float] = Field(description="Mean squared displacement over all time origins in Å^2")


class DiffusivityDocument(Document):
    """Tracer diffusivity of the mobile ion in one run, with its tensor, conductivity and verdict."""

    kind: Literal["diffusivity"] = Field("diffusivity", description="What this document is")
    run_id: str = Field(description="UUID of the run")
    identity: RunIdentity = Field(description="What this is a run of")
    protocol: MDProtocol | None = Field(None, description="The protocol of the run; None for plain arrays")
    temperature_K: float = Field(gt=0, description="Target temperature in K")
    mean_temperature_K: float | None = Field(
        description="Mean kinetic temperature over the analysed part in K; None if it was not recorded"
    )
    analysed_length_ps: float = Field(gt=0, description="Length of the analysed part in ps")
    n_frames: int = Field(gt=1, description="Analysed frames")
    n_mobile_ions: int = Field(gt=0, description="Mobile ions in the cell")
    volume_A3: float = Field(gt=0, description="Mean volume of the cell in Å^3")
    diffusivity_cm2_per_s: Estimate = Field(description="Tracer diffusivity, trace of the tensor / 3, in cm^2/s")
    diffusivity_tensor_cm2_per_s: Matrix3 = Field(
        description="Cartesian diffusion tensor in cm^2/s, in the axes of the stored cell"
    )
    diffusivity_along_cell_cm2_per_s: dict[str, Estimate] = Field(
        description="u.D.u along the unit vectors of the cell vectors a, b, c (one dimension each) in cm^2/s"
    )
    conductivity_mS_per_cm: Estimate = Field(description="Nernst-Einstein conductivity (Haven ratio 1) in mS/cm")
    fit_lag_range_ps: tuple[float, float] = Field(description="Shortest and longest lag used, in ps")
    msd: MSDCurve = Field(description="Mean squared displacement of the mobile ions")
    framework_msd_A2: float | None = Field(
        description="Mean squared displacement of all other ions at half the run in Å^2; None without other ions"
    )
    hops_per_ion: float = Field(
        description="Effective hops per ion: mean squared displacement over the run / squared hop length"
    )
    relative_error_by_hop_count: float | None = Field(
        description="Second opinion: relative standard deviation of D by the hop count, 3.43 / sqrt(hops) + 0.04 "
        "(He, Zhu and Mo, npj Comput. Mater. 4, 18 (2018)); None without hops"
    )
    framework_state: Literal["intact", "hopping", "melted", "none"] = Field(
        description="Framework: intact, some of its ions hopped to other sites, melted, or there is none"
    )
    quality: Quality = Field(description="Whether the statistics suffice, and why not")
    provenance: Provenance = Field(description="Sources and software")
