"""Labelled frames as they are stored: what the reference is, where each frame comes from, what was left out and why."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, JsonValue, model_validator

from superionic.documents.base import Document, StoredDocument
from superionic.documents.provenance import PotentialReference, Provenance

SplitName = Literal["train", "validation", "test"]
SPLIT_NAMES: tuple[SplitName, ...] = ("train", "validation", "test")


class FrameOrigin(Document):
    """Where a frame was drawn from; it stands with every frame, in the dataset's blob."""

    run: str = Field(description="UUID of the stored run, or name of the run or file that the frame is of")
    segment: int | None = Field(None, ge=0, description="Segment of the stored run, from 0; None if it has none")
    index: int = Field(ge=0, description="Number of the frame within its run or file, from 0")
    step: int | None = Field(None, ge=0, description="Step of the run; None if it is not known")
    block: int = Field(
        0, ge=0, description="Block of the run that the frame is in; a split never parts the frames of one block"
    )
    structure: str = Field(description="Label of the ordering; the formula if it has none")
    temperature_K: float | None = Field(None, ge=0, description="Target temperature of the run in K; None if unknown")
    sampling: Literal["molecular dynamics", "relaxation", "strained cell", "unknown"] = Field(
        "unknown", description="How the frame came about"
    )
    sampled_with: str | None = Field(None, description="What gave the forces that led to the frame; None if unknown")
    name: str | None = Field(None, description="What the frame was called where it comes from")

    @property
    def title(self) -> str:
        """What messages call the frame."""
        return self.name or f"frame {self.index} of {self.run}"


class LabelReference(Document):
    """What gave the labels: two labels may stand side by side in a dataset if this is the same of both."""

    potential: PotentialReference = Field(description="Code or model, exactly")
    settings: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="What decides its numbers: cutoffs, meshes, thresholds, basis sets and pseudopotentials by element",
    )

    @property
    def title(self) -> str:
        """Family and model."""
        return f"{self.potential.family} {self.potential.model}"


class ExcludedFrame(Document):
    """A frame that has no place in the dataset, and why: it is never replaced by another."""

    origin: FrameOrigin = Field(description="Which frame")
    check: str = Field(description="What it did not pass, in a few words: 'unconverged', 'force maximum', ...")
    reason: str = Field(description="Why it was left out, with numbers")


class SplitSettings(Document):
    """How frames are dealt out for training, validation and test."""

    by: Literal["block", "run", "structure", "temperature", "frame"] = Field(
        "block",
        description="What stays together; 'frame' parts neighbours in time, and flatters the errors of validation and "
        "test",
    )
    fractions: tuple[float, float, float] = Field(
        (0.76, 0.19, 0.05), description="Shares of training, validation and test; they add up to 1"
    )
    held_out: list[str] = Field(
        default_factory=list,
        description="Structures (labels) or temperatures in K that are test alone; the other shares keep their ratio",
    )
    seed: int = Field(0, ge=0, description="Seed of the order in which blocks are dealt out")

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if min(self.fractions) < 0 or abs(sum(self.fractions) - 1) > 1e-6:
            raise ValueError(f"fractions = {list(self.fractions)} are no shares: give three that add up to 1")
        if self.fractions[0] == 0:
            raise ValueError("fractions: nothing is left to train on")
        return self


class DatasetDocument(StoredDocument):
    """A version of a dataset; `payload` is kept apart, in the additional store `data`."""

    kind: Literal["dataset"] = Field("dataset", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    name: str = Field(min_length=1, description="Name of the dataset; its versions share it")
    version: str = Field(description="SHA-256 of the frames with their labels, references, origins and splits")
    parents: list[str] = Field(
        default_factory=list, description="Versions that this one was joined, extended, or split from"
    )
    n_frames: int = Field(ge=1, description="Frames")
    n_atoms: int = Field(ge=1, description="Atoms in all frames together")
    frames_by_formula: dict[str, int] = Field(description="Reduced formula -> number of frames")
    frames_by_structure: dict[str, int] = Field(description="Label of the structure -> number of frames")
    frames_by_temperature_K: dict[str, int] = Field(
        description="Temperature in K, 'unknown' if there is none -> number of frames"
    )
    frames_by_split: dict[str, int] = Field(description="Part of the split -> number of frames; empty if not split")
    n_with_stress: int = Field(ge=0, description="Frames with a stress")
    n_with_magnetic_moments: int = Field(ge=0, description="Frames with magnetic moments")
    energy_range_eV_per_atom: tuple[float, float] = Field(description="Lowest and highest energy in eV/atom")
    max_force_eV_per_A: float = Field(ge=0, description="Largest force on an atom in eV/Å")
    pressure_range_GPa: tuple[float, float] | None = Field(
        description="Lowest and highest pressure (minus a third of the stress' trace) in GPa; None without stresses"
    )
    units: dict[str, str] = Field(
        default_factory=lambda: {
            "energy": "eV, of the whole cell",
            "forces": "eV/Å",
            "stress": "eV/Å^3, (1/V) dE/d(strain): positive where the cell wants to shrink",
            "magnetic_moments": "Bohr magnetons",
            "positions": "Å",
        },
        description="Units of what the payload holds",
    )
    references: list[LabelReference] = Field(
        min_length=1, description="What gave the labels; more than one only if that was asked for"
    )
    split: SplitSettings | None = Field(None, description="How the frames were dealt out; None if they were not")
    excluded: list[ExcludedFrame] = Field(default_factory=list, description="Frames that were left out, and why")
    notes: list[str] = Field(default_factory=list, description="What someone who uses the dataset should know")
    n_bytes: int = Field(gt=0, description="Size of the payload in bytes before base64")
    payload: str = Field(description="The frames: base64 of an archive of arrays (see superionic.datasets.codec)")
    provenance: Provenance = Field(description="Where the dataset came from")
