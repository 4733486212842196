"""What files say of frames before anything has been checked: some of it may be missing or wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace

from superionic.datasets.frames import BareFrame, Floats
from superionic.documents.dataset import FrameOrigin, LabelReference


@dataclass(frozen=True, eq=False)
class Candidate:
    """A frame that asks to be let into a dataset (see `superionic.datasets.checks`).

    Attributes
    ----------
    frame
        Atoms, cell and origin.
    reference
        What gave the labels.
    energy_eV, forces_eV_per_A, stress_eV_per_A3, magnetic_moments_muB
        As of `ReferenceFrame`; None where the source does not say.
    problem
        Why the source itself says that the labels are not to be used, such as self-consistency that was not reached.
    """

    frame: BareFrame
    reference: LabelReference
    energy_eV: float | None = None
    forces_eV_per_A: Floats | None = None
    stress_eV_per_A3: Floats | None = None
    magnetic_moments_muB: Floats | None = None
    problem: str | None = None

    def of(self, origin: FrameOrigin) -> Candidate:
        """The same with another origin."""
        return replace(self, frame=replace(self.frame, origin=origin))
