"""What a run says beyond its tracer diffusivity: collective motion, sites, jumps, vibration, blocks."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from superionic.documents.base import Document, Matrix3
from superionic.documents.distributions import MSDCurve
from superionic.documents.estimate import Estimate


class CollectiveTransport(Document):
    """Correlated motion of all ions, relative to the framework."""

    charge_diffusivity_cm2_per_s: Estimate = Field(
        description="Diffusivity of the summed displacement of the mobile ions / N, in cm^2/s"
    )
    conductivity_mS_per_cm: Estimate = Field(description="Conductivity from the charge diffusivity in mS/cm")
    total_conductivity_mS_per_cm: Estimate | None = Field(
        None,
        description="Conductivity of all mobile ions together, with their cross terms, in mS/cm; None if one is mobile",
    )
    haven_ratio: Estimate = Field(description="Tracer / charge diffusivity; 1 for independent ions")
    onsager_species: list[str] = Field(description="Species in the order of the Onsager matrix")
    onsager_A2_per_ps: list[list[float]] = Field(
        description="d<R_s . R_t>/dt / (6 N) for the summed displacements R of two species, N ions in all, in Å^2/ps; "
        "sum_st z_s z_t of it x e^2 N / (V k T) is the conductivity"
    )
    onsager_standard_error_A2_per_ps: list[list[float]] = Field(description="Standard error of each element in Å^2/ps")


class MobileSpeciesTransport(Document):
    """Transport of one further mobile ion."""

    species: str = Field(description="Element symbol")
    charge_e: float = Field(description="Its charge in elementary charges")
    n_ions: int = Field(gt=0, description="Ions in the cell")
    diffusivity_cm2_per_s: Estimate = Field(description="Tracer diffusivity, trace of the tensor / 3, in cm^2/s")
    diffusivity_tensor_cm2_per_s: Matrix3 = Field(
        description="Cartesian diffusion tensor in cm^2/s, in the axes of the stored cell"
    )
    conductivity_mS_per_cm: Estimate = Field(description="Nernst-Einstein conductivity of this ion alone in mS/cm")
    hops_per_ion: float = Field(description="Effective hops per ion, as for the first mobile ion")
    msd: MSDCurve = Field(description="Mean squared displacement")


class SiteStatistics(Document):
    """All sites of one label."""

    label: str = Field(description="Label of the site")
    layer: str | None = Field(description="Layer of the site")
    passage: bool = Field(description="Whether ions pass through it on the way between others")
    n_sites: int = Field(gt=0, description="Sites in the cell")
    vibration_amplitude_A: float = Field(description="Rms distance of an ion from the site in Å")
    radius_A: float = Field(description="Radius used to tell whether an ion is on the site, in Å")
    occupation: float = Field(
        description="Mean number of ions per site: by the last site visited, or within the radius for a passage"
    )
    residence_time_ps: float | None = Field(
        description="Mean time from arrival to the next jump in ps; None without jumps"
    )


class SiteAnalysis(Document):
    """Where the mobile ions are."""

    sites: list[SiteStatistics] = Field(description="One entry per label")
    ions_per_layer: dict[str, float] = Field(description="Share of the mobile ions in each layer")
    captured: float = Field(description="Share of all positions that lie within the radius of a site")
    capture_radius_A: list[float] = Field(description="Common radii in Å")
    capture_share: list[float] = Field(description="Share of all positions within that distance of a site")


class JumpCount(Document):
    """Jumps from sites of one label to those of another."""

    source: str = Field(description="Label of the site left")
    target: str = Field(description="Label of the site reached")
    count: int = Field(ge=0, description="Jumps in the run")
    rate_per_ps: float | None = Field(description="Jumps per ps that an ion spent on the source; None if none did")
    through_passage: float | None = Field(
        description="Share that was seen in a passage site on the way; None without jumps"
    )


class JumpsWithin(StrEnum):
    """Categories of jumps that are no layer of the host: no layer bears these names."""

    NO_LAYER = "cross-layer"
    CRYSTAL = "all"
    """Where the host has no layers."""


class JumpCategory(Document):
    """Jumps within one layer, or between layers."""

    name: str = Field(description="Name of the layer, 'cross-layer', or 'all' in a host without layers")
    count: int = Field(ge=0, description="Jumps in the run")
    diffusivity_cm2_per_s: Estimate = Field(description="Jump diffusivity sum l^2 / (6 N t) of these jumps in cm^2/s")


class JumpAnalysis(Document):
    """How the mobile ions move from site to site."""

    n_jumps: int = Field(
        ge=0, description="Jumps of all mobile ions: from within the radius of one site to within that of another"
    )
    n_jumps_with_unseen: float | None = Field(
        None,
        description="Jumps with those that are not seen because the ion set off again before it was within the radius "
        "of a site in any frame, if setting off again does not wait for arrival; None without jumps",
    )
    diffusivity_cm2_per_s: Estimate = Field(description="Jump diffusivity sum l^2 / (6 N t) in cm^2/s")
    correlation_factor: Estimate | None = Field(description="Tracer / jump diffusivity; None without jumps")
    correlation_factor_of_rates: float | None = Field(
        None,
        description="Tracer / jump diffusivity of independent ions that hop at the rates seen: what the sites alone "
        "make jumps remember, and D was estimated with; None without jumps, if they are too few to tell the rates, if "
        "too many were missed, or if the displacements contradict it",
    )
    back_and_forth: float | None = Field(description="Share of the jumps that the same ion reversed with its next jump")
    through_passage: float | None = Field(
        description="Share of the jumps with the ion seen in a passage site on the way, such as a tetrahedron"
    )
    categories: list[JumpCategory] = Field(description="Jumps within each layer and between layers")
    pairs: list[JumpCount] = Field(description="Jumps per ordered pair of labels")


class Vibration(Document):
    """Vibration of the mobile ions."""

    amplitude_A: float | None = Field(description="Rms distance from the site per ion in Å; None without a host")
    attempt_frequency_THz: float | None = Field(
        description="Mean frequency of the velocity spectrum in THz; None if frames are too far apart to tell"
    )
    reason: str | None = Field(None, description="Why there is no attempt frequency")


class BlockAnalysis(Document):
    """Error of the mean squared displacement against block length."""

    lag_ps: float = Field(description="Lag of the mean squared displacement in ps")
    block_ps: list[float] = Field(description="Block lengths in ps")
    standard_error_A2: list[float] = Field(description="Standard error of the MSD from blocks of that length in Å^2")
    autocorrelation_time_ps: float = Field(
        description="Integrated autocorrelation time of the squared displacement in ps"
    )
    decorrelated_frames: list[int] = Field(
        default_factory=list, description="Stored frames, counted from 0, that are two autocorrelation times apart"
    )
