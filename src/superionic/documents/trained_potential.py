"""A fine-tuned potential as it is stored: its weights, what it learned from, how that went, and what it errs by."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from superionic.documents.base import StoredDocument
from superionic.documents.cost import Cost
from superionic.documents.dataset import LabelReference, SplitName
from superionic.documents.fine_tuning import EpochRecord, PartErrors, TrainingSettings
from superionic.documents.provenance import PotentialReference, Provenance


class TrainedPotentialDocument(StoredDocument):
    """A fine-tuned potential; `payload` is kept apart, in the additional store `data`."""

    kind: Literal["trained_potential"] = Field("trained_potential", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    name: str = Field(min_length=1, description="Name of the potential")
    base: PotentialReference = Field(description="The model that training began with")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the checkpoint in the payload")
    dataset: str = Field(description="Name of the dataset")
    dataset_versions: list[str] = Field(min_length=1, description="Versions of the datasets that it learned from")
    references: list[LabelReference] = Field(min_length=1, description="What gave the labels")
    elements: list[str] = Field(description="Elements of the frames of training")
    structures: list[str] = Field(description="Labels of their structures")
    temperatures_K: list[float] = Field(description="Temperatures that they were drawn at in K")
    preset: str | None = Field(None, description="Preset that the settings began with")
    settings: TrainingSettings = Field(description="How it was trained")
    n_trained_parameters: int = Field(ge=1, description="Numbers that were free")
    curves: list[EpochRecord] = Field(min_length=1, description="Learning curves")
    best_epoch: int = Field(ge=0, description="Epoch whose weights these are; 0 if no epoch was better than the base")
    stop_reason: str = Field(description="Why training ended")
    atom_shift_eV: dict[str, float] = Field(
        description="Element -> by how much the energy of its atoms was moved before the first step, in eV"
    )
    errors: dict[SplitName, PartErrors] = Field(description="Errors on each part of the split")
    errors_before: dict[SplitName, PartErrors] = Field(
        description="Those of the base model with the same shift of its atoms' energies"
    )
    foreign_force_error_meV_per_A: float = Field(
        ge=0, description="Mean absolute error of forces on the held-out foreign crystals in meV/Å"
    )
    foreign_force_error_before_meV_per_A: float = Field(ge=0, description="The same of the base model")
    cost: Cost = Field(description="What training cost")
    notes: list[str] = Field(default_factory=list, description="What someone who uses the potential should know")
    n_bytes: int = Field(gt=0, description="Size of the checkpoint in bytes before base64")
    payload: str = Field(description="The checkpoint, which chgnet reads too: base64")
    provenance: Provenance = Field(description="Where it came from")
