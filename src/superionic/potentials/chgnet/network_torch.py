"""CHGNet in plain torch over the re-arranged weights: any device, any precision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from superionic.potentials.chgnet.graph import CrystalGraph
from superionic.potentials.chgnet.neighbours import FloatArray
from superionic.potentials.chgnet.rows import Rows
from superionic.potentials.chgnet.weights import WIDTH, AngleMlp, AtomMlp, ChgnetWeights

__all__ = ["GraphTensors", "Messages", "TorchNetwork", "arrays", "plain_messages"]

Messages = Callable[..., Tensor]
"""As `plain_messages`."""

COSINE_SCALE = 1.0 - 1e-6
"""CHGNet's own guard of acos near 0 and 180 degrees."""


@dataclass(frozen=True)
class GraphTensors:
    """What a network reads of a graph, on its device; lengths as in `CrystalGraph`."""

    species: Tensor  # rows of the embedding
    first: Tensor
    second: Tensor
    bonds: Tensor
    arm_one: Tensor
    arm_two: Tensor
    centre: Tensor
    vectors_A: Tensor  # float64
    sign: Tensor  # float64

    @classmethod
    def of(cls, graph: CrystalGraph, device: torch.device) -> GraphTensors:
        """Copies on the device."""
        return cls(*(torch.from_numpy(values).to(device) for values in arrays(graph)))


def arrays(graph: CrystalGraph) -> tuple[np.ndarray, ...]:
    """The fields of `GraphTensors` in their order."""
    pairs, angles = graph.pairs, graph.angles
    return (
        graph.numbers - 1, pairs.first, pairs.second, angles.bonds, angles.arm_one, angles.arm_two, angles.centre,
        pairs.vectors_A, angles.sign,
    )  # fmt: skip


class _Indices:
    """The graph's indices, both directions of every pair and angle."""

    def __init__(self, graph: GraphTensors, rows: type[Rows]) -> None:
        n_atoms, n_bonds = len(graph.species), len(graph.bonds)
        self.species, self.bonds, self.sign = graph.species, graph.bonds, graph.sign
        self.centres, self.neighbours = rows.both_ways(graph.first, graph.second, n_atoms)
        self.arms, self.other_arms = rows.both_ways(graph.arm_one, graph.arm_two, n_bonds)
        self.angle_centre = rows(graph.centre, n_atoms)


def plain_messages(
    mlp: AtomMlp | AngleMlp, table: Tensor, own: Tensor, weights: Tensor | None, one: Rows, two: Rows
) -> Tensor:
    """What a gated MLP makes of every pair or angle, both ways.

    Parameters
    ----------
    mlp
        Its first layer is in what follows; where it has a second one, that comes after.
    table : (n_rows, 256)
        What each atom or bond adds to the pre-activations, as the first end | as the second.
    own : (1 or 2, n / 2, 128)
        What the pair or angle itself adds, the same both ways or other.
    weights : (1 or 2, n / 2, 64)
        Factors of the result, if any.
    one, two
        The rows of the table at the first end and at the second.

    Returns
    -------
    (n, 64)
    """
    as_one, as_two = table.split(2 * WIDTH, 1)
    hidden = one.take(as_one) + two.take(as_two)
    hidden = (hidden.view(2, -1, 2 * WIDTH) + own).view(-1, 2 * WIDTH)
    core, gate = (functional.silu(hidden) if mlp.second.numel() else hidden).split(WIDTH, 1)
    if mlp.second.numel():
        core, gate = (torch.addmm(mlp.second_bias[k], half, mlp.second[k]) for k, half in enumerate((core, gate)))
    core = functional.layer_norm(core, (WIDTH,), mlp.norm[0], mlp.norm[1])
    gate = functional.layer_norm(gate, (WIDTH,), mlp.norm[2], mlp.norm[3])
    result = functional.silu(core) * torch.sigmoid(gate)
    return result if weights is None else (result.view(2, -1, WIDTH) * weights).view(-1, WIDTH)


class TorchNetwork:
    """Energies and forces by one reverse pass to the pair vectors.

    Parameters
    ----------
    weights
        Their dtype and device are the network's.
    rows, messages
        How it gathers and sums, and how it evaluates gated MLPs.
    """

    def __init__(self, weights: ChgnetWeights, rows: type[Rows] = Rows, messages: Messages = plain_messages) -> None:
        self.weights = weights
        self.rows = rows
        self.messages = messages
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
        energies, gradients = self.differentiated(GraphTensors.of(graph, self.device))
        return energies.cpu().numpy(), gradients.cpu().numpy()

    def differentiated(self, graph: GraphTensors) -> tuple[Tensor, Tensor]:
        """As `evaluate`, on the device."""
        energies, gradients = self._differentiated(graph, create_graph=False)
        return energies.detach().to(torch.float64), gradients

    def differentiable(self, graph: GraphTensors) -> tuple[Tensor, Tensor]:
        """As `differentiated`, and both can be differentiated again by the weights."""
        return self._differentiated(graph, create_graph=True)

    def _differentiated(self, graph: GraphTensors, *, create_graph: bool) -> tuple[Tensor, Tensor]:
        vectors = graph.vectors_A.detach().requires_grad_(True)
        energies = self._readout(self._atoms(vectors, _Indices(graph, self.rows)))
        (gradients,) = torch.autograd.grad(energies.sum(), vectors, create_graph=create_graph)
        return energies, gradients

    def _atoms(self, vectors: Tensor, at: _Indices) -> Tensor:
        """Atom features (n_atoms, 64) after the last convolution; lengths and angles are taken in float64."""
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
        angle_weights = (at.arms.take(bond_weights) * at.other_arms.take(bond_weights)).view(2, -1, WIDTH)
        arm_one, arm_two = at.arms.take(directions).chunk(2)
        cosines = (arm_one * arm_two).sum(1)
        angles = self._fourier(cosines * at.sign)
        angles = torch.cat([angles, angles])

        atoms = weights.embedding[at.species]
        for layer, mlp in enumerate(weights.atom_mlps):
            per_pair = pair_first[layer] + mlp.bias
            if layer:  # only bonds in the bond graph have changed since the start
                per_pair = per_pair.index_add(0, at.bonds, (bonds - initial_bonds) @ mlp.bond)
            to_atoms = self.messages(
                mlp, atoms @ mlp.centre_neighbour, per_pair[None], pair_weights[None], at.centres, at.neighbours
            )
            atoms = atoms + at.centres.total(to_atoms) @ mlp.out
            if layer < len(weights.bond_mlps):
                bond_mlp = weights.bond_mlps[layer]
                to_bonds = self._along_angles(bond_mlp, atoms, bonds, angles, angle_weights, at)
                bonds = bonds + at.arms.total(to_bonds) @ bond_mlp.out
            if layer < len(weights.angle_mlps):
                angles = angles + self._along_angles(weights.angle_mlps[layer], atoms, bonds, angles, None, at)
        return atoms

    def _along_angles(
        self, mlp: AngleMlp, atoms: Tensor, bonds: Tensor, angles: Tensor, weights: Tensor | None, at: _Indices
    ) -> Tensor:
        per_angle = at.angle_centre.take(torch.addmm(mlp.bias, atoms, mlp.centre))
        own = (angles @ mlp.angle).view(2, -1, 2 * WIDTH) + per_angle
        return self.messages(mlp, bonds @ mlp.arms, own, weights, at.arms, at.other_arms)

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
