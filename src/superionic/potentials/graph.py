"""The numbers a network sees: one or several systems as one disjoint graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from superionic.potentials.neighbours import AtomPairs, BondAngles, FloatArray, IntArray, bond_angles

__all__ = ["CrystalGraph", "join"]


@dataclass(frozen=True)
class CrystalGraph:
    """Atoms, pairs and angles of all systems of one evaluation, indices running through.

    Attributes
    ----------
    numbers : (n_atoms,) int
        Atomic numbers.
    pairs, angles
        Indices count through all systems.
    atom_offsets, pair_offsets : (n_systems + 1,) int
        Where each system's atoms and pairs begin.
    """

    numbers: IntArray
    pairs: AtomPairs
    angles: BondAngles
    atom_offsets: IntArray
    pair_offsets: IntArray


def join(systems: Sequence[tuple[IntArray, AtomPairs]], bond_cutoff_A: float) -> CrystalGraph:
    """Disjoint union of (atomic numbers, pairs) of several systems."""
    atom_offsets = np.cumsum([0, *(len(numbers) for numbers, _ in systems)])
    pair_offsets = np.cumsum([0, *(len(pairs.first) for _, pairs in systems)])
    if len(systems) == 1:
        numbers, pairs = systems[0]
    else:
        shifted = list(zip(systems, atom_offsets[:-1], strict=True))
        numbers = np.concatenate([numbers for numbers, _ in systems])
        vectors: FloatArray = np.concatenate([pairs.vectors_A for _, pairs in systems])
        pairs = AtomPairs(
            first=np.concatenate([pairs.first + offset for (_, pairs), offset in shifted]),
            second=np.concatenate([pairs.second + offset for (_, pairs), offset in shifted]),
            vectors_A=vectors,
            distances_A=np.concatenate([pairs.distances_A for _, pairs in systems]),
        )
    return CrystalGraph(numbers, pairs, bond_angles(pairs, bond_cutoff_A), atom_offsets, pair_offsets)
