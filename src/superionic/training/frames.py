"""A labelled frame as training reads it: built once, the same in every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import units
from numpy.typing import ArrayLike

from superionic.datasets.frames import LabelledFrames
from superionic.documents.dataset import FrameOrigin
from superionic.errors import InputError
from superionic.potentials.checks import checked_geometry, checked_numbers, refuse_isolated
from superionic.potentials.chgnet.graph import CrystalGraph, crystal_graph
from superionic.potentials.chgnet.neighbours import FloatArray, SkinList
from superionic.potentials.chgnet.reference import KNOWS, SUPPORTED_NUMBERS
from superionic.training.loss import BatchSize

__all__ = ["EV_PER_A3_TO_GPA", "TrainingFrame", "size_of", "training_frame", "training_frames"]

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
        Positive under tension, as ASE's; None if the reference gave none.
    origin
        Where it was drawn from; None if nobody knows.
    """

    graph: CrystalGraph
    energy_eV: float
    forces_eV_per_A: FloatArray
    stress_GPa: FloatArray | None
    origin: FrameOrigin | None = None

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
    stress_eV_per_A3: ArrayLike | None,
    cutoff_A: float,
    bond_cutoff_A: float,
    origin: FrameOrigin | None = None,
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
        With ASE's sign: positive under tension; None if there is none.
    cutoff_A, bond_cutoff_A
        The model's.
    origin
        Where it was drawn from.

    Raises
    ------
    InputError
        If a label has another shape or is not finite, or the geometry is one that CHGNet has no answer for.
    """
    checked = checked_numbers(numbers, SUPPORTED_NUMBERS, KNOWS)
    positions, cell = checked_geometry(checked, positions_A, cell_A)
    labels: dict[str, tuple[FloatArray, tuple[int, ...]]] = {"energy_eV": (np.asarray(energy_eV, dtype=np.float64), ())}
    labels["forces_eV_per_A"] = (np.asarray(forces_eV_per_A, dtype=np.float64), positions.shape)
    if stress_eV_per_A3 is not None:
        labels["stress_eV_per_A3"] = (np.asarray(stress_eV_per_A3, dtype=np.float64), (3, 3))
    for name, (label, shape) in labels.items():
        if label.shape != shape:
            raise InputError(f"{name} has shape {label.shape}, expected {shape}: a frame needs all of its labels")
        if not np.isfinite(label).all():
            raise InputError(f"{name} is not finite: leave the frame out")
    pairs = SkinList(cutoff_A).pairs(positions, cell)
    refuse_isolated(checked, np.concatenate([pairs.first, pairs.second]), cutoff_A)
    graph = crystal_graph(checked, pairs, cell, bond_cutoff_A)
    stress = None if stress_eV_per_A3 is None else labels["stress_eV_per_A3"][0] * EV_PER_A3_TO_GPA
    return TrainingFrame(graph, float(energy_eV), labels["forces_eV_per_A"][0], stress, origin)


def training_frames(frames: LabelledFrames, cutoff_A: float, bond_cutoff_A: float) -> list[TrainingFrame]:
    """The frames of a dataset, or of a part of it, for a model of these cutoffs.

    Raises
    ------
    InputError
        As `training_frame`; it names the frame.
    """
    made = []
    for frame in frames:
        try:
            made.append(
                training_frame(
                    frame.numbers,
                    frame.positions_A,
                    frame.cell_A,
                    energy_eV=frame.energy_eV,
                    forces_eV_per_A=frame.forces_eV_per_A,
                    stress_eV_per_A3=frame.stress_eV_per_A3,
                    cutoff_A=cutoff_A,
                    bond_cutoff_A=bond_cutoff_A,
                    origin=frame.origin,
                )
            )
        except InputError as error:
            raise InputError(f"{frame.origin.title}: {error}") from error
    return made


def size_of(frames: Sequence[TrainingFrame]) -> BatchSize:
    """What the means of the loss of these frames are taken over."""
    n_forces = 3 * sum(frame.n_atoms for frame in frames)
    return BatchSize(len(frames), n_forces, sum(frame.stress_GPa is not None for frame in frames))
