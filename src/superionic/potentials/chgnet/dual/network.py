"""CHGNet evaluated so that the gradients of a loss to its weights can follow: see the package's docstring."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from superionic.potentials.chgnet.dual.angles import (
    bonds_forward,
    bonds_reverse,
    updates_forward,
    updates_reverse,
)
from superionic.potentials.chgnet.dual.pairs import pairs_forward, pairs_reverse
from superionic.potentials.chgnet.fused.bases import Bases
from superionic.potentials.chgnet.fused.matrices import COLUMNS, Matrices
from superionic.potentials.chgnet.fused.scratch import Matrix, empty, restart, zeros
from superionic.potentials.chgnet.graph import CrystalGraph
from superionic.potentials.chgnet.neighbours import FloatArray
from superionic.potentials.chgnet.weights import WIDTH, ChgnetWeights

__all__ = ["Evaluated", "Layer", "evaluate"]


@dataclass
class Layer:
    """What one gated MLP was given and gave: rows before its activations, and gradients of the reverse pass."""

    atoms: Matrix
    bonds: Matrix  # of the first convolution on: their change since the start
    angles: Matrix | None = None
    hidden: Matrix = field(default_factory=lambda: empty(0, 2 * WIDTH))
    mixed: Matrix = field(default_factory=lambda: empty(0, 2 * WIDTH))
    gathered: Matrix = field(default_factory=lambda: empty(0, WIDTH))
    d_activated: Matrix = field(default_factory=lambda: empty(0, 2 * WIDTH))
    d_out: Matrix = field(default_factory=lambda: empty(0, WIDTH))  # to what the MLP's output was added to
    d_gathered: Matrix = field(default_factory=lambda: empty(0, WIDTH))
    d_per_row: Matrix = field(default_factory=lambda: empty(0, 4 * WIDTH))  # per atom along pairs, per arm along angles
    d_local: Matrix = field(default_factory=lambda: empty(0, 2 * WIDTH))  # per bond along pairs
    d_centre: Matrix = field(default_factory=lambda: empty(0, 2 * WIDTH))


@dataclass
class Evaluated:
    """One evaluation with all that the dual pass reads of it; its arrays are valid until the next one.

    Attributes
    ----------
    energies
        Energy of every atom without its reference, (n_atoms,) in eV.
    gradients
        Gradient of their sum to the pair vectors, (n_pairs, 3) in eV/A.
    """

    graph: CrystalGraph
    bases: Bases
    pairs: list[Layer]
    bonds: list[Layer]
    updates: list[Layer]
    atoms: Tensor  # after the last layer; a leaf of torch's graph
    site_energies: Tensor
    d_atoms: Tensor  # differentiable again
    readout: list[Tensor]
    d_basis: Matrix
    d_bond_basis: Matrix
    d_pair_weights: Matrix
    d_bond_weights: Matrix
    d_initial_bonds: Matrix
    d_angles: Matrix  # both directions together
    d_angular: Matrix
    energies: FloatArray
    gradients: FloatArray


def evaluate(graph: CrystalGraph, weights: ChgnetWeights, matrices: Matrices) -> Evaluated:
    """Energies and gradients of one system, everything kept.

    Parameters
    ----------
    graph
        Of one system.
    weights, matrices
        The same weights, detached; both are needed for the readout is torch's.
    """
    restart()
    bases = Bases.of(graph, matrices)
    pairs, bonds, updates, last_atoms = _forward(graph, bases, matrices)
    readout = [weights.readout_norm, *(tensor for layer in weights.readout for tensor in layer)]
    readout = [tensor.detach().requires_grad_(True) for tensor in readout]
    atoms = torch.from_numpy(last_atoms).clone().requires_grad_(True)
    site_energies = _read_out(atoms, readout)
    (d_atoms,) = torch.autograd.grad(site_energies.sum(), atoms, create_graph=True)
    found: dict[str, Any] = _reverse(graph, bases, matrices, (pairs, bonds, updates), d_atoms.detach().numpy())
    return Evaluated(
        graph=graph,
        bases=bases,
        pairs=pairs,
        bonds=bonds,
        updates=updates,
        atoms=atoms,
        site_energies=site_energies,
        d_atoms=d_atoms,
        readout=readout,
        energies=site_energies.detach().numpy().astype(np.float64),
        **found,
    )


def _forward(
    graph: CrystalGraph, bases: Bases, weights: Matrices
) -> tuple[list[Layer], list[Layer], list[Layer], Matrix]:
    along_pairs = (graph.pairs.first, graph.pairs.second, bases.bond_of_pair)
    along_angles = (graph.angles.arm_one, graph.angles.arm_two, graph.angles.centre)
    n_atoms, n_bonds = len(graph.numbers), len(graph.angles.bonds)
    n_pair_rows, n_angle_rows = 2 * len(graph.pairs.first), 2 * len(graph.angles.centre)
    atoms = weights.embedding[graph.numbers - 1]
    initial_bonds = bonds = weights.bond_embedding(bases.basis[graph.angles.bonds])
    angles = np.repeat(weights.angle_embedding(bases.angular), 2, axis=0)
    pair_layers: list[Layer] = []
    bond_layers: list[Layer] = []
    update_layers: list[Layer] = []
    for k, mlp in enumerate(weights.atom_mlps):
        layer = Layer(atoms, bonds - initial_bonds)
        layer.hidden, layer.mixed = empty(n_pair_rows, 2 * WIDTH), empty(n_pair_rows, 2 * WIDTH)
        layer.gathered = zeros(n_atoms, WIDTH)
        per_bond = mlp.local(layer.bonds) if k else zeros(0, 2 * WIDTH)
        pairs_forward(
            *along_pairs, bases.basis, mlp.gathered(atoms, mlp.bias), per_bond, weights.from_basis[k].weight,
            bases.pair_weights, mlp.norm, layer.hidden, layer.mixed, mlp.second, mlp.second_bias, layer.gathered,
        )  # fmt: skip
        pair_layers.append(layer)
        atoms = atoms + mlp.out(layer.gathered)
        if k < len(weights.bond_mlps):
            mlp = weights.bond_mlps[k]  # noqa: PLW2901
            layer = Layer(atoms, bonds, angles)
            layer.hidden, layer.mixed = empty(n_angle_rows, 2 * WIDTH), empty(n_angle_rows, 2 * WIDTH)
            layer.gathered = zeros(n_bonds, WIDTH)
            bonds_forward(
                *along_angles, mlp.gathered(bonds), mlp.centre(atoms, mlp.bias), angles, mlp.local.weight, mlp.norm,
                bases.bond_weights, layer.hidden, layer.mixed, mlp.second, mlp.second_bias, layer.gathered,
            )  # fmt: skip
            bond_layers.append(layer)
            bonds = bonds + mlp.out(layer.gathered)
        if k < len(weights.angle_mlps):
            mlp = weights.angle_mlps[k]  # noqa: PLW2901
            layer = Layer(atoms, bonds, angles)
            layer.hidden, updated = empty(n_angle_rows, 2 * WIDTH), empty(n_angle_rows, WIDTH)
            updates_forward(
                *along_angles, mlp.gathered(bonds), mlp.centre(atoms, mlp.bias), angles, mlp.local.weight, mlp.norm,
                layer.hidden, updated,
            )  # fmt: skip
            update_layers.append(layer)
            angles = updated
    return pair_layers, bond_layers, update_layers, atoms


def _reverse(
    graph: CrystalGraph,
    bases: Bases,
    weights: Matrices,
    layers: tuple[list[Layer], list[Layer], list[Layer]],
    d_atoms: Matrix,
) -> dict[str, Any]:
    """The reverse pass to pair vectors; every layer keeps the gradients that it was given and gave."""
    along_pairs = (graph.pairs.first, graph.pairs.second, bases.bond_of_pair)
    along_angles = (graph.angles.arm_one, graph.angles.arm_two, graph.angles.centre)
    n_atoms, n_bonds, n_pairs = len(graph.numbers), len(graph.angles.bonds), len(graph.pairs.first)
    n_angle_rows = 2 * len(graph.angles.centre)
    d_basis, d_pair_weights, d_bond_weights = zeros(n_pairs, COLUMNS), zeros(n_pairs, WIDTH), zeros(n_bonds, WIDTH)
    d_bonds, d_initial_bonds, d_angles = zeros(n_bonds, WIDTH), zeros(n_bonds, WIDTH), zeros(n_angle_rows, WIDTH)
    for k in reversed(range(len(weights.atom_mlps))):
        if k < len(weights.angle_mlps):
            mlp, layer = weights.angle_mlps[k], layers[2][k]
            layer.d_per_row, layer.d_centre = zeros(n_bonds, 4 * WIDTH), zeros(n_atoms, 2 * WIDTH)
            layer.d_out, d_angles = d_angles, d_angles.copy()
            updates_reverse(
                *along_angles, mlp.norm, layer.hidden, mlp.local.transposed, layer.d_per_row, layer.d_centre, d_angles
            )
            d_bonds = d_bonds + mlp.gathered.back(layer.d_per_row)
            d_atoms = d_atoms + mlp.centre.back(layer.d_centre)
        if k < len(weights.bond_mlps):
            mlp, layer = weights.bond_mlps[k], layers[1][k]
            layer.d_per_row, layer.d_centre = zeros(n_bonds, 4 * WIDTH), zeros(n_atoms, 2 * WIDTH)
            layer.d_activated = empty(n_angle_rows, 2 * WIDTH)
            layer.d_out, layer.d_gathered = d_bonds, mlp.out.back(d_bonds)
            bonds_reverse(
                *along_angles, mlp.norm, bases.bond_weights, layer.hidden, layer.mixed, layer.d_activated,
                mlp.local.transposed, mlp.second_t, layer.d_gathered, d_bond_weights, layer.d_per_row, layer.d_centre,
                d_angles,
            )  # fmt: skip
            d_bonds = d_bonds + mlp.gathered.back(layer.d_per_row)
            d_atoms = d_atoms + mlp.centre.back(layer.d_centre)
        mlp, layer = weights.atom_mlps[k], layers[0][k]
        layer.d_per_row, layer.d_local = zeros(n_atoms if k else 0, 4 * WIDTH), zeros(n_bonds if k else 0, 2 * WIDTH)
        layer.d_activated = empty(2 * n_pairs, 2 * WIDTH)
        layer.d_out, layer.d_gathered = d_atoms, mlp.out.back(d_atoms)
        pairs_reverse(
            *along_pairs, bases.pair_weights, mlp.norm, layer.hidden, layer.mixed, layer.d_activated,
            weights.from_basis[k].transposed, mlp.second_t, layer.d_gathered, d_pair_weights, d_basis,
            layer.d_per_row, layer.d_local,
        )  # fmt: skip
        if k:  # before the first layer atoms and bonds are what they started as
            d_atoms = d_atoms + mlp.gathered.back(layer.d_per_row)
            change = mlp.local.back(layer.d_local)
            d_bonds, d_initial_bonds = d_bonds + change, d_initial_bonds - change
    d_initial_bonds = d_bonds + d_initial_bonds
    d_basis += weights.pair_weights.back(d_pair_weights)
    d_basis[graph.angles.bonds] += weights.bond_embedding.back(d_initial_bonds)
    d_bond_basis = weights.bond_weights.back(d_bond_weights)
    both = d_angles[::2] + d_angles[1::2]
    d_angular = weights.angle_embedding.back(both)
    return {
        "d_basis": d_basis,
        "d_bond_basis": d_bond_basis,
        "d_pair_weights": d_pair_weights,
        "d_bond_weights": d_bond_weights,
        "d_initial_bonds": d_initial_bonds,
        "d_angles": both,
        "d_angular": d_angular,
        "gradients": bases.to_vectors(graph, weights, d_basis, d_bond_basis, d_angular),
    }


def _read_out(atoms: Tensor, readout: list[Tensor]) -> Tensor:
    norm, *layers = readout
    x = torch.nn.functional.layer_norm(atoms, (WIDTH,), norm[0], norm[1])
    for k, (weight, bias) in enumerate(zip(layers[::2], layers[1::2], strict=True)):
        x = torch.addmm(bias, torch.nn.functional.silu(x) if k else x, weight)
    return x[:, 0]
