"""Who is near whom: exact pairs from a Verlet skin list, and the bond graph on top of them.

Everything here is a pure function of the atoms and the cell, bit for bit: pairs come in the order of
(i, j, image), are filtered to the exact cutoff at every call, and their vectors are computed by the same
element-wise formula whenever the skin list was last built. A run continued from a checkpoint therefore
sees the same numbers as one that was never stopped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pymatgen.optimization.neighbors import find_points_in_spheres

from superionic.potentials.chgnet.fused.geometry import angles_between_bonds, pairs_within
from superionic.potentials.interface import PotentialError

__all__ = ["AtomPairs", "BondAngles", "SkinList", "bond_angles"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SHORTEST_PAIR_A = 0.1
"""Closer pairs mean that atoms sit on top of each other; 1/r would swamp float32."""


@dataclass(frozen=True)
class AtomPairs:
    """Every unordered pair within the cutoff once, with its image.

    Attributes
    ----------
    first, second : (n_pairs,) int
        Atoms of the pair.
    vectors_A : (n_pairs, 3) float64
        From the first atom to the image of the second.
    distances_A : (n_pairs,) float64
    """

    first: IntArray
    second: IntArray
    vectors_A: FloatArray
    distances_A: FloatArray


@dataclass(frozen=True)
class BondAngles:
    """Angles between two bonds (pairs below the bond cutoff) that share an atom, each unordered angle once.

    Attributes
    ----------
    bonds : (n_bonds,) int
        Indices into the pairs.
    arm_one, arm_two : (n_angles,) int
        Indices into `bonds`.
    centre : (n_angles,) int
        The shared atom.
    sign : (n_angles,) float64
        -1 where exactly one of the two pair vectors points towards the centre, else +1.
    """

    bonds: IntArray
    arm_one: IntArray
    arm_two: IntArray
    centre: IntArray
    sign: FloatArray


class SkinList:
    """Pairs within `cutoff_A`, from a candidate list that is rebuilt only when it could miss one.

    With x0, h0 the positions and cell at the last build, F = h0^-1 h the cell's deformation since and
    d = max |x - x0 F|, a pair at distance r now was at most |F^-1| (r + 2 d) apart then. While
    |F^-1| (cutoff + 2 d) <= cutoff + skin, the candidates hold every pair.
    """

    def __init__(self, cutoff_A: float, skin_A: float = 0.6) -> None:
        self.cutoff_A = cutoff_A
        self.skin_A = skin_A
        self.n_builds = 0
        self._positions_A: FloatArray | None = None

    def pairs(self, positions_A: FloatArray, cell_A: FloatArray) -> AtomPairs:
        """Exact pairs at these positions.

        Parameters
        ----------
        positions_A : (n_atoms, 3) float64
            Cartesian, wrapped or not.
        cell_A : (3, 3) float64
            Lattice vectors in rows.

        Raises
        ------
        PotentialError
            Two atoms coincide.
        """
        if not self._covers(positions_A, cell_A):
            self._build(positions_A, cell_A)
        first, second, vectors, distances = pairs_within(
            positions_A, cell_A, self._first, self._second, self._image, self.cutoff_A
        )
        if distances.min(initial=np.inf) < SHORTEST_PAIR_A:
            k = int(distances.argmin())
            raise PotentialError(
                f"atoms {first[k]} and {second[k]} are {distances[k]:.3f} A apart: the structure has collapsed"
            )
        return AtomPairs(first, second, vectors, distances)

    def _covers(self, positions_A: FloatArray, cell_A: FloatArray) -> bool:
        if self._positions_A is None or len(self._positions_A) != len(positions_A):
            return False
        moved, stretch = positions_A - self._positions_A, 1.0
        if not np.array_equal(cell_A, self._cell_A):
            deformation = np.linalg.solve(self._cell_A, cell_A)
            moved = positions_A - self._positions_A @ deformation
            stretch = float(np.linalg.norm(np.linalg.inv(deformation), 2))
        reach = self.cutoff_A + 2.0 * float(np.sqrt((moved * moved).sum(axis=1).max(initial=0.0)))
        return stretch * reach <= self.cutoff_A + self.skin_A - 1e-6

    def _build(self, positions_A: FloatArray, cell_A: FloatArray) -> None:
        points = np.ascontiguousarray(positions_A)
        first, second, image, _ = find_points_in_spheres(
            points,
            points,
            r=self.cutoff_A + self.skin_A,
            pbc=np.ones(3, dtype=np.int64),
            lattice=np.ascontiguousarray(cell_A),
            tol=1e-8,
        )
        image = image.astype(np.int64)
        leading = np.where(image[:, 0] != 0, image[:, 0], np.where(image[:, 1] != 0, image[:, 1], image[:, 2]))
        half = np.flatnonzero((first < second) | ((first == second) & (leading > 0)))
        order = half[np.lexsort((*image[half].T[::-1], second[half], first[half]))]
        self._first = first[order].astype(np.int64)
        self._second = second[order].astype(np.int64)
        self._image = image[order].astype(np.float64)
        self._positions_A, self._cell_A = points.copy(), cell_A.copy()
        self.n_builds += 1


def bond_angles(pairs: AtomPairs, bond_cutoff_A: float) -> BondAngles:
    """Bonds shorter than the bond cutoff and the angles between them (CHGNet's bond graph)."""
    return BondAngles(*angles_between_bonds(pairs.first, pairs.second, pairs.distances_A, bond_cutoff_A))
