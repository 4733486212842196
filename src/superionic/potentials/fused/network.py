"""CHGNet with a hand-written reverse pass over small tiles: the fast path on a CPU, in one thread.

Nothing is kept between the passes but features of atoms, bonds and angles; pair messages, the bulk of the work, are
computed again tile by tile in the reverse pass, which is cheaper than fetching them from memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from superionic.potentials.fused.angles import (
    angle_updates,
    angle_updates_backward,
    bond_messages,
    bond_messages_backward,
)
from superionic.potentials.fused.basis import angular_basis, angular_basis_backward, radial_basis
from superionic.potentials.fused.gates import silu_and_slope
from superionic.potentials.fused.pairs import pair_messages, pair_messages_backward
from superionic.potentials.fused.readout import normalize, normalize_backward, vector_gradients
from superionic.potentials.fused.simd import NOTHING, multiply
from superionic.potentials.graph import CrystalGraph
from superionic.potentials.neighbours import FloatArray, IntArray
from superionic.potentials.weights import AngleMlp, AtomMlp, ChgnetWeights

__all__ = ["FusedNetwork"]

Matrix = NDArray[np.float32]

BASIS_COLUMNS = 32
"""Columns of products come in multiples of 32; bases are padded with zeros."""


@dataclass(frozen=True)
class _Mlp:
    """A gated MLP's matrices as the kernels want them, with transposes (`_t`) for the reverse pass."""

    gathered: Matrix  # atom MLP: of the atom as centre | neighbour; angle MLP: of the bond as arm one | arm two
    gathered_t: Matrix
    local: Matrix  # atom MLP: of the bond features; angle MLP: of the angle features
    local_t: Matrix
    bias: Matrix  # (1, 256) or (1, 128): added to the per-atom product
    norm: Matrix
    centre: Matrix
    centre_t: Matrix
    second: Matrix
    second_t: Matrix
    second_bias: Matrix
    out: Matrix
    out_t: Matrix


