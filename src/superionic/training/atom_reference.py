"""Energies of atoms moved to where the labels have them, before training and after.

Two functionals, or two pseudopotentials, put the zero of energy elsewhere for every element. A step of Adam moves an
atom's energy by its learning rate at most, so that a difference of 0.35 eV/atom, let alone of 400, is never learned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from ase.data import atomic_numbers, chemical_symbols

from superionic.potentials.chgnet.neighbours import FloatArray
from superionic.training.frames import TrainingFrame

if TYPE_CHECKING:
    from chgnet.model import CHGNet

__all__ = ["least_shift", "move_atom_reference", "shift_atom_reference"]

_RCOND = 1e-3
"""Compositions that differ by less than this share of the largest difference tell nothing of single elements."""


def least_shift(frames: Sequence[TrainingFrame], energy_residuals_eV: FloatArray) -> dict[int, float]:
    """Change of each element's energy that takes residuals away best: least squares of minimum norm.

    Of frames of one composition only the sum is known; the smallest change of all that give it is taken. A fit of the
    energies themselves would say that one element has them all.

    Parameters
    ----------
    frames
        Frames, for their compositions.
    energy_residuals_eV : (n_frames,)
        Predicted less reference total energies.

    Returns
    -------
    shift
        Atomic number -> what to add to the energy of its atoms, in eV.
    """
    numbers = sorted({int(number) for frame in frames for number in frame.graph.numbers})
    shares = np.array([[np.mean(frame.graph.numbers == number) for number in numbers] for frame in frames])
    n_atoms = np.array([frame.n_atoms for frame in frames])
    shift = np.linalg.lstsq(shares, -energy_residuals_eV / n_atoms, rcond=_RCOND)[0]
    return dict(zip(numbers, shift.tolist(), strict=True))


def shift_atom_reference(
    model: CHGNet, frames: Sequence[TrainingFrame], energy_residuals_eV: FloatArray
) -> dict[str, float]:
    """Move a model's energies of atoms by `least_shift`.

    Returns
    -------
    shift
        Element -> what was added in eV.
    """
    least = least_shift(frames, energy_residuals_eV)
    shift = {chemical_symbols[number]: value for number, value in least.items()}
    move_atom_reference(model, shift)
    return shift


def move_atom_reference(model: CHGNet, shift_eV: Mapping[str, float]) -> None:
    """Add to a model's energies of atoms.

    Parameters
    ----------
    model
        Its reference energies are changed.
    shift_eV
        Element -> what to add in eV.
    """
    weight = model.composition_model.fc.weight
    with torch.no_grad():
        for symbol, value in shift_eV.items():
            weight[0, atomic_numbers[symbol] - 1] += value
