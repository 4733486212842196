"""The one molecular-dynamics protocol that every engine reads (decision 1 of the design)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from superionic.documents.base import Document

Temperature = Annotated[float, Field(gt=0, le=1e5)]  # above it nothing is a crystal, and 1e308 is a slip
Seed = Annotated[int, Field(ge=0, lt=2**63)]


class MDSettings(Document):
    """What all runs of a set share: everything but temperature and seed."""

    engine: Literal["built-in", "lammps", "vasp"] = Field("built-in", description="Who integrates the motion")
    ensemble: Literal["nvt", "nve", "npt"] = Field("nvt", description="Thermodynamic ensemble")
    time_step_fs: float = Field(2.0, gt=0, le=10, description="Integration time step in fs")
    thermostat: Literal["nose-hoover-chain"] = Field(
        "nose-hoover-chain", description="Thermostat of an NVT run; it does not damp diffusion"
    )
    thermostat_time_constant_fs: float = Field(
        100.0, gt=0, description="Time constant of the thermostat in fs: Q = N_f k T tau^2"
    )
    thermostat_chain_length: int = Field(3, ge=1, le=10, description="Number of thermostats in the chain")
    masses_u: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict,
        description="Element -> mass in u where it is not the standard one: {H: 2.014} for deuterium",
    )
    pressure_GPa: float = Field(0.0, description="External pressure of an NPT run in GPa")
    barostat_time_constant_fs: float = Field(
        1000.0, gt=0, description="Time constant of the barostat of an NPT run in fs: W = (N_f + 3) k T tau^2 / 3"
    )
    cell_motion: Literal["isotropic", "full"] = Field(
        "full", description="Whether the cell of an NPT run changes its size only, or its shape too"
    )
    length_ps: float = Field(gt=0, description="Length of the whole run in ps, equilibration included")
    target_relative_error: float | None = Field(
        None, gt=0, lt=1, description="Relative standard error of D at which the run ends early; None runs length_ps"
    )
    segment_length_ps: float = Field(10.0, gt=0, description="Length of one segment (one job, one blob) in ps")
    equilibration_ps: float = Field(2.5, ge=0, description="First part of the run, stored but not analysed, in ps")
    stride: int = Field(10, ge=1, description="Steps from one stored frame to the next")
    velocity_stride: int | None = Field(
        None, ge=1, description="Stored frames from one that holds velocities too to the next; None stores none"
    )
    label_stride: int | None = Field(
        None, ge=1, description="Stored frames from one that holds forces and stress too to the next; None stores none"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.equilibration_ps >= self.length_ps:
            raise ValueError(
                f"equilibration_ps = {self.equilibration_ps} leaves nothing of length_ps = {self.length_ps} "
                "to analyse: make the run longer or the equilibration shorter"
            )
        if self.thermostat_time_constant_fs < 10 * self.time_step_fs:
            raise ValueError(
                f"thermostat_time_constant_fs = {self.thermostat_time_constant_fs} is below ten time steps "
                f"({10 * self.time_step_fs} fs) and cannot be integrated stably: raise it"
            )
        if self.ensemble == "npt" and self.barostat_time_constant_fs < 2 * self.thermostat_time_constant_fs:
            raise ValueError(
                f"barostat_time_constant_fs = {self.barostat_time_constant_fs} is not well above "
                f"thermostat_time_constant_fs = {self.thermostat_time_constant_fs}: make it at least twice as long"
            )
        if self.segment_length_ps * 1e3 < self.stride * self.time_step_fs:
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

    def has_velocities(self, step: int) -> bool:
        """Whether the frame stored at a step of the run holds velocities."""
        return self.velocity_stride is not None and step % (self.stride * self.velocity_stride) == 0

    def has_labels(self, step: int) -> bool:
        """Whether the frame stored at a step of the run holds forces and stress."""
        return self.label_stride is not None and step % (self.stride * self.label_stride) == 0

    def _whole_frames(self, length_ps: float) -> int:
        steps = round(length_ps * 1e3 / self.time_step_fs)
        return max(1, -(-steps // self.stride)) * self.stride


class MDProtocol(MDSettings):
    """Everything that defines one run except the structure and the potential."""

    temperature_K: Temperature = Field(description="Target temperature in K")
    seed: Seed = Field(0, description="Seed of the initial velocities")


class MDSet(MDSettings):
    """Runs at several temperatures and seeds."""

    temperatures_K: list[Temperature] = Field(min_length=1, description="Target temperatures in K")
    seeds: list[Seed] = Field([0], min_length=1, description="Seeds of the initial velocities")

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for name in ("temperatures_K", "seeds"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name} = {values} names a value twice: the same run would be made twice")
        return self

    def protocols(self) -> list[MDProtocol]:
        """One protocol a run: every temperature with every seed."""
        shared = self.model_dump(exclude={"temperatures_K", "seeds"})
        return [
            MDProtocol(temperature_K=temperature, seed=seed, **shared)
            for temperature in self.temperatures_K
            for seed in self.seeds
        ]


class AimdSet(MDSet):
    """Runs with the reference: short segments, because steps are dear, and every stored frame holds its labels."""

    segment_length_ps: float = Field(1.0, gt=0, description="Length of one segment (one job, one blob) in ps")
    label_stride: int | None = Field(
        1, ge=1, description="Stored frames from one that holds forces and stress too to the next; None stores none"
    )
