"""What is known of each potential of a validation, side by side: cells, runs, structure, transport."""

from __future__ import annotations

from pydantic import Field

from superionic.documents.base import Document
from superionic.documents.distributions import MSDCurve
from superionic.documents.estimate import Estimate
from superionic.documents.framework_state import FrameworkState
from superionic.documents.provenance import PotentialReference


class RelaxedCell(Document):
    """One relaxed ordering."""

    label: str = Field(description="Label of the ordering")
    formula: str = Field(description="Reduced formula")
    cell_relaxed: bool = Field(description="Whether the cell was relaxed too, or its atoms alone")
    potential: PotentialReference = Field(description="What relaxed it")
    n_atoms: int = Field(ge=1, description="Atoms")
    lengths_A: tuple[float, float, float] = Field(description="Lengths of the cell vectors in Å")
    angles_degrees: tuple[float, float, float] = Field(description="Angles alpha, beta, gamma in degrees")
    volume_A3_per_atom: float = Field(gt=0, description="Volume in Å^3/atom")
    energy_eV_per_atom: float = Field(description="Energy in eV/atom")
    pressure_GPa: float | None = Field(description="Pressure at the end in GPa; None if the potential gives none")
    converged: bool = Field(description="Whether the force criterion was reached")


class ValidationRun(Document):
    """One run as it enters a validation; curves and tensors in full, and the density, are in its own document."""

    run_id: str = Field(description="UUID of the run, and key of its diffusivity document")
    label: str = Field(description="Label of the ordering")
    formula: str = Field(description="Reduced formula")
    temperature_K: float = Field(gt=0, description="Target temperature in K")
    analysed_length_ps: float = Field(gt=0, description="Length of the analysed part in ps")
    diffusivity_cm2_per_s: Estimate = Field(description="Tracer diffusivity in cm^2/s")
    hops_per_ion: float = Field(description="Effective hops per ion")
    framework_state: FrameworkState = Field(description="What became of the framework")
    msd: MSDCurve = Field(description="Mean squared displacement of the mobile ions")
    framework_msd: dict[str, MSDCurve] = Field(description="The same of each other species")
    left_out: str | None = Field(description="Why it is not compared; None if it is")


class RadialFunction(Document):
    """Radial distribution of two species over all analysed frames of the runs at one temperature."""

    label: str = Field(description="Label of the ordering")
    temperature_K: float = Field(gt=0, description="Temperature in K")
    species: tuple[str, str] = Field(description="The two species")
    r_A: list[float] = Field(description="Distances in Å")
    g: list[float] = Field(description="g(r)")
    standard_error: list[float] = Field(description="Its standard error, from blocks of the runs")


class SiteShares(Document):
    """Where the mobile ions are, over all analysed frames of the runs at one temperature."""

    label: str = Field(description="Label of the ordering")
    temperature_K: float = Field(gt=0, description="Temperature in K")
    sites: list[str] = Field(description="Labels of the host's sites")
    share: list[float] = Field(description="Share of the mobile ions on sites of each label, by the last one visited")
    standard_error: list[float] = Field(description="Its standard error, from blocks of the runs")


class MeanVolume(Document):
    """Mean volume of a run at constant pressure."""

    label: str = Field(description="Label of the ordering")
    temperature_K: float = Field(gt=0, description="Temperature in K")
    run_id: str = Field(description="UUID of the run")
    volume_A3_per_atom: Estimate = Field(description="Mean volume in Å^3/atom, with its statistical error")
    lengths_A: tuple[float, float, float] = Field(description="Lengths of the mean cell's vectors in Å")
    angles_degrees: tuple[float, float, float] = Field(description="Angles of the mean cell in degrees")


class OrderingLine(Document):
    """The temperature dependence of one ordering."""

    label: str = Field(description="Label of the ordering")
    temperatures_K: list[float] = Field(description="Temperatures that both this potential and the reference have in K")
    activation_energy_eV: Estimate | None = Field(description="Activation energy in eV; None if no fit was possible")
    prefactor_cm2_per_s: Estimate | None = Field(description="D at infinite temperature in cm^2/s")


class MemberEvidence(Document):
    """What is known of one potential."""

    name: str = Field(description="What it is called in this validation, for example 'fine-tuned'")
    potential: PotentialReference = Field(description="Which potential it is")
    cells: list[RelaxedCell] = Field(default_factory=list, description="Relaxed orderings")
    runs: list[ValidationRun] = Field(default_factory=list, description="Runs at constant volume")
    lines: list[OrderingLine] = Field(default_factory=list, description="Arrhenius fits, one an ordering")
    radial: list[RadialFunction] = Field(default_factory=list, description="Radial distribution functions")
    sites: list[SiteShares] = Field(default_factory=list, description="Site occupation")
    volumes: list[MeanVolume] = Field(default_factory=list, description="Mean volumes at constant pressure")
