"""Labels of a potential beside those of its reference, on the same frames."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from superionic.documents.base import Document, StoredDocument
from superionic.documents.estimate import Estimate
from superionic.documents.provenance import PotentialReference, Provenance


class LabelErrors(Document):
    """Errors of one kind of label; the unit stands in the name of the field that holds them."""

    n_values: int = Field(ge=1, description="Numbers compared: frames, or components of forces or stresses")
    mean_absolute: Estimate = Field(description="Mean absolute error")
    root_mean_square: Estimate = Field(description="Root mean square error")


class ForceErrors(LabelErrors):
    """Errors of forces, with what tells softening from scatter."""

    slope: Estimate | None = Field(
        description="Slope of predicted over reference forces through the origin (no unit); None where those are zero"
    )


class ParityScatter(Document):
    """What a parity plot shows: predicted against reference values."""

    frame: list[int] = Field(description="Number of each frame in the dataset")
    reference_energy_eV_per_atom: list[float] = Field(description="Energy of each frame by the reference in eV/atom")
    energy_eV_per_atom: list[float] = Field(description="The same by the potential, less the shift by element")
    reference_force_eV_per_A: list[float] = Field(description="Evenly drawn components of forces by the reference")
    force_eV_per_A: list[float] = Field(description="The same by the potential, in eV/Å")


class ParityDocument(StoredDocument):
    """How well a potential gives the labels of frames that it may or may not know."""

    kind: Literal["parity"] = Field("parity", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    potential: PotentialReference = Field(description="What was compared")
    references: list[PotentialReference] = Field(min_length=1, description="What gave the labels")
    frames: str = Field(description="Which frames: the dataset, its version and the part of its split")
    n_frames: int = Field(ge=1, description="Frames")
    elements: list[str] = Field(description="Elements in them")
    structures: list[str] = Field(description="Labels of their structures")
    temperatures_K: list[float] = Field(description="Temperatures that they were drawn at in K")
    resampled_by: Literal["run", "block", "frame"] = Field(
        description="What is taken to be independent: errors of the errors come from the scatter between these"
    )
    n_resampled: int = Field(ge=1, description="How many of them there are")
    energy_meV_per_atom: LabelErrors = Field(description="Errors of the energy in meV/atom, as it is")
    shifted_energy_meV_per_atom: LabelErrors = Field(
        description="Errors of the energy in meV/atom, less a constant for each atom of an element"
    )
    shift_eV: dict[str, float] = Field(
        description="That constant by element in eV: least squares on the differences, of minimum norm"
    )
    force_meV_per_A: ForceErrors = Field(description="Errors of the components of forces in meV/Å")
    force_by_element_meV_per_A: dict[str, ForceErrors] = Field(description="The same for the atoms of each element")
    stress_GPa: LabelErrors | None = Field(
        description="Errors of the six components of the stress in GPa; None if no label or the potential has none"
    )
    scatter: ParityScatter = Field(description="For a parity plot")
    notes: list[str] = Field(default_factory=list, description="What was left out, and why")
    provenance: Provenance = Field(description="Where it came from")
