"""CHGNet with a hand-written reverse pass over small tiles: the fast path on a CPU, in one thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from superionic.potentials.chgnet.fused.angles import (
    angle_updates,
    angle_updates_backward,
    bond_messages,
    bond_messages_backward,
)
from superionic.potentials.chgnet.fused.bases import Bases
from superionic.potentials.chgnet.fused.gates import silu_and_slope
from superionic.potentials.chgnet.fused.matrices import COLUMNS, GatedMlp, Matrices
from superionic.potentials.chgnet.fused.pairs import pair_messages, pair_messages_backward
from superionic.potentials.chgnet.fused.readout import normalize, normalize_backward
from superionic.potentials.chgnet.fused.scratch import Matrix, empty, restart, zeros
from superionic.potentials.chgnet.graph import CrystalGraph
from superionic.potentials.chgnet.neighbours import FloatArray
from superionic.potentials.chgnet.weights import ChgnetWeights

__all__ = ["FusedNetwork"]


@dataclass
class _Tape:
    """What the reverse pass needs again of each layer: the first arguments of its kernels."""

    pairs: list[tuple[Any, ...]] = field(default_factory=list)
    bonds: list[tuple[Any, ...]] = field(default_factory=list)
    angles: list[tuple[Any, ...]] = field(default_factory=list)


class FusedNetwork:
    """Energies and forces in float32; lengths and angles are taken in float64.

    Parameters
    ----------
    weights
        In float32 on the CPU.
    """

    def __init__(self, weights: ChgnetWeights) -> None:
        self._weights = Matrices(weights)

    def evaluate(self, graph: CrystalGraph) -> tuple[FloatArray, FloatArray]:
        """Energy of every atom without its reference, and the gradient of their sum.

        Returns
        -------
        energies : (n_atoms,) float64, eV
        gradients : (n_pairs, 3) float64, eV/A
            With respect to the pair vectors.
        """
        restart()
        bases, tape = Bases.of(graph, self._weights), _Tape()
        energies, d_atoms = self._energies(self._forward(graph, bases, tape))
        return energies, self._reverse(graph, bases, tape, d_atoms)

    def _forward(self, graph: CrystalGraph, bases: Bases, tape: _Tape) -> Matrix:
        """Features of the atoms (n_atoms, 64) after the last layer."""
        weights, pairs = self._weights, graph.pairs
        n_atoms, n_bonds = len(graph.numbers), len(graph.angles.bonds)
        atoms = weights.embedding[graph.numbers - 1]
        initial_bonds = bonds = weights.bond_embedding(bases.basis[graph.angles.bonds])
        angles = np.repeat(weights.angle_embedding(bases.angular), 2, axis=0)
        for layer, mlp in enumerate(weights.atom_mlps):
            mixed = empty(2 * len(pairs.first), 128)
            per_bond = mlp.local(bonds - initial_bonds) if layer else zeros(0, 128)
            inputs: tuple[Any, ...] = (
                pairs.first, pairs.second, bases.bond_of_pair, bases.basis, mlp.gathered(atoms, mlp.bias), per_bond,
                weights.from_basis[layer].weight, bases.pair_weights, mlp.norm, mixed,
            )  # fmt: skip
            tape.pairs.append(inputs)
            heard = zeros(n_atoms, 64)
            pair_messages(*inputs, mlp.second, mlp.second_bias, heard)
            atoms = atoms + mlp.out(heard)
            if layer < len(weights.bond_mlps):
                mlp = weights.bond_mlps[layer]  # noqa: PLW2901
                mixed = empty(len(angles), 128)
                inputs = (*_along_angles(mlp, graph, bonds, atoms, angles), bases.bond_weights, mixed)
                tape.bonds.append(inputs)
                heard = zeros(n_bonds, 64)
                bond_messages(*inputs, mlp.second, mlp.second_bias, heard)
                bonds = bonds + mlp.out(heard)
            if layer < len(weights.angle_mlps):
                inputs = _along_angles(weights.angle_mlps[layer], graph, bonds, atoms, angles)
                tape.angles.append(inputs)
                angles = empty(*angles.shape)
                angle_updates(*inputs, angles)
        return atoms

    def _reverse(self, graph: CrystalGraph, bases: Bases, tape: _Tape, d_atoms: Matrix) -> FloatArray:
        """Gradient to the pair vectors from that to the last layer's atoms."""
        weights = self._weights
        n_atoms, n_pairs = len(graph.numbers), len(graph.pairs.first)
        n_bonds, n_angles = len(graph.angles.bonds), len(graph.angles.centre)
        d_basis, d_pair_weights, d_bond_weights = zeros(n_pairs, COLUMNS), zeros(n_pairs, 64), zeros(n_bonds, 64)
        d_bonds, d_initial_bonds, d_angles = zeros(n_bonds, 64), zeros(n_bonds, 64), zeros(2 * n_angles, 64)
        for layer in reversed(range(len(weights.atom_mlps))):
            if layer < len(weights.angle_mlps):
                mlp = weights.angle_mlps[layer]
                d_arms, d_centre = zeros(n_bonds, 256), zeros(n_atoms, 128)
                angle_updates_backward(*tape.angles[layer], mlp.local.transposed, d_arms, d_centre, d_angles)
                d_bonds = d_bonds + mlp.gathered.back(d_arms)
                d_atoms = d_atoms + mlp.centre.back(d_centre)
            if layer < len(weights.bond_mlps):
                mlp = weights.bond_mlps[layer]
                d_arms, d_centre = zeros(n_bonds, 256), zeros(n_atoms, 128)
                bond_messages_backward(
                    *tape.bonds[layer], mlp.local.transposed, mlp.second_t, mlp.out.back(d_bonds), d_bond_weights,
                    d_arms, d_centre, d_angles,
                )  # fmt: skip
                d_bonds = d_bonds + mlp.gathered.back(d_arms)
                d_atoms = d_atoms + mlp.centre.back(d_centre)
            mlp = weights.atom_mlps[layer]
            d_per_atom, d_per_bond = zeros(n_atoms if layer else 0, 256), zeros(n_bonds if layer else 0, 128)
            pair_messages_backward(
                *tape.pairs[layer], weights.from_basis[layer].transposed, mlp.second_t, mlp.out.back(d_atoms),
                d_pair_weights, d_basis, d_per_atom, d_per_bond,
            )  # fmt: skip
            if layer:  # before the first layer atoms and bonds are what they started as
                d_atoms = d_atoms + mlp.gathered.back(d_per_atom)
                change = mlp.local.back(d_per_bond)
                d_bonds, d_initial_bonds = d_bonds + change, d_initial_bonds - change
        d_basis += weights.pair_weights.back(d_pair_weights)
        d_basis[graph.angles.bonds] += weights.bond_embedding.back(d_bonds + d_initial_bonds)
        d_bond_basis = weights.bond_weights.back(d_bond_weights)
        d_angular = weights.angle_embedding.back(d_angles[::2] + d_angles[1::2])
        return bases.to_vectors(graph, weights, d_basis, d_bond_basis, d_angular)

    def _energies(self, atoms: Matrix) -> tuple[FloatArray, Matrix]:
        """Read out energies (n_atoms,) and the gradient of their sum to the atoms' features."""
        readout, norm, n_atoms = self._weights.readout, self._weights.readout_norm, len(atoms)
        normal, x, scale = np.empty_like(atoms), np.empty_like(atoms), np.empty(n_atoms, np.float32)
        normalize(atoms, norm, normal, scale, x)
        slopes = []
        for k, (linear, bias) in enumerate(readout):
            if k:
                slopes.append(np.empty_like(x))
                silu_and_slope(x, slopes[-1], n_atoms)
            x = linear(x, bias)
        d = np.repeat(readout[-1][0].transposed[:1], n_atoms, axis=0)  # an energy's own gradient is 1
        for (linear, _), slope in zip(readout[-2::-1], slopes[::-1], strict=True):
            d = linear.back(d * slope)
        normalize_backward(normal, norm, scale, d)
        return x[:, 0].astype(np.float64), d


def _along_angles(mlp: GatedMlp, graph: CrystalGraph, bonds: Matrix, atoms: Matrix, angles: Matrix) -> tuple[Any, ...]:
    at = graph.angles
    per_arm, per_centre = mlp.gathered(bonds), mlp.centre(atoms, mlp.bias)
    return at.arm_one, at.arm_two, at.centre, per_arm, per_centre, angles, mlp.local.weight, mlp.norm
