"""What is asked of a run before its numbers are called sufficient."""

from __future__ import annotations

from pydantic import Field

from superionic.documents.base import Document


class VerdictThresholds(Document):
    """Thresholds of the checks of a run, with their defaults."""

    hops_per_ion: float = Field(3.0, ge=0, description="Least effective hops per ion: fewer are no diffusion yet")
    relative_error: float = Field(0.25, gt=0, description="Largest standard error of D as a share of D")
    relative_error_by_hop_count: float = Field(
        0.35, gt=0, description="Largest relative standard deviation of D by its hop count (He, Zhu and Mo)"
    )
    run_per_onset: float = Field(
        10.0, ge=1, description="Least length of the run, in times of the lag from which on the MSD is linear"
    )
    memory_unseen: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Largest probability that jumps remember each other for longer than the run over `run_per_onset`",
    )
    relative_temperature: float = Field(
        0.03, gt=0, description="Largest deviation of the mean kinetic temperature from the target, as a share of it"
    )
