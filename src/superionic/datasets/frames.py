"""Labelled frames in memory: plain numpy, what training and validation read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from superionic.documents.dataset import FrameOrigin, LabelReference, SplitName
from superionic.errors import InputError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class BareFrame:
    """A cell of atoms that has no labels yet, and where it was drawn from.

    Attributes
    ----------
    numbers : (n_atoms,)
        Atomic numbers.
    positions_A : (n_atoms, 3)
        Cartesian.
    cell_A : (3, 3)
        Cell vectors as rows; periodic along all three.
    origin
        Where it was drawn from.
    """

    numbers: Integers
    positions_A: Floats
    cell_A: Floats
    origin: FrameOrigin

    @property
    def n_atoms(self) -> int:
        """Atoms."""
        return len(self.numbers)

    @property
    def volume_A3(self) -> float:
        """Volume of the cell."""
        return float(abs(np.linalg.det(self.cell_A)))

    @property
    def formula(self) -> str:
        """Reduced formula."""
        return formula_of(self.numbers)


@dataclass(frozen=True, eq=False)
class ReferenceFrame(BareFrame):
    """A frame with what the reference says of it.

    Attributes
    ----------
    energy_eV
        Of the whole cell; where electrons are smeared, the free energy, whose gradient the forces are.
    forces_eV_per_A : (n_atoms, 3)
    stress_eV_per_A3 : (3, 3)
        ASE's sign, (1/V) dE/d(strain): positive where the cell wants to shrink. None if there is none.
    magnetic_moments_muB : (n_atoms,)
        None if there are none.
    reference
        What gave the labels.
    split
        Part of the split; None if the frames were not dealt out.
    """

    energy_eV: float
    forces_eV_per_A: Floats
    stress_eV_per_A3: Floats | None
    magnetic_moments_muB: Floats | None
    reference: LabelReference
    split: SplitName | None = None

    @property
    def energy_eV_per_atom(self) -> float:
        """Energy over the number of atoms."""
        return self.energy_eV / self.n_atoms

    @property
    def max_force_eV_per_A(self) -> float:
        """Length of the largest force on an atom."""
        return float(np.linalg.norm(self.forces_eV_per_A, axis=1).max())


@dataclass(frozen=True, eq=False)
class LabelledFrames:
    """Frames of one dataset, in its order.

    Attributes
    ----------
    frames
        The frames.
    """

    frames: tuple[ReferenceFrame, ...]

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[ReferenceFrame]:
        return iter(self.frames)

    def __getitem__(self, index: int) -> ReferenceFrame:
        return self.frames[index]

    def take(self, indices: Iterable[int]) -> LabelledFrames:
        """The frames of these numbers, in their order."""
        return LabelledFrames(tuple(self.frames[index] for index in indices))

    def part(self, split: SplitName) -> LabelledFrames:
        """The frames of one part of the split.

        Raises
        ------
        InputError
            If the frames were not dealt out, or the part is empty.
        """
        if any(frame.split is None for frame in self.frames):
            raise InputError("the dataset is not split: split it first (`superionic dataset split`)")
        found = tuple(frame for frame in self.frames if frame.split == split)
        if not found:
            raise InputError(f"the dataset has no frame for {split}: split it with a share for it")
        return LabelledFrames(found)

    def dealt_out(self, parts: Sequence[SplitName]) -> LabelledFrames:
        """The same frames, each with the part that it is given."""
        return LabelledFrames(tuple(replace(frame, split=part) for frame, part in zip(self.frames, parts, strict=True)))

    @property
    def references(self) -> list[LabelReference]:
        """What gave the labels, each once, in the order of the frames."""
        found: list[LabelReference] = []
        for frame in self.frames:
            if not any(reference is frame.reference for reference in found) and frame.reference not in found:
                found.append(frame.reference)
        return found

    @property
    def energies_eV_per_atom(self) -> Floats:
        """Shape (n_frames,)."""
        return np.array([frame.energy_eV_per_atom for frame in self.frames])

    @property
    def max_forces_eV_per_A(self) -> Floats:
        """Largest force on an atom of each frame, shape (n_frames,)."""
        return np.array([frame.max_force_eV_per_A for frame in self.frames])

    @property
    def elements(self) -> frozenset[int]:
        """Atomic numbers that occur."""
        return frozenset(int(number) for frame in self.frames for number in np.unique(frame.numbers))


def formula_of(numbers: Integers) -> str:
    """Reduced formula of atomic numbers, in the order in which pymatgen writes it."""
    from pymatgen.core import Composition

    return Composition(Counter(chemical_symbols[number] for number in numbers)).reduced_formula
