"""What is run to validate a potential besides the runs that its reference has."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import Field, ValidationError

from superionic.documents.base import Document
from superionic.documents.protocol import MDSet
from superionic.errors import InputError, first_error


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
        """The runs, with time step, stride and time constants of those at constant volume.

        Raises
        ------
        InputError
            If no such runs can be made.
        """
        return like(
            runs,
            "validate.npt",
            ensemble="npt",
            temperatures_K=[self.temperature_K],
            seeds=self.seeds,
            length_ps=self.length_ps,
            equilibration_ps=self.equilibration_ps,
            label_stride=None,
            velocity_stride=None,
        )


def like(runs: MDSet, where: str, leave_out: Collection[str] = (), **changed: Any) -> MDSet:
    """Runs of a potential like others, but for what is changed, and what is left at its usual value.

    Parameters
    ----------
    runs
        The others.
    where
        What of a study file changes them, for the error.
    leave_out
        Fields to leave at their usual values, besides the length of segments and the error to stop at.
    changed
        Fields that differ.

    Raises
    ------
    InputError
        If the fields do not fit each other.
    """
    kept = runs.model_dump(exclude={"segment_length_ps", "target_relative_error", *leave_out})
    try:
        return MDSet(**{**kept, **changed})
    except ValidationError as error:
        raise InputError(f"{where}: {first_error(error)}") from error
