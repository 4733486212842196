"""A graph seen through the basis functions, and the way back from their gradients to pair vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from superionic.potentials.chgnet.fused.basis import angular_basis, angular_basis_backward, radial_basis
from superionic.potentials.chgnet.fused.matrices import COLUMNS, Matrices
from superionic.potentials.chgnet.fused.readout import vector_gradients
from superionic.potentials.chgnet.fused.scratch import Matrix, zeros
from superionic.potentials.chgnet.graph import CrystalGraph
from superionic.potentials.chgnet.neighbours import FloatArray, IntArray

__all__ = ["Bases"]


@dataclass(frozen=True)
class Bases:
    """Basis functions of all pairs, bonds and angles, and what the first matrices make of them."""

    bond_of_pair: IntArray  # -1 where a pair is no bond
    basis: Matrix  # (n_pairs, 32), and its derivative by the distance
    basis_slope: Matrix
    pair_weights: Matrix  # (n_pairs, 64)
    directions: FloatArray  # (n_bonds, 3)
    bond_basis: Matrix  # (n_bonds, 32), and its derivative by the distance
    bond_basis_slope: Matrix
    bond_weights: Matrix  # (n_bonds, 64)
    angles: FloatArray  # (n_angles,)
    angular: Matrix  # (n_angles, 32)

    @classmethod
    def of(cls, graph: CrystalGraph, weights: Matrices) -> Bases:
        """Evaluate them; the arrays are the scratch memory's."""
        pairs, angles = graph.pairs, graph.angles
        n_pairs, n_angles = len(pairs.first), len(angles.centre)
        bond_of_pair = np.full(n_pairs, -1)
        bond_of_pair[angles.bonds] = np.arange(len(angles.bonds))
        lengths = pairs.distances_A[angles.bonds]
        directions = pairs.vectors_A[angles.bonds] / lengths[:, None]
        power = weights.envelope_power
        basis, basis_slope = _radial(pairs.distances_A, weights.pair_frequencies, weights.cutoff_A, power)
        bond_basis, bond_basis_slope = _radial(lengths, weights.bond_frequencies, weights.bond_cutoff_A, power)
        angular, values = zeros(n_angles, COLUMNS), np.empty(n_angles)
        angular_basis(
            angles.arm_one, angles.arm_two, angles.sign, directions, weights.angle_frequencies, values, angular
        )
        return cls(
            bond_of_pair=bond_of_pair,
            basis=basis,
            basis_slope=basis_slope,
            pair_weights=weights.pair_weights(basis),
            directions=directions,
            bond_basis=bond_basis,
            bond_basis_slope=bond_basis_slope,
            bond_weights=weights.bond_weights(bond_basis),
            angles=values,
            angular=angular,
        )

    def to_vectors(
        self, graph: CrystalGraph, weights: Matrices, d_basis: Matrix, d_bond_basis: Matrix, d_angular: Matrix
    ) -> FloatArray:
        """Gradient to the pair vectors (n_pairs, 3) from those to the basis functions."""
        pairs, angles = graph.pairs, graph.angles
        d_directions, gradients = np.zeros((len(angles.bonds), 3)), np.empty((len(pairs.first), 3))
        angular_basis_backward(
            angles.arm_one, angles.arm_two, angles.sign, self.directions, weights.angle_frequencies,
            self.angles, self.angular, d_angular, d_directions,
        )  # fmt: skip
        vector_gradients(
            pairs.vectors_A, pairs.distances_A, self.basis_slope, d_basis, angles.bonds, self.directions,
            self.bond_basis_slope, d_bond_basis, d_directions, gradients,
        )  # fmt: skip
        return gradients


def _radial(
    distances_A: FloatArray, frequencies: Matrix, cutoff_A: float, envelope_power: int
) -> tuple[Matrix, Matrix]:
    values, slopes = zeros(len(distances_A), COLUMNS), zeros(len(distances_A), COLUMNS)
    radial_basis(distances_A.astype(np.float32), frequencies, cutoff_A, envelope_power, values, slopes)
    return values, slopes
