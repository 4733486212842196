"""What is known of how an imported run was made."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from superionic.documents.base import Document
from superionic.documents.protocol import Temperature


class RecordedProtocol(Document):
    """The protocol of a run made elsewhere; what its files do not say is None."""

    temperature_K: Temperature = Field(description="Target temperature in K")
    time_step_fs: float = Field(gt=0, description="Integration time step in fs")
    stride: int = Field(1, ge=1, description="Steps from one stored frame to the next")
    equilibration_ps: float = Field(0.0, ge=0, description="First part of the run, stored but not analysed, in ps")
    ensemble: Literal["nvt", "nve", "npt"] | None = Field(None, description="Thermodynamic ensemble")
    seed: None = Field(None, description="Seeds of imported runs are not known")

    @property
    def frame_interval_ps(self) -> float:
        """Time between stored frames in ps."""
        return self.stride * self.time_step_fs * 1e-3
