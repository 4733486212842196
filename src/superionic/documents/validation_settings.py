"""What is run to validate a potential besides the runs that its reference has."""

from __future__ import annotations

from pydantic import Field

from superionic.documents.base import Document
from superionic.documents.protocol import MDSet


class ConstantPressure(Document):
    """Runs at constant pressure, for the volume."""

    temperature_K: float = Field(300.0, gt=0, description="Temperature in K")
    length_ps: float = Field(20.0, gt=0, description="Length of a run in ps, equilibration included")
    equilibration_ps: float = Field(5.0, ge=0, description="First part of it that is left out of the mean, in ps")
    seeds: list[int] = Field([1000], min_length=1, description="Seeds of the initial velocities")
    with_reference: bool = Field(
        False, description="Whether the reference runs it too: without, volumes are stated but not compared"
    )

    def md(self, runs: MDSet) -> MDSet:
        """The runs, with time step, stride and time constants of those at constant volume."""
        kept = runs.model_dump(exclude={"temperatures_K", "seeds", "target_relative_error", "segment_length_ps"})
        return MDSet(
            **{
                **kept,
                "ensemble": "npt",
                "temperatures_K": [self.temperature_K],
                "seeds": self.seeds,
                "length_ps": self.length_ps,
                "equilibration_ps": self.equilibration_ps,
                "label_stride": None,
                "velocity_stride": None,
            }
        )
