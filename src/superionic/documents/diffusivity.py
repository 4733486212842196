"""Diffusivity of one run at one temperature."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from superionic.documents.analysis_settings import AnalysisSettings
from superionic.documents.base import DerivedDocument, Matrix3
from superionic.documents.cost import Cost
from superionic.documents.density import DensityVolume
from superionic.documents.distributions import MSDCurve, RadialDistribution, VanHoveSelf
from superionic.documents.estimate import Estimate
from superionic.documents.framework_state import FrameworkState
from superionic.documents.protocol import MDProtocol
from superionic.documents.provenance import Provenance
from superionic.documents.quality import Quality
from superionic.documents.recorded_protocol import RecordedProtocol
from superionic.documents.trajectory import RunIdentity
from superionic.documents.transport import (
    BlockAnalysis,
    CollectiveTransport,
    JumpAnalysis,
    JumpCount,
    MobileSpeciesTransport,
    SiteAnalysis,
    Vibration,
)


class DiffusivitySummary(DerivedDocument):
    """What tables say of a run: a diffusivity document without its tensors and curves, read without decoding them."""

    kind: Literal["diffusivity"] = Field("diffusivity", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    analysis_version: int = Field(1, ge=1, description="Version of what the numbers mean")
    run_id: str = Field(description="UUID of the run")
    identity: RunIdentity = Field(description="What this is a run of")
    temperature_K: float = Field(gt=0, description="Target temperature in K")
    analysed_length_ps: float = Field(gt=0, description="Length of the analysed part in ps")
    diffusivity_cm2_per_s: Estimate = Field(description="Tracer diffusivity, trace of the tensor / 3, in cm^2/s")
    conductivity_mS_per_cm: Estimate = Field(description="Nernst-Einstein conductivity (Haven ratio 1) in mS/cm")
    other_mobile: list[MobileSpeciesTransport] = Field(
        default_factory=list, description="Further mobile ions, if there are any: all else here is of the first"
    )
    hops_per_ion: float = Field(
        description="Effective hops per ion: mean squared displacement over the run / squared hop length"
    )
    framework_state: FrameworkState = Field(
        description="Framework: intact, some of its ions hopped to other sites, melted, the run is too short to tell, "
        "or there is none"
    )
    cost: Cost | None = Field(None, description="What the run cost; None if that is unknown, or it has not ended")
    quality: Quality = Field(description="Whether the statistics suffice, and why not")


class DiffusivityDocument(DiffusivitySummary):
    """Tracer diffusivity of the mobile ion in one run, with its tensor, conductivity and verdict."""

    protocol: MDProtocol | RecordedProtocol | None = Field(
        None, description="The protocol of the run; None for plain arrays"
    )
    settings: AnalysisSettings = Field(
        default_factory=AnalysisSettings, description="What the analysis was asked for, passed on to fits of this run"
    )
    mean_temperature_K: float | None = Field(
        description="Mean kinetic temperature over the analysed part in K; None if it was not recorded"
    )
    equilibration_ps: float = Field(
        0.0, ge=0, description="Time at the start that was not analysed in ps: as given, or until the energy settled"
    )
    n_frames: int = Field(gt=1, description="Analysed frames")
    n_mobile_ions: int = Field(gt=0, description="Mobile ions in the cell")
    volume_A3: float = Field(gt=0, description="Mean volume of the cell in Å^3")
    diffusivity_tensor_cm2_per_s: Matrix3 = Field(
        description="Cartesian diffusion tensor in cm^2/s, in the axes of the stored cell"
    )
    diffusivity_along_cell_cm2_per_s: dict[str, Estimate] = Field(
        description="u.D.u along the unit vectors of the cell vectors a, b, c (one dimension each) in cm^2/s"
    )
    diffusivity_along_cm2_per_s: dict[str, Estimate] = Field(
        default_factory=dict,
        description="u.D.u along the crystal directions asked for, such as '[1 0 1]', in cm^2/s",
    )
    fit_lag_range_ps: tuple[float, float] = Field(
        description="Lags over which the mean squared displacement is linear by the estimate, in ps"
    )
    msd: MSDCurve = Field(description="Mean squared displacement of the mobile ions")
    framework_msd_A2: float | None = Field(
        description="Mean squared displacement of the framework ions at half the run in Å^2; None without framework"
    )
    framework_msd: dict[str, MSDCurve] = Field(
        default_factory=dict,
        description="Mean squared displacement of each species that is not mobile, from at most 2000 frames",
    )
    relative_error_by_hop_count: float | None = Field(
        description="Second opinion: relative standard deviation of D by the hop count, 3.43 / sqrt(hops) + 0.04 "
        "(He, Zhu and Mo, npj Comput. Mater. 4, 18 (2018)); None without hops"
    )
    framework_rdf_change: float | None = Field(
        None,
        description="Share of the pairs of the main framework species at other distances at the end than at the start",
    )
    principal_diffusivities_cm2_per_s: tuple[float, float, float] = Field(
        description="Eigenvalues of the tensor in cm^2/s, largest first"
    )
    principal_axes: Matrix3 = Field(description="Their unit vectors as rows, in the axes of the stored cell")
    percolation_barrier_eV: dict[str, float | None] = Field(
        default_factory=dict,
        description="Free energy above the densest point of the lowest pass along a, b, c in eV; None: no path",
    )
    density: DensityVolume | None = Field(
        None,
        description="Density of the mobile ions on the grid that gave the barriers; None if it was not stored or read",
    )
    collective: CollectiveTransport | None = Field(None, description="Collective motion")
    sites: SiteAnalysis | None = Field(None, description="Occupation of the host's sites; None without a host")
    jumps: JumpAnalysis | None = Field(None, description="Jumps between the host's sites; None without a host")
    framework_hops: dict[str, list[JumpCount]] = Field(
        default_factory=dict, description="Hops of each framework cation between the host's sites"
    )
    vibration: Vibration | None = Field(None, description="Vibration of the mobile ions")
    blocks: BlockAnalysis | None = Field(None, description="Error of the MSD against block length")
    non_gaussian_lag_ps: list[float] = Field(default_factory=list, description="Lags of `non_gaussian` in ps")
    non_gaussian: list[float] = Field(
        default_factory=list,
        description="alpha_2 = 3 <r^4> / (5 <r^2>^2) - 1 of the mobile ions; 0 for Gaussian motion",
    )
    van_hove_self: VanHoveSelf | None = Field(None, description="Lengths of displacements of the mobile ions")
    radial_distributions: list[RadialDistribution] = Field(
        default_factory=list, description="Mobile ions about every species, and the main framework species about itself"
    )
    provenance: Provenance = Field(description="Sources and software")