class FusedNetwork:
    """Energies and forces in float32.

    Parameters
    ----------
    weights
        In float32 on the CPU; at most 32 radial and 31 angular basis functions.
    """

    def __init__(self, weights: ChgnetWeights) -> None:
        self._cutoff_A, self._bond_cutoff_A = weights.cutoff_A, weights.bond_cutoff_A
        self._power = weights.envelope_power
        self._embedding = _array(weights.embedding)
        self._pair_frequencies = _array(weights.pair_frequencies)
        self._bond_frequencies = _array(weights.bond_frequencies)
        self._angle_frequencies = _array(weights.angle_frequencies)
        self._bond_embedding, self._bond_embedding_t = _both(_padded(weights.bond_embedding))
        self._bond_weights, self._bond_weights_t = _both(_padded(weights.bond_weights))
        self._angle_embedding, self._angle_embedding_t = _both(_padded(weights.angle_embedding))
        of_pair = _padded(weights.pair_basis)
        self._pair_weights, self._pair_weights_t = _both(of_pair[:, :64])
        self._from_basis = [
            _both(of_pair[:, 64 + 128 * layer : 192 + 128 * layer]) for layer in range(len(weights.atom_mlps))
        ]
        self._atom_mlps = [_atom_mlp(mlp) for mlp in weights.atom_mlps]
        self._bond_mlps = [_angle_mlp(mlp) for mlp in weights.bond_mlps]
        self._angle_mlps = [_angle_mlp(mlp) for mlp in weights.angle_mlps]
        self._readout_norm = _array(weights.readout_norm)
        self._readout = [_readout_layer(weight, bias) for weight, bias in weights.readout]

    def evaluate(self, graph: CrystalGraph) -> tuple[FloatArray, FloatArray]:
        """Energy of every atom without its reference, and the gradient of their sum.

        Returns
        -------
        energies : (n_atoms,) float64, eV
        gradients : (n_pairs, 3) float64, eV/A
            With respect to the pair vectors.
        """
        pairs, bonds_at = graph.pairs, graph.angles.bonds
        arms = (graph.angles.arm_one, graph.angles.arm_two)
        angle_at = (*arms, graph.angles.centre)
        n_atoms, n_pairs, n_bonds, n_angles = len(graph.numbers), len(pairs.first), len(bonds_at), len(arms[0])
        n_layers = len(self._atom_mlps)
        bond_of_pair: IntArray = np.full(n_pairs, -1)
        bond_of_pair[bonds_at] = np.arange(n_bonds)

        basis, basis_slope = self._radial(pairs.distances_A, self._pair_frequencies, self._cutoff_A)
        pair_weights = _times(basis, self._pair_weights)
        bond_lengths = pairs.distances_A[bonds_at]
        directions = pairs.vectors_A[bonds_at] / bond_lengths[:, None]
        bond_basis, bond_basis_slope = self._radial(bond_lengths, self._bond_frequencies, self._bond_cutoff_A)
        bond_weights = _times(bond_basis, self._bond_weights)
        sign = graph.angles.sign
        angular = _zeros(n_angles, BASIS_COLUMNS)
        angle_values = np.empty(n_angles)
        angular_basis(*arms, sign, directions, self._angle_frequencies, angle_values, angular)

        # forward; everything that the reverse pass needs again is in these lists, one entry a layer
        atoms = self._embedding[graph.numbers - 1]
        initial_bonds = bonds = _times(basis[bonds_at], self._bond_embedding)
        angles = [np.repeat(_times(angular, self._angle_embedding), 2, axis=0)]
        of_pairs, of_bonds, of_angles = [], [], []
        for layer, mlp in enumerate(self._atom_mlps):
            changed = _times(bonds - initial_bonds, mlp.local) if layer else _zeros(0, 128)
            pair_inputs = (
                pairs.first, pairs.second, bond_of_pair, basis, _times(atoms, mlp.gathered, mlp.bias), changed,
            )  # fmt: skip
            of_pairs.append(pair_inputs)
            gathered = _zeros(n_atoms, 64)
            pair_messages(
                *pair_inputs, self._from_basis[layer][0], mlp.second, mlp.second_bias, mlp.norm, pair_weights, gathered
            )
            atoms = atoms + _times(gathered, mlp.out)
            if layer < len(self._bond_mlps):
                mlp = self._bond_mlps[layer]
                angle_inputs = self._angle_inputs(mlp, angle_at, bonds, atoms, angles[-1])
                of_bonds.append(angle_inputs)
                gathered = _zeros(n_bonds, 64)
                bond_messages(*angle_inputs, mlp.second, mlp.second_bias, mlp.norm, bond_weights, gathered)
                bonds = bonds + _times(gathered, mlp.out)
            if layer < len(self._angle_mlps):
                mlp = self._angle_mlps[layer]
                angle_inputs = self._angle_inputs(mlp, angle_at, bonds, atoms, angles[-1])
                of_angles.append(angle_inputs)
                angles.append(np.empty_like(angles[-1]))
                angle_updates(*angle_inputs, mlp.norm, angles[-1])
        energies, d_atoms = self._energies(atoms)

        # reverse
        d_basis, d_pair_weights, d_bond_weights = _zeros(n_pairs, 32), _zeros(n_pairs, 64), _zeros(n_bonds, 64)
        d_bonds, d_initial_bonds, d_angles = _zeros(n_bonds, 64), _zeros(n_bonds, 64), _zeros(2 * n_angles, 64)
        for layer in reversed(range(n_layers)):
            if layer < len(self._angle_mlps):
                mlp = self._angle_mlps[layer]
                d_arms, d_centre = _zeros(n_bonds, 256), _zeros(n_atoms, 128)
                angle_updates_backward(*of_angles[layer], mlp.local_t, mlp.norm, d_arms, d_centre, d_angles)
                d_bonds = d_bonds + _times(d_arms, mlp.gathered_t)
                d_atoms = d_atoms + _times(d_centre, mlp.centre_t)
            if layer < len(self._bond_mlps):
                mlp = self._bond_mlps[layer]
                d_arms, d_centre = _zeros(n_bonds, 256), _zeros(n_atoms, 128)
                bond_messages_backward(
                    *of_bonds[layer], mlp.local_t, mlp.second, mlp.second_t, mlp.second_bias, mlp.norm, bond_weights,
                    _times(d_bonds, mlp.out_t), d_bond_weights, d_arms, d_centre, d_angles,
                )  # fmt: skip
                d_bonds = d_bonds + _times(d_arms, mlp.gathered_t)
                d_atoms = d_atoms + _times(d_centre, mlp.centre_t)
            mlp = self._atom_mlps[layer]
            d_per_atom, d_per_bond = _zeros(n_atoms if layer else 0, 256), _zeros(n_bonds if layer else 0, 128)
            pair_messages_backward(
                *of_pairs[layer], *self._from_basis[layer], mlp.second, mlp.second_t, mlp.second_bias, mlp.norm,
                pair_weights, _times(d_atoms, mlp.out_t), d_pair_weights, d_basis, d_per_atom, d_per_bond,
            )  # fmt: skip
            if layer:  # before the first layer atoms and bonds are what they started as
                d_atoms = d_atoms + _times(d_per_atom, mlp.gathered_t)
                change = _times(d_per_bond, mlp.local_t)
                d_bonds, d_initial_bonds = d_bonds + change, d_initial_bonds - change

        d_basis += _times(d_pair_weights, self._pair_weights_t)
        d_basis[bonds_at] += _times(d_bonds + d_initial_bonds, self._bond_embedding_t)
        d_directions = np.zeros((n_bonds, 3))
        angular_basis_backward(
            *arms, sign, directions, self._angle_frequencies, angle_values, angular,
            _times(d_angles[::2] + d_angles[1::2], self._angle_embedding_t), d_directions,
        )  # fmt: skip
        gradients = np.empty((n_pairs, 3))
        vector_gradients(
            pairs.vectors_A, pairs.distances_A, basis_slope, d_basis, bonds_at, directions, bond_basis_slope,
            _times(d_bond_weights, self._bond_weights_t), d_directions, gradients,
        )  # fmt: skip
        return energies, gradients

    def _radial(self, distances_A: FloatArray, frequencies: Matrix, cutoff_A: float) -> tuple[Matrix, Matrix]:
        values, slopes = _zeros(len(distances_A), BASIS_COLUMNS), _zeros(len(distances_A), BASIS_COLUMNS)
        radial_basis(distances_A.astype(np.float32), frequencies, cutoff_A, self._power, values, slopes)
        return values, slopes

    def _angle_inputs(
        self, mlp: _Mlp, angle_at: tuple[IntArray, ...], bonds: Matrix, atoms: Matrix, angles: Matrix
    ) -> tuple[NDArray[np.generic], ...]:
        return (*angle_at, _times(bonds, mlp.gathered), _times(atoms, mlp.centre, mlp.bias), angles, mlp.local)

    def _energies(self, atoms: Matrix) -> tuple[FloatArray, Matrix]:
        """Read out energies (n_atoms,) and the gradient of their sum to the atoms' features."""
        n_atoms = len(atoms)
        normal, x, scale = np.empty_like(atoms), np.empty_like(atoms), np.empty(n_atoms, np.float32)
        normalize(atoms, self._readout_norm, normal, scale, x)
        slopes = []
        for k, (weight, _, bias) in enumerate(self._readout):
            if k:
                slopes.append(np.empty_like(x))
                silu_and_slope(x, slopes[-1], n_atoms)
            x = _times(x, weight, bias)
        d = np.repeat(self._readout[-1][1][:1], n_atoms, axis=0)  # the energies' own gradients are 1
        for (_, weight_t, _), slope in zip(self._readout[-2::-1], slopes[::-1], strict=True):
            d = _times(d * slope, weight_t)
        normalize_backward(normal, self._readout_norm, scale, d)
        return x[:, 0].astype(np.float64), d


