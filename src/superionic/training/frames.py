"""A labelled frame as training reads it: built once, the same in every epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import units
from numpy.typing import ArrayLike

from superionic.errors import InputError
from superionic.potentials.checks import checked_geometry, checked_numbers, refuse_isolated
from superionic.potentials.chgnet.graph import CrystalGraph, crystal_graph
from superionic.potentials.chgnet.neighbours import FloatArray, SkinList
from superionic.potentials.chgnet.reference import KNOWS, SUPPORTED_NUMBERS

__all__ = ["EV_PER_A3_TO_GPA", "TrainingFrame", "training_frame"]

EV_PER_A3_TO_GPA = 1.0 / units.GPa


@dataclass(frozen=True)
class TrainingFrame:
    """One system and what the reference says of it.

    Attributes
    ----------
    graph
        Its graph.
    energy_eV
        Total energy.
    forces_eV_per_A : (n_atoms, 3)
    stress_GPa : (3, 3)
        Positive under tension, as ASE's.
    """

    graph: CrystalGraph
    energy_eV: float
    forces_eV_per_A: FloatArray
    stress_GPa: FloatArray

    @property
    def n_atoms(self) -> int:
        """Atoms."""
        return len(self.graph.numbers)

    @property
    def volume_A3(self) -> float:
        """Volume of the cell."""
        return float(abs(np.linalg.det(self.graph.cells_A[0])))


def training_frame(
    numbers: ArrayLike,
    positions_A: ArrayLike,
    cell_A: ArrayLike,
    *,
    energy_eV: float,
    forces_eV_per_A: ArrayLike,
    stress_eV_per_A3: ArrayLike,
    cutoff_A: float,
    bond_cutoff_A: float,
) -> TrainingFrame:
    """Build a frame's graph and check its labels.

    Parameters
    ----------
    numbers : (n_atoms,)
        Atomic numbers.
    positions_A, cell_A
        Cartesian positions (n_atoms, 3) and lattice vectors in rows (3, 3).
    energy_eV
        Total energy, not per atom.
    forces_eV_per_A : (n_atoms, 3)
    stress_eV_per_A3 : (3, 3)
        With ASE's sign: positive under tension.
    cutoff_A, bond_cutoff_A
        The model's.

    Raises
    ------
    InputError
        If a label has another shape or is not finite, or the geometry is one that CHGNet has no answer for.
    """
    checked = checked_numbers(numbers, SUPPORTED_NUMBERS, KNOWS)
    positions, cell = checked_geometry(checked, positions_A, cell_A)
    forces, stress = np.asarray(forces_eV_per_A, dtype=np.float64), np.asarray(stress_eV_per_A3, dtype=np.float64)
    for name, label, shape in (("forces_eV_per_A", forces, positions.shape), ("stress_eV_per_A3", stress, (3, 3))):
        if label.shape != shape:
            raise InputError(f"{name} has shape {label.shape}, expected {shape}: a frame needs all of its labels")
    for name, label in (
        ("energy_eV", np.asarray(energy_eV)),
        ("forces_eV_per_A", forces),
        ("stress_eV_per_A3", stress),
    ):
        if not np.isfinite(label).all():
            raise InputError(f"{name} is not finite: leave the frame out")
    pairs = SkinList(cutoff_A).pairs(positions, cell)
    refuse_isolated(checked, np.concatenate([pairs.first, pairs.second]), cutoff_A)
    graph = crystal_graph(checked, pairs, cell, bond_cutoff_A)
    return TrainingFrame(graph, float(energy_eV), forces, stress * EV_PER_A3_TO_GPA)
