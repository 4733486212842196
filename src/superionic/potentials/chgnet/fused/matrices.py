"""CHGNet's weights as the kernels want them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from superionic.potentials.chgnet.fused.scratch import Matrix, empty
from superionic.potentials.chgnet.fused.simd import NOTHING, multiply
from superionic.potentials.chgnet.weights import AngleMlp, AtomMlp, ChgnetWeights

__all__ = ["COLUMNS", "GatedMlp", "Linear", "Matrices"]

COLUMNS = 32
"""Products have columns in multiples of 32: bases and the energy's single column are padded with zeros."""


class Linear:
    """A matrix applied forward and, transposed, in the reverse pass."""

    def __init__(self, weight: Matrix) -> None:
        self.weight = np.ascontiguousarray(weight)
        self.transposed = np.ascontiguousarray(weight.T)

    def __call__(self, rows: Matrix, bias: Matrix = NOTHING) -> Matrix:
        """Rows times the matrix, plus one row of bias."""
        return _product(rows, self.weight, bias)

    def back(self, gradients: Matrix) -> Matrix:
        """Gradients of the input from those of the output."""
        return _product(gradients, self.transposed, NOTHING)


@dataclass(frozen=True)
class GatedMlp:
    """A gated MLP in the order in which it is applied; what an atom or an angle update lacks is empty."""

    gathered: Linear  # per atom, as centre | as neighbour; or per bond, as arm one | as arm two
    local: Linear  # per bond; or per angle
    centre: Linear  # only along angles: per atom
    bias: Matrix  # (1, n), of the per-atom product
    second: Matrix  # (2, 64, 64): core, gate
    second_t: Matrix
    second_bias: Matrix  # (1, 128)
    norm: Matrix  # (4, 64)
    out: Linear


class Matrices:
    """All weights, from a `ChgnetWeights` in float32 on the CPU."""

    def __init__(self, weights: ChgnetWeights) -> None:
        self.cutoff_A, self.bond_cutoff_A = weights.cutoff_A, weights.bond_cutoff_A
        self.envelope_power = weights.envelope_power
        self.embedding = _array(weights.embedding)
        self.pair_frequencies = _array(weights.pair_frequencies)
        self.bond_frequencies = _array(weights.bond_frequencies)
        self.angle_frequencies = _array(weights.angle_frequencies)
        self.bond_embedding = _of_basis(weights.bond_embedding)
        self.bond_weights = _of_basis(weights.bond_weights)
        self.angle_embedding = _of_basis(weights.angle_embedding)
        pair_weights, *from_basis = weights.pair_basis.split([64] + [128] * len(weights.atom_mlps), 1)
        self.pair_weights = _of_basis(pair_weights)
        self.from_basis = [_of_basis(part) for part in from_basis]
        self.atom_mlps = [_along_pairs(mlp) for mlp in weights.atom_mlps]
        self.bond_mlps = [_along_angles(mlp) for mlp in weights.bond_mlps]
        self.angle_mlps = [_along_angles(mlp) for mlp in weights.angle_mlps]
        self.readout_norm = _array(weights.readout_norm)
        self.readout = [
            (_padded_columns(weight), _padded_columns(bias[None]).weight) for weight, bias in weights.readout
        ]


def _product(a: Matrix, b: Matrix, start: Matrix) -> Matrix:
    c = empty(a.shape[0], b.shape[1])
    multiply(a, b, start, 0, c)
    return c


def _array(tensor: Tensor) -> Matrix:
    array: Matrix = np.ascontiguousarray(tensor.numpy(), dtype=np.float32)
    return array


def _of_basis(weight: Tensor) -> Linear:
    padded = np.zeros((COLUMNS, weight.shape[1]), np.float32)
    padded[: weight.shape[0]] = weight.numpy()
    return Linear(padded)


def _padded_columns(weight: Tensor) -> Linear:
    padded = np.zeros((weight.shape[0], max(weight.shape[1], COLUMNS)), np.float32)
    padded[:, : weight.shape[1]] = weight.numpy()
    return Linear(padded)


def _along_pairs(mlp: AtomMlp) -> GatedMlp:
    return GatedMlp(
        gathered=Linear(_array(mlp.centre_neighbour)),
        local=Linear(_array(mlp.bond)),
        centre=Linear(np.empty((0, 0), np.float32)),
        bias=np.concatenate([_array(mlp.bias), np.zeros(128, np.float32)])[None],
        second=_array(mlp.second),
        second_t=_array(mlp.second.transpose(1, 2)),
        second_bias=_array(mlp.second_bias).reshape(1, -1),
        norm=_array(mlp.norm),
        out=Linear(_array(mlp.out)),
    )


def _along_angles(mlp: AngleMlp) -> GatedMlp:
    second = mlp.second if mlp.second.numel() else mlp.second.view(0, 64, 64)
    return GatedMlp(
        gathered=Linear(_array(mlp.arms)),
        local=Linear(_array(mlp.angle)),
        centre=Linear(_array(mlp.centre)),
        bias=_array(mlp.bias)[None],
        second=_array(second),
        second_t=_array(second.transpose(1, 2)),
        second_bias=_array(mlp.second_bias).reshape(1, -1),
        norm=_array(mlp.norm),
        out=Linear(_array(mlp.out)),
    )
