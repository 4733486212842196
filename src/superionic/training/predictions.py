"""What a model says of labelled frames, beside what the reference says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from superionic.documents import PotentialReference
from superionic.potentials.chgnet.evaluator import ChgnetPotential
from superionic.potentials.chgnet.neighbours import FloatArray
from superionic.training.frames import EV_PER_A3_TO_GPA, TrainingFrame

if TYPE_CHECKING:
    from chgnet.model import CHGNet

__all__ = ["Residual", "residuals"]


@dataclass(frozen=True)
class Residual:
    """Predicted less reference of one frame.

    Attributes
    ----------
    energy_eV
        Of the total energy.
    forces_eV_per_A : (n_atoms, 3)
    stress_GPa : (3, 3)
        None if the frame has no stress.
    """

    energy_eV: float
    forces_eV_per_A: FloatArray
    stress_GPa: FloatArray | None


def residuals(model: CHGNet, frames: Sequence[TrainingFrame]) -> list[Residual]:
    """Evaluate frames, one after the other.

    Parameters
    ----------
    model
        Any CHGNet that can be trained here.
    frames
        Labelled frames.
    """
    device = model.composition_model.fc.weight.device
    kernels = "fused" if device.type == "cpu" else "torch"
    reference = PotentialReference(
        family="CHGNet", model="in training", kernels=kernels, package_version=version("chgnet")
    )
    potential = ChgnetPotential(model, reference, device)
    found = []
    for frame in frames:
        predicted = potential.evaluate_graphs([frame.graph])[0]
        stress = None
        if frame.stress_GPa is not None:
            stress = predicted.require_stress() * EV_PER_A3_TO_GPA - frame.stress_GPa
        found.append(
            Residual(predicted.energy_eV - frame.energy_eV, predicted.forces_eV_per_A - frame.forces_eV_per_A, stress)
        )
    return found
