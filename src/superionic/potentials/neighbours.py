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

from superionic.potentials.errors import PotentialError

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
        image = self._image
        vectors = positions_A[self._second] - positions_A[self._first]
        # spelled out: a matrix product may round differently with the length of the list
        vectors += image[:, 0:1] * cell_A[0] + image[:, 1:2] * cell_A[1] + image[:, 2:3] * cell_A[2]
        x, y, z = vectors.T
        squared = x * x + y * y + z * z
        near = np.flatnonzero(squared < self.cutoff_A**2)
        first, second, distances = self._first[near], self._second[near], np.sqrt(squared[near])
        if len(near) and distances.min() < SHORTEST_PAIR_A:
            k = int(distances.argmin())
            raise PotentialError(
                f"atoms {first[k]} and {second[k]} are {distances[k]:.3f} A apart: the structure has collapsed"
            )
        return AtomPairs(first, second, vectors[near], distances)

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
    bonds = np.flatnonzero(pairs.distances_A < bond_cutoff_A)
    n_bonds = len(bonds)
    # each bond once per end: index k starts at the first atom, k + n_bonds at the second
    ends = np.concatenate([pairs.first[bonds], pairs.second[bonds]])
    order = np.argsort(ends, kind="stable")
    centre = ends[order]
    n_at_centre = np.bincount(centre) if n_bonds else np.zeros(0, dtype=np.int64)
    n_at_centre = n_at_centre[n_at_centre > 0]
    position = np.arange(2 * n_bonds) - np.repeat(np.cumsum(n_at_centre) - n_at_centre, n_at_centre)
    n_after = np.repeat(n_at_centre, n_at_centre) - position - 1
    one = np.repeat(np.arange(2 * n_bonds), n_after)
    two = one + 1 + np.arange(len(one)) - np.repeat(np.cumsum(n_after) - n_after, n_after)
    end_one, end_two = order[one], order[two]
    return BondAngles(
        bonds=bonds,
        arm_one=end_one % max(n_bonds, 1),
        arm_two=end_two % max(n_bonds, 1),
        centre=centre[one],
        sign=np.where((end_one < n_bonds) == (end_two < n_bonds), 1.0, -1.0),
    )
