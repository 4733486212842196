"""The parts of the motion that are fitted over temperatures on their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from superionic.documents import DiffusivityDocument, Estimate, PartKind


@dataclass(frozen=True)
class PartOfMotion:
    """One part, with a value in every run that has it.

    Attributes
    ----------
    kind
        What it is.
    which
        Cell axis, or category of jumps; None for all jumps and for conductivities.
    """

    kind: PartKind
    which: str | None = None

    def __str__(self) -> str:
        if self.which is None:
            return self.kind.value
        return f"{self.kind} {self.which}" if self.kind == PartKind.AXIS else f"{self.kind}: {self.which}"

    @property
    def times_T(self) -> bool:
        """Whether it is a conductivity times the temperature: it follows Arrhenius' law, the conductivity does not."""
        return self.kind in {PartKind.CONDUCTIVITY, PartKind.COLLECTIVE_CONDUCTIVITY}

    def value(self, run: DiffusivityDocument) -> Estimate | None:
        """Its value in a run, in cm^2/s (mS K/cm for conductivities times T); None where the run has none."""
        match self.kind:
            case PartKind.AXIS:
                return run.diffusivity_along_cell_cm2_per_s.get(self.which or "")
            case PartKind.JUMPS:
                return _jumps(run, self.which)
            case PartKind.CONDUCTIVITY:
                return run.conductivity_mS_per_cm.scaled(run.temperature_K)
            case PartKind.COLLECTIVE_CONDUCTIVITY:
                collective = run.collective
                return collective.conductivity_mS_per_cm.scaled(run.temperature_K) if collective else None


def _jumps(run: DiffusivityDocument, category: str | None) -> Estimate | None:
    if run.jumps is None:
        return None
    if category is None:
        return run.jumps.diffusivity_cm2_per_s
    return next((found.diffusivity_cm2_per_s for found in run.jumps.categories if found.name == category), None)


def parts_of_motion(runs: Sequence[DiffusivityDocument]) -> list[PartOfMotion]:
    """The parts that any of the runs has."""
    parts = [PartOfMotion(PartKind.AXIS, axis) for axis in "abc"]
    if any(run.jumps for run in runs):
        categories = dict.fromkeys(found.name for run in runs if run.jumps for found in run.jumps.categories)
        parts += [PartOfMotion(PartKind.JUMPS, category) for category in (None, *categories)]
    parts.append(PartOfMotion(PartKind.CONDUCTIVITY))
    if any(run.collective for run in runs):
        parts.append(PartOfMotion(PartKind.COLLECTIVE_CONDUCTIVITY))
    return parts
