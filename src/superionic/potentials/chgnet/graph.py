"""The numbers a network sees: one or several systems as one disjoint graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from superionic.potentials.chgnet.neighbours import AtomPairs, BondAngles, FloatArray, IntArray, bond_angles

__all__ = ["CrystalGraph", "crystal_graph", "join"]


@dataclass(frozen=True)
class CrystalGraph:
    """Atoms, pairs and angles of all systems of one evaluation, indices running through.

    Attributes
    ----------
    numbers : (n_atoms,) int
        Atomic numbers.
    pairs, angles
        Indices count through all systems.
    cells_A : (n_systems, 3, 3) float64
        Lattice vectors in rows.
    atom_offsets, pair_offsets : (n_systems + 1,) int
        Where each system's atoms and pairs begin.
    """

    numbers: IntArray
    pairs: AtomPairs
    angles: BondAngles
    cells_A: FloatArray
    atom_offsets: IntArray
    pair_offsets: IntArray


def crystal_graph(numbers: IntArray, pairs: AtomPairs, cell_A: FloatArray, bond_cutoff_A: float) -> CrystalGraph:
    """Graph of one system."""
    angles = bond_angles(pairs, bond_cutoff_A)
    return CrystalGraph(
        numbers, pairs, angles, cell_A[None], np.array([0, len(numbers)]), np.array([0, len(pairs.first)])
    )


def join(graphs: Sequence[CrystalGraph]) -> CrystalGraph:
    """Disjoint union of graphs."""
    if len(graphs) == 1:
        return graphs[0]
    all_pairs, all_angles = [graph.pairs for graph in graphs], [graph.angles for graph in graphs]
    atoms = _offsets([len(graph.numbers) for graph in graphs])
    pairs = _offsets([len(pairs.first) for pairs in all_pairs])
    bonds = _offsets([len(angles.bonds) for angles in all_angles])
    return CrystalGraph(
        numbers=np.concatenate([graph.numbers for graph in graphs]),
        pairs=AtomPairs(
            first=_shifted([pairs.first for pairs in all_pairs], atoms),
            second=_shifted([pairs.second for pairs in all_pairs], atoms),
            vectors_A=np.concatenate([pairs.vectors_A for pairs in all_pairs]),
            distances_A=np.concatenate([pairs.distances_A for pairs in all_pairs]),
        ),
        angles=BondAngles(
            bonds=_shifted([angles.bonds for angles in all_angles], pairs),
            arm_one=_shifted([angles.arm_one for angles in all_angles], bonds),
            arm_two=_shifted([angles.arm_two for angles in all_angles], bonds),
            centre=_shifted([angles.centre for angles in all_angles], atoms),
            sign=np.concatenate([angles.sign for angles in all_angles]),
        ),
        cells_A=np.concatenate([graph.cells_A for graph in graphs]),
        atom_offsets=_joined_offsets([graph.atom_offsets for graph in graphs], atoms),
        pair_offsets=_joined_offsets([graph.pair_offsets for graph in graphs], pairs),
    )


def _offsets(sizes: list[int]) -> IntArray:
    offsets: IntArray = np.cumsum([0, *sizes])
    return offsets


def _shifted(indices: list[IntArray], offsets: IntArray) -> IntArray:
    shifted: IntArray = np.concatenate([part + offset for part, offset in zip(indices, offsets, strict=False)])
    return shifted


def _joined_offsets(parts: list[IntArray], offsets: IntArray) -> IntArray:
    return np.append(_shifted([part[:-1] for part in parts], offsets), offsets[-1])
