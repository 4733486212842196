"""CHGNet in plain torch over the re-arranged weights: any device, any precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from superionic.potentials.graph import CrystalGraph
from superionic.potentials.neighbours import FloatArray
from superionic.potentials.weights import WIDTH, AngleMlp, ChgnetWeights

__all__ = ["TorchNetwork"]

COSINE_SCALE = 1.0 - 1e-6
"""CHGNet's own guard of acos near 0 and 180 degrees."""


@dataclass(frozen=True)
class _Indices:
    """The graph's indices on the device, both directions of every pair and angle."""

    species: Tensor
    centres: Tensor  # first, then second
    neighbours: Tensor  # second, then first
    bonds: Tensor
    arm_one: Tensor
    arm_two: Tensor
    sign: Tensor
    arms: Tensor  # arm one, then arm two
    other_arms: Tensor
    angle_centres: Tensor


class TorchNetwork:
    """Energies and forces by one reverse pass to the pair vectors.

    Parameters
    ----------
    weights
        Their dtype and device are the network's.
    """

    def __init__(self, weights: ChgnetWeights) -> None:
        self.weights = weights
        self.device = weights.embedding.device
        self.dtype = weights.embedding.dtype

    def evaluate(self, graph: CrystalGraph) -> tuple[FloatArray, FloatArray]:
        """Energy of every atom without its reference, and the gradient of their sum.

        Returns
        -------
        energies : (n_atoms,) float64, eV
        gradients : (n_pairs, 3) float64, eV/A
            With respect to the pair vectors.
        """
        vectors = torch.from_numpy(graph.pairs.vectors_A).to(self.device).requires_grad_(True)
        energies = self._readout(self._atoms(vectors, self._indices(graph))[-1])
        (gradients,) = torch.autograd.grad(energies.sum(), vectors)
        return _to_numpy(energies), _to_numpy(gradients)

    def magnetic_moments(self, graph: CrystalGraph) -> FloatArray:
        """Absolute magnetic moments (n_atoms,) in Bohr magnetons, read before the last convolution."""
        with torch.inference_mode():
            vectors = torch.from_numpy(graph.pairs.vectors_A).to(self.device)
            atoms = self._atoms(vectors, self._indices(graph))[-2]
            weight, bias = self.weights.magnetic_moment
            return _to_numpy(torch.addmm(bias, atoms, weight)[:, 0].abs())

    def _indices(self, graph: CrystalGraph) -> _Indices:
        def tensor(values: np.ndarray) -> Tensor:
            return torch.from_numpy(values).to(self.device)

        pairs, angles = graph.pairs, graph.angles
        return _Indices(
            species=tensor(graph.numbers - 1),
            centres=tensor(np.concatenate([pairs.first, pairs.second])),
            neighbours=tensor(np.concatenate([pairs.second, pairs.first])),
            bonds=tensor(angles.bonds),
            arm_one=tensor(angles.arm_one),
            arm_two=tensor(angles.arm_two),
            sign=tensor(angles.sign),
            arms=tensor(np.concatenate([angles.arm_one, angles.arm_two])),
            other_arms=tensor(np.concatenate([angles.arm_two, angles.arm_one])),
            angle_centres=tensor(np.concatenate([angles.centre, angles.centre])),
        )

    def _atoms(self, vectors: Tensor, at: _Indices) -> list[Tensor]:
        """Atom features (n_atoms, 64) after every convolution; lengths and angles are taken in float64."""
        weights = self.weights
        distances = vectors.norm(dim=1)
        basis = self._radial(distances, weights.pair_frequencies, weights.cutoff_A)
        # split, not sliced: the reverse pass of slices fills a whole matrix with zeros for each
        pair_weights, *pair_first = (basis @ weights.pair_basis).split(
            [WIDTH] + [2 * WIDTH] * len(weights.atom_mlps), 1
        )

        bond_lengths = distances.index_select(0, at.bonds)
        directions = vectors.index_select(0, at.bonds) / bond_lengths[:, None]
        initial_bonds = bonds = basis.index_select(0, at.bonds) @ weights.bond_embedding
        bond_weights = (
            self._radial(bond_lengths, weights.bond_frequencies, weights.bond_cutoff_A) @ weights.bond_weights
        )
        angle_weights = bond_weights.index_select(0, at.arms) * bond_weights.index_select(0, at.other_arms)
        cosines = (directions.index_select(0, at.arm_one) * directions.index_select(0, at.arm_two)).sum(1)
        angles = self._fourier(cosines * at.sign)
        angles = torch.cat([angles, angles])

        atoms = weights.embedding[at.species]
        after: list[Tensor] = []
        for layer, mlp in enumerate(weights.atom_mlps):
            as_centre, as_neighbour = (atoms @ mlp.centre_neighbour).split(2 * WIDTH, 1)
            per_pair = pair_first[layer] + mlp.bias
            if layer:  # only bonds in the bond graph have changed since the start
                per_pair = per_pair.index_add(0, at.bonds, (bonds - initial_bonds) @ mlp.bond)
            hidden = as_centre.index_select(0, at.centres) + as_neighbour.index_select(0, at.neighbours)
            hidden = (hidden.view(2, -1, 2 * WIDTH) + per_pair).view(-1, 2 * WIDTH)
            messages = _gate(_second_layer(hidden, mlp.second, mlp.second_bias), mlp.norm)
            messages = (messages.view(2, -1, WIDTH) * pair_weights).view(-1, WIDTH)
            atoms = atoms + torch.zeros_like(atoms).index_add(0, at.centres, messages) @ mlp.out
            after.append(atoms)
            if layer < len(weights.bond_mlps):
                bond_mlp = weights.bond_mlps[layer]
                hidden = _angle_first_layer(bond_mlp, atoms, bonds, angles, at)
                messages = _gate(_second_layer(hidden, bond_mlp.second, bond_mlp.second_bias), bond_mlp.norm)
                gathered = torch.zeros_like(bonds).index_add(0, at.arms, messages * angle_weights)
                bonds = bonds + gathered @ bond_mlp.out
            if layer < len(weights.angle_mlps):
                angle_mlp = weights.angle_mlps[layer]
                hidden = _angle_first_layer(angle_mlp, atoms, bonds, angles, at)
                angles = angles + _gate(hidden.split(WIDTH, 1), angle_mlp.norm)
        return after

    def _readout(self, atoms: Tensor) -> Tensor:
        scale, shift = self.weights.readout_norm
        x = functional.layer_norm(atoms, (WIDTH,), scale, shift)
        for k, (weight, bias) in enumerate(self.weights.readout):
            x = torch.addmm(bias, functional.silu(x) if k else x, weight)
        return x[:, 0]

    def _radial(self, distances: Tensor, frequencies: Tensor, cutoff_A: float) -> Tensor:
        """Smooth spherical Bessel basis (Gasteiger et al., arXiv:2003.03123, eqs 7 and 8)."""
        p = self.weights.envelope_power
        x = distances / cutoff_A
        # in float64: near the cutoff the terms cancel, which is most of the force error of stock CHGNet in float32
        envelope = 1.0 + x**p * (-(p + 1) * (p + 2) / 2 + x * (p * (p + 2) - x * (p * (p + 1) / 2)))
        height = (2.0 / cutoff_A) ** 0.5 * envelope / distances
        return torch.sin(x.to(self.dtype)[:, None] * frequencies) * height.to(self.dtype)[:, None]

    def _fourier(self, cosines: Tensor) -> Tensor:
        """Angle features from the Fourier basis of the angle."""
        angles = torch.acos(cosines * COSINE_SCALE).to(self.dtype)[:, None]
        phase = angles * self.weights.angle_frequencies
        constant = torch.full_like(angles, 0.5**0.5)
        return torch.cat([constant, torch.sin(phase), torch.cos(phase)], 1) @ self.weights.angle_embedding


def _second_layer(hidden: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    core, gate = functional.silu(hidden).split(WIDTH, 1)
    return torch.addmm(bias[0], core, weight[0]), torch.addmm(bias[1], gate, weight[1])


def _gate(core_and_gate: tuple[Tensor, Tensor], norm: Tensor) -> Tensor:
    core, gate = core_and_gate
    core = functional.layer_norm(core, (WIDTH,), norm[0], norm[1])
    gate = functional.layer_norm(gate, (WIDTH,), norm[2], norm[3])
    return functional.silu(core) * torch.sigmoid(gate)


def _angle_first_layer(mlp: AngleMlp, atoms: Tensor, bonds: Tensor, angles: Tensor, at: _Indices) -> Tensor:
    as_arm_one, as_arm_two = (bonds @ mlp.arms).split(2 * WIDTH, 1)
    return (
        as_arm_one.index_select(0, at.arms)
        + as_arm_two.index_select(0, at.other_arms)
        + torch.addmm(mlp.bias, atoms, mlp.centre).index_select(0, at.angle_centres)
        + angles @ mlp.angle
    )


def _to_numpy(values: Tensor) -> FloatArray:
    array: FloatArray = values.detach().to("cpu", torch.float64).numpy()
    return array
