"""The one molecular-dynamics protocol that every engine reads (decision 1 of the design)."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from superionic.documents.base import Document


class MDProtocol(Document):
    """Everything that defines a run except the structure and the potential."""

    ensemble: Literal["nvt", "nve"] = Field("nvt", description="Thermodynamic ensemble")
    temperature_K: float = Field(gt=0, description="Target temperature in K")
    time_step_fs: float = Field(2.0, gt=0, le=10, description="Integration time step in fs")
    thermostat: Literal["nose-hoover-chain"] = Field(
        "nose-hoover-chain", description="Thermostat of an NVT run; it does not damp diffusion"
    )
    thermostat_time_constant_fs: float = Field(
        100.0, gt=0, description="Period over which the thermostat exchanges energy, in fs"
    )
    thermostat_chain_length: int = Field(3, ge=1, le=10, description="Number of thermostats in the chain")
    seed: int = Field(0, ge=0, lt=2**63, description="Seed of the initial velocities")
    length_ps: float = Field(gt=0, description="Length of the whole run in ps, equilibration included")
    segment_length_ps: float = Field(10.0, gt=0, description="Length of one segment (one job, one blob) in ps")
    equilibration_ps: float = Field(2.5, ge=0, description="First part of the run, stored but not analysed, in ps")
    stride: int = Field(10, ge=1, description="Steps from one stored frame to the next")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.equilibration_ps >= self.length_ps:
            raise ValueError(
                f"equilibration_ps = {self.equilibration_ps} leaves nothing of length_ps = {self.length_ps} to analyse: "
                "make the run longer or the equilibration shorter"
            )
        if self.thermostat_time_constant_fs < 10 * self.time_step_fs:
            raise ValueError(
                f"thermostat_time_constant_fs = {self.thermostat_time_constant_fs} is below ten time steps "
                f"({10 * self.time_step_fs} fs) and cannot be integrated stably: raise it"
            )
        if self.n_steps < 1 or self.segment_steps < self.stride:
            raise ValueError(
                f"segment_length_ps = {self.segment_length_ps} holds no stored frame at stride = {self.stride}: "
                "make the segment longer or the stride smaller"
            )
        return self

    @property
    def n_steps(self) -> int:
        """Steps of the whole run, rounded up to whole stored frames."""
        return self._whole_frames(self.length_ps)

    @property
    def segment_steps(self) -> int:
        """Steps of one full segment, a multiple of the stride so that segments join without a gap."""
        return min(self._whole_frames(self.segment_length_ps), self.n_steps)

    @property
    def n_segments(self) -> int:
        """Number of segments of the whole run."""
        return -(-self.n_steps // self.segment_steps)

    @property
    def frame_interval_ps(self) -> float:
        """Time between stored frames in ps."""
        return self.stride * self.time_step_fs * 1e-3

    def _whole_frames(self, length_ps: float) -> int:
        steps = round(length_ps * 1e3 / self.time_step_fs)
        return max(1, -(-steps // self.stride)) * self.stride