def _times(a: Matrix, b: Matrix, start: Matrix = NOTHING) -> Matrix:
    """Start + a b, one start row for all."""
    c = np.empty((a.shape[0], b.shape[1]), np.float32)
    multiply(a, b, start, 0, c)
    return c


def _zeros(*shape: int) -> Matrix:
    return np.zeros(shape, np.float32)


def _array(tensor: Tensor) -> Matrix:
    array: Matrix = np.ascontiguousarray(tensor.numpy(), dtype=np.float32)
    return array


def _both(matrix: Matrix) -> tuple[Matrix, Matrix]:
    return np.ascontiguousarray(matrix), np.ascontiguousarray(matrix.T)


def _padded(tensor: Tensor) -> Matrix:
    matrix = _zeros(BASIS_COLUMNS, tensor.shape[1])
    matrix[: tensor.shape[0]] = tensor.numpy()
    return matrix


def _readout_layer(weight: Tensor, bias: Tensor) -> tuple[Matrix, Matrix, Matrix]:
    """A layer's matrix, its transpose, and its bias as a row; a single column is padded to the narrowest product."""
    columns = max(weight.shape[1], BASIS_COLUMNS)
    padded, row = _zeros(weight.shape[0], columns), _zeros(1, columns)
    padded[:, : weight.shape[1]], row[0, : weight.shape[1]] = weight.numpy(), bias.numpy()
    return padded, np.ascontiguousarray(padded.T), row


def _second_layer(mlp: AtomMlp | AngleMlp) -> dict[str, Matrix]:
    second = _array(mlp.second)
    return {
        "second": second,
        "second_t": np.ascontiguousarray(second.swapaxes(1, 2)) if second.size else second,
        "second_bias": _array(mlp.second_bias).reshape(1, -1),
        "out": _array(mlp.out),
        "out_t": np.ascontiguousarray(_array(mlp.out).T),
    }


def _atom_mlp(mlp: AtomMlp) -> _Mlp:
    gathered, gathered_t = _both(_array(mlp.centre_neighbour))
    local, local_t = _both(_array(mlp.bond))
    bias = np.concatenate([_array(mlp.bias), np.zeros(128, np.float32)])[None]
    nothing = _zeros(0, 0)
    return _Mlp(gathered, gathered_t, local, local_t, bias, _array(mlp.norm), nothing, nothing, **_second_layer(mlp))


def _angle_mlp(mlp: AngleMlp) -> _Mlp:
    return _Mlp(
        *_both(_array(mlp.arms)),
        *_both(_array(mlp.angle)),
        _array(mlp.bias)[None],
        _array(mlp.norm),
        *_both(_array(mlp.centre)),
        **_second_layer(mlp),
    )
