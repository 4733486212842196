"""Frames chosen to be labelled, and batches of their labels."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from superionic.documents.base import Document, StoredDocument
from superionic.documents.cost import Cost
from superionic.documents.dataset import ExcludedFrame, LabelReference
from superionic.documents.provenance import Provenance


class SelectionSettings(Document):
    """Which frames of stored runs are labelled."""

    n_frames: int | None = Field(None, ge=1, description="Frames of molecular dynamics; None for all independent ones")
    spacing_ps: float | None = Field(
        None,
        gt=0,
        description="Time between two frames of a run in ps; None for two autocorrelation times of the run, the longer "
        "of those of its energy and of the squared displacement of its mobile ions",
    )
    volume_bin: float = Field(
        0.02, gt=0, description="Relative width of the bins of volume that frames are spread over"
    )
    min_distance: float | None = Field(
        None,
        gt=0,
        description="Least distance of two chosen frames in the potential's own features (CHGNet 0.3.0, mean over the "
        "atoms of each element), as a share of the median distance of neighbours in time; None drops none",
    )
    n_strained: int = Field(0, ge=0, description="Chosen frames that are taken again in a strained cell")
    strain: float = Field(0.02, gt=0, le=0.2, description="Standard deviation of each component of these strains")
    n_relaxed: int = Field(
        0, ge=0, description="Chosen frames whose relaxation is followed with the sampling potential"
    )
    frames_per_relaxation: int = Field(5, ge=1, description="Frames taken of each of these relaxations")
    seed: int = Field(0, ge=0, description="Seed of strains, and of who is strained and relaxed")


class SampledRun(Document):
    """One run that frames were taken from."""

    run_id: str = Field(description="UUID of the run")
    structure: str = Field(description="Label of its ordering")
    temperature_K: float = Field(description="Target temperature in K")
    autocorrelation_time_ps: float | None = Field(
        description="Longer of the autocorrelation times of energy and squared displacement in ps; None if not measured"
    )
    spacing_ps: float = Field(description="Time between candidates in ps")
    n_candidates: int = Field(ge=0, description="Independent frames")
    n_chosen: int = Field(ge=0, description="Of these, chosen")


class FrameSelectionDocument(StoredDocument):
    """Frames chosen to be labelled; `payload` is kept apart, in the additional store `data`."""

    kind: Literal["frame_selection"] = Field("frame_selection", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    settings: SelectionSettings = Field(description="How they were chosen")
    runs: list[SampledRun] = Field(description="The runs that they are of")
    n_frames: int = Field(ge=1, description="Frames chosen")
    n_near_duplicates: int = Field(ge=0, description="Candidates left out because they were too near to chosen ones")
    by_uncertainty: bool = Field(description="Whether frames were ranked by the disagreement of an ensemble")
    notes: list[str] = Field(default_factory=list, description="What someone who uses them should know")
    n_bytes: int = Field(gt=0, description="Size of the payload in bytes before base64")
    payload: str = Field(description="The frames: base64 of an archive of arrays (see superionic.datasets.codec)")
    provenance: Provenance = Field(description="Where they came from")


class LabelBatchDocument(StoredDocument):
    """Labels of some frames, before any check; `payload` is kept apart, in the additional store `data`."""

    kind: Literal["label_batch"] = Field("label_batch", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    reference: LabelReference = Field(description="What gave the labels")
    n_labelled: int = Field(ge=0, description="Frames that have labels")
    n_before: int = Field(ge=0, description="Of these, frames that an earlier, killed job had labelled")
    failed: list[ExcludedFrame] = Field(description="Frames that have none, and why; none takes their place")
    cost: Cost | None = Field(description="What these labels cost, whichever job computed them; None if unknown")
    payload: str = Field(description="The labels: base64 of records, one JSON object a line")
    provenance: Provenance = Field(description="Where they came from")
