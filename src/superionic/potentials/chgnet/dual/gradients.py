"""Gradients of a loss to CHGNet's re-arranged weights; those of weights that are not trained are empty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from superionic.potentials.chgnet.fused.matrices import COLUMNS, GatedMlp, Matrices
from superionic.potentials.chgnet.fused.scratch import Matrix
from superionic.potentials.chgnet.weights import AngleMlp, AtomMlp, ChgnetWeights

__all__ = ["MlpGradient", "WeightGradients"]


@dataclass(frozen=True)
class MlpGradient:
    """As `fused.matrices.GatedMlp`."""

    gathered: Matrix
    local: Matrix
    centre: Matrix
    bias: Matrix
    norm: Matrix
    second: Matrix
    second_bias: Matrix
    out: Matrix

    @classmethod
    def zero(cls, mlp: GatedMlp, *, wanted: bool) -> MlpGradient:
        """Zeros, or nothing where it is not wanted."""
        shapes = (
            mlp.gathered.weight.shape, mlp.local.weight.shape, mlp.centre.weight.shape, mlp.bias.shape[1:],
            mlp.norm.shape, mlp.second.shape, mlp.second_bias.shape[1:], mlp.out.weight.shape,
        )  # fmt: skip
        return cls(*(_zeros(*shape) if wanted else _zeros(*(0 for _ in shape)) for shape in shapes))

    @property
    def wanted(self) -> bool:
        """Whether the MLP is trained."""
        return self.norm.size > 0


@dataclass
class WeightGradients:
    """As `fused.matrices.Matrices`, whose padding it has; frequencies in float64.

    `readout` holds norm, then weight and bias of each layer.
    """

    embedding: Matrix
    pair_frequencies: NDArray[np.float64]
    bond_frequencies: NDArray[np.float64]
    angle_frequencies: NDArray[np.float64]
    bond_embedding: Matrix
    bond_weights: Matrix
    angle_embedding: Matrix
    pair_weights: Matrix
    from_basis: list[Matrix]
    atom_mlps: list[MlpGradient]
    bond_mlps: list[MlpGradient]
    angle_mlps: list[MlpGradient]
    readout: list[Tensor]

    @classmethod
    def zero(cls, weights: ChgnetWeights, matrices: Matrices) -> WeightGradients:
        """Zeros for every weight that requires a gradient.

        Parameters
        ----------
        weights
            Whose tensors say which are trained.
        matrices
            The same weights.
        """

        def of_basis(width: int, *tensors: Tensor) -> Matrix:
            return _zeros(COLUMNS if _trained(*tensors) else 0, width)

        def frequencies(tensor: Tensor) -> NDArray[np.float64]:
            return np.zeros(len(tensor) if _trained(tensor) else 0)

        def mlps(trained: tuple[AtomMlp, ...] | tuple[AngleMlp, ...], all_mlps: list[GatedMlp]) -> list[MlpGradient]:
            return [
                MlpGradient.zero(mlp, wanted=_trained(*vars(tensors).values()))
                for tensors, mlp in zip(trained, all_mlps, strict=True)
            ]

        return cls(
            embedding=_zeros(len(matrices.embedding) if _trained(weights.embedding) else 0, 64),
            pair_frequencies=frequencies(weights.pair_frequencies),
            bond_frequencies=frequencies(weights.bond_frequencies),
            angle_frequencies=frequencies(weights.angle_frequencies),
            bond_embedding=of_basis(64, weights.bond_embedding),
            bond_weights=of_basis(64, weights.bond_weights),
            angle_embedding=of_basis(64, weights.angle_embedding),
            pair_weights=of_basis(64, weights.pair_weights),
            from_basis=[of_basis(128, weights.bond_embedding, mlp.bond) for mlp in weights.atom_mlps],
            atom_mlps=mlps(weights.atom_mlps, matrices.atom_mlps),
            bond_mlps=mlps(weights.bond_mlps, matrices.bond_mlps),
            angle_mlps=mlps(weights.angle_mlps, matrices.angle_mlps),
            readout=[torch.zeros_like(tensor) for tensor in _readout(weights)],
        )

    def wanted_below(self, layer: int) -> bool:
        """Whether anything is trained that is applied before an atom convolution."""
        before = [*self.atom_mlps[:layer], *self.bond_mlps[:layer], *self.angle_mlps[:layer]]
        return any(mlp.wanted for mlp in before) or any(
            gradient.size
            for gradient in (
                self.embedding, self.pair_frequencies, self.bond_frequencies, self.angle_frequencies,
                self.bond_embedding, self.bond_weights, self.angle_embedding, self.pair_weights,
            )
        )  # fmt: skip

    def scale(self, factor: float) -> None:
        """Multiply all of them in place."""
        for array in self._arrays():
            np.multiply(array, factor, out=array)
        for tensor in self.readout:
            tensor.mul_(factor)

    def pairs(self, weights: ChgnetWeights) -> Iterator[tuple[Tensor, Tensor]]:
        """Every trained tensor of `weights` with its gradient."""
        for tensor, gradient in self._pairs(weights):
            if tensor.requires_grad and tensor.numel():
                values = torch.from_numpy(gradient) if isinstance(gradient, np.ndarray) else gradient
                yield tensor, values.to(tensor.dtype).reshape(tensor.shape)

    def _pairs(self, weights: ChgnetWeights) -> Iterator[tuple[Tensor, Matrix | NDArray[np.float64] | Tensor]]:
        n_radial, n_angular = len(weights.bond_embedding), len(weights.angle_embedding)
        yield weights.embedding, self.embedding
        yield weights.pair_frequencies, self.pair_frequencies
        yield weights.bond_frequencies, self.bond_frequencies
        yield weights.angle_frequencies, self.angle_frequencies
        yield weights.bond_embedding, self.bond_embedding[:n_radial]
        yield weights.bond_weights, self.bond_weights[:n_radial]
        yield weights.angle_embedding, self.angle_embedding[:n_angular]
        of_basis = [
            part if part.size else _zeros(COLUMNS, part.shape[1]) for part in (self.pair_weights, *self.from_basis)
        ]
        yield weights.pair_basis, np.concatenate(of_basis, axis=1)[:n_radial]
        for atom_mlp, found in zip(weights.atom_mlps, self.atom_mlps, strict=True):
            yield atom_mlp.centre_neighbour, found.gathered
            yield atom_mlp.bond, found.local
            yield atom_mlp.bias, found.bias[:128]
            yield from _second_layer(atom_mlp, found)
        for angle_mlp, found in zip(
            weights.bond_mlps + weights.angle_mlps, self.bond_mlps + self.angle_mlps, strict=True
        ):
            yield angle_mlp.arms, found.gathered
            yield angle_mlp.angle, found.local
            yield angle_mlp.centre, found.centre
            yield angle_mlp.bias, found.bias
            yield from _second_layer(angle_mlp, found)
        yield from zip(_readout(weights), self.readout, strict=True)

    def _arrays(self) -> Iterator[NDArray[np.floating]]:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                yield value
            elif field.name != "readout":
                for entry in value:
                    yield from vars(entry).values() if isinstance(entry, MlpGradient) else [entry]


def _second_layer(mlp: AtomMlp | AngleMlp, found: MlpGradient) -> Iterator[tuple[Tensor, Matrix]]:
    yield mlp.second, found.second
    yield mlp.second_bias, found.second_bias
    yield mlp.norm, found.norm
    yield mlp.out, found.out


def _readout(weights: ChgnetWeights) -> list[Tensor]:
    return [weights.readout_norm, *(tensor for layer in weights.readout for tensor in layer)]


def _trained(*tensors: Tensor) -> bool:
    return any(tensor.requires_grad for tensor in tensors)


def _zeros(*shape: int) -> Matrix:
    return np.zeros(shape, np.float32)
