"""The loss of a batch on energies per atom, forces and stresses, and its gradient to all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from superionic.errors import InputError

__all__ = ["BatchSize", "FrameLoss", "Loss"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BatchSize:
    """What the means of a batch's loss are taken over: frames, components of forces, and frames with a stress."""

    n_frames: int
    n_forces: int
    n_stresses: int


@dataclass(frozen=True)
class FrameLoss:
    """A frame's share of a batch's loss and its gradients to energy per atom, forces and stress."""

    value: float
    d_energy_per_atom: float
    d_forces: Floats
    d_stress: Floats | None


@dataclass(frozen=True)
class Loss:
    """Weighted sum of the means over a batch of energies, of force components and of stress components.

    As chgnet's ``CombinedLoss`` without magnetic moments.

    Attributes
    ----------
    energy, force, stress
        Weights of energies in eV/atom, forces in eV/A and stresses in GPa.
    criterion
        'huber', 'mse' or 'mae'.
    delta
        Where Huber's loss turns from squares to absolute values, in eV/atom, eV/A and GPa alike.
    """

    energy: float = 1.0
    force: float = 1.5
    stress: float = 0.15
    criterion: Literal["huber", "mse", "mae"] = "huber"
    delta: float = 0.1

    def __post_init__(self) -> None:
        weights = (self.energy, self.force, self.stress)
        if min(weights) < 0 or not any(weights):
            raise InputError(f"weights of the loss {weights}: none may be negative, and one must be positive")
        if not self.delta > 0:
            raise InputError(f"delta = {self.delta} of the loss is not positive")

    def of_frame(self, energy_per_atom: float, forces: Floats, stress: Floats | None, size: BatchSize) -> FrameLoss:
        """Share of one frame.

        Parameters
        ----------
        energy_per_atom, forces, stress
            Predicted minus reference, in eV/atom, eV/A (n_atoms, 3) and GPa (3, 3); None where there is no stress.
        size
            Of the whole batch.
        """
        of = _CRITERIA[self.criterion]
        energy, d_energy = of(np.asarray(energy_per_atom), self.delta)
        force, d_force = of(forces, self.delta)
        per_energy, per_force = self.energy / size.n_frames, self.force / size.n_forces
        value = per_energy * energy.sum() + per_force * force.sum()
        d_stress = None
        if stress is not None:
            per_stress = self.stress / (9 * size.n_stresses)
            tension, d_tension = of(stress, self.delta)
            value, d_stress = value + per_stress * tension.sum(), per_stress * d_tension
        return FrameLoss(
            value=float(value),
            d_energy_per_atom=float(per_energy * d_energy),
            d_forces=per_force * d_force,
            d_stress=d_stress,
        )


def _huber(error: Floats, delta: float) -> tuple[Floats, Floats]:
    size = np.abs(error)
    value = np.where(size < delta, 0.5 * error * error, delta * (size - 0.5 * delta))
    return value, np.clip(error, -delta, delta)


def _squared(error: Floats, delta: float) -> tuple[Floats, Floats]:  # noqa: ARG001 - one signature for all
    return error * error, 2 * error


def _absolute(error: Floats, delta: float) -> tuple[Floats, Floats]:  # noqa: ARG001
    return np.abs(error), np.sign(error)


_CRITERIA: dict[str, Callable[[Floats, float], tuple[Floats, Floats]]] = {
    "huber": _huber,
    "mse": _squared,
    "mae": _absolute,
}
