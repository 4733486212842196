"""How near to its reference a potential has to be."""

from __future__ import annotations

from pydantic import Field

from superionic.documents.base import Document


class ValidationThresholds(Document):
    """Largest difference from the reference that each check accepts; null leaves a check out of the verdict.

    A check fails where the data show a larger difference, and passes where they show that there is none; between the
    two it is unknown (docs/methods/validation.md).
    """

    energy_meV_per_atom: float | None = Field(
        5.0, gt=0, description="Mean absolute error of the energy in meV/atom, without the constant shift by element"
    )
    force_meV_per_A: float | None = Field(
        100.0, gt=0, description="Mean absolute error of the components of the forces in meV/Å"
    )
    stress_GPa: float | None = Field(
        0.2, gt=0, description="Mean absolute error of the components of the stress in GPa"
    )
    force_slope: float | None = Field(
        0.1, gt=0, description="Deviation from 1 of the slope of predicted over reference forces: below 1 is softening"
    )
    volume: float | None = Field(0.03, gt=0, description="Deviation of the volume of a relaxed cell, as a share of it")
    angle_degrees: float | None = Field(1.0, gt=0, description="Deviation of an angle of a relaxed cell in degrees")
    ordering_energy_meV_per_atom: float | None = Field(
        3.0, gt=0, description="Error of the energy of one ordering relative to another of the same formula in meV/atom"
    )
    npt_volume: float | None = Field(
        0.03, gt=0, description="Deviation of the mean volume at constant pressure, as a share of it"
    )
    radial_distribution: float | None = Field(
        0.1, gt=0, le=1, description="Share of the pairs of two species that are at other distances"
    )
    occupation: float | None = Field(
        0.1, gt=0, le=1, description="Share of the mobile ions that are on sites of other labels"
    )
    diffusivity_factor: float = Field(
        2.0,
        gt=1,
        description="Factor by which D may be larger or smaller, on average over the common temperatures; no verdict "
        "goes without it",
    )
    activation_energy_eV: float | None = Field(0.1, gt=0, description="Difference of the activation energy in eV")
    framework: bool = Field(
        True, description="Whether the framework has to survive wherever it does with the reference"
    )
