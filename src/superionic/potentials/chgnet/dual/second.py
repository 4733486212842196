"""The pass in dual numbers: tangents along a direction, then the reverse pass with the gradients of the weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from superionic.potentials.chgnet.dual.angles import (
    bonds_dual_reverse,
    bonds_tangent,
    updates_dual_reverse,
    updates_tangent,
)
from superionic.potentials.chgnet.dual.basis import (
    add_angular_frequencies,
    add_radial_frequencies,
    angular_tangent,
    geometry_tangent,
    radial_tangent,
)
from superionic.potentials.chgnet.dual.gradients import MlpGradient, WeightGradients
from superionic.potentials.chgnet.dual.network import Evaluated, Layer
from superionic.potentials.chgnet.dual.pairs import pairs_dual_reverse, pairs_tangent
from superionic.potentials.chgnet.dual.products import add_product
from superionic.potentials.chgnet.fused.matrices import COLUMNS, Matrices
from superionic.potentials.chgnet.fused.scratch import Matrix, empty, zeros
from superionic.potentials.chgnet.neighbours import FloatArray
from superionic.potentials.chgnet.weights import WIDTH

__all__ = ["add_gradients"]


@dataclass(frozen=True)
class _Tangents:
    """Of what `Evaluated` holds."""

    distances: FloatArray
    angle_values: FloatArray
    basis: Matrix
    bond_basis: Matrix
    angular: Matrix
    pair_weights: Matrix
    bond_weights: Matrix
    pairs: list[Layer]
    bonds: list[Layer]
    updates: list[Layer]
    atoms: Matrix


def add_gradients(
    evaluated: Evaluated,
    weights: Matrices,
    d_energies: NDArray[np.float64],
    d_gradients: NDArray[np.float64],
    into: WeightGradients,
) -> None:
    """Add the gradient of a loss to the weights, given that to the energies and gradients of one evaluation.

    Parameters
    ----------
    evaluated
        The evaluation; nothing else may have been evaluated in this thread since.
    weights
        That it was made with.
    d_energies : (n_atoms,)
        Gradient of the loss to the energy of every atom in 1/eV.
    d_gradients : (n_pairs, 3)
        Gradient of the loss to the gradients to the pair vectors in A/eV. Of the order of 1, or float32 loses digits:
        scale the loss by a power of two.
    into
        Added to, where it is not empty.
    """
    tangents = _tangents(evaluated, weights, d_gradients)
    along = (evaluated.d_atoms * torch.from_numpy(tangents.atoms)).sum()
    scalar = along + (evaluated.site_energies * torch.from_numpy(d_energies.astype(np.float32))).sum()
    d_atoms_t, *of_readout = torch.autograd.grad(scalar, [evaluated.atoms, *evaluated.readout])
    for total, gradient in zip(into.readout, of_readout, strict=True):
        total.add_(gradient)
    _reverse(evaluated, tangents, weights, d_atoms_t.numpy(), into)


def _tangents(evaluated: Evaluated, weights: Matrices, vectors_t: FloatArray) -> _Tangents:
    graph, bases = evaluated.graph, evaluated.bases
    pairs, angles = graph.pairs, graph.angles
    n_atoms, n_bonds, n_pairs, n_angles = len(graph.numbers), len(angles.bonds), len(pairs.first), len(angles.centre)
    along_pairs = (pairs.first, pairs.second, bases.bond_of_pair)
    along_angles = (angles.arm_one, angles.arm_two, angles.centre)
    distances_t, values_t = np.empty(n_pairs), np.empty(n_angles)
    geometry_tangent(
        pairs.vectors_A, pairs.distances_A, vectors_t, angles.bonds, angles.arm_one, angles.arm_two, angles.sign,
        bases.angles, distances_t, values_t,
    )  # fmt: skip
    basis_t, bond_basis_t, angular_t = zeros(n_pairs, COLUMNS), zeros(n_bonds, COLUMNS), zeros(n_angles, COLUMNS)
    radial_tangent(bases.basis_slope, distances_t, basis_t)
    radial_tangent(bases.bond_basis_slope, distances_t[angles.bonds], bond_basis_t)
    angular_tangent(values_t, weights.angle_frequencies, bases.angular, angular_t)
    pair_weights_t, bond_weights_t = weights.pair_weights(basis_t), weights.bond_weights(bond_basis_t)

    atoms_t = zeros(n_atoms, WIDTH)
    initial_t = bonds_t = weights.bond_embedding(basis_t[angles.bonds])
    angles_t = np.repeat(weights.angle_embedding(angular_t), 2, axis=0)
    pair_layers: list[Layer] = []
    bond_layers: list[Layer] = []
    update_layers: list[Layer] = []
    for k, mlp in enumerate(weights.atom_mlps):
        of, layer = evaluated.pairs[k], Layer(atoms_t, bonds_t - initial_t)
        layer.hidden, layer.mixed = empty(2 * n_pairs, 2 * WIDTH), empty(2 * n_pairs, 2 * WIDTH)
        layer.gathered = zeros(n_atoms, WIDTH)
        per_bond_t = mlp.local(layer.bonds) if k else zeros(0, 2 * WIDTH)
        pairs_tangent(
            *along_pairs, basis_t, mlp.gathered(atoms_t), per_bond_t, weights.from_basis[k].weight,
            bases.pair_weights, pair_weights_t, mlp.norm, of.hidden, of.mixed, layer.hidden, layer.mixed,
            mlp.second, layer.gathered,
        )  # fmt: skip
        pair_layers.append(layer)
        atoms_t = atoms_t + mlp.out(layer.gathered)
        if k < len(weights.bond_mlps):
            mlp, of, layer = weights.bond_mlps[k], evaluated.bonds[k], Layer(atoms_t, bonds_t, angles_t)  # noqa: PLW2901
            layer.hidden, layer.mixed = empty(2 * n_angles, 2 * WIDTH), empty(2 * n_angles, 2 * WIDTH)
            layer.gathered = zeros(n_bonds, WIDTH)
            bonds_tangent(
                *along_angles, mlp.gathered(bonds_t), mlp.centre(atoms_t), angles_t, mlp.local.weight, mlp.norm,
                bases.bond_weights, bond_weights_t, of.hidden, of.mixed, layer.hidden, layer.mixed, mlp.second,
                layer.gathered,
            )  # fmt: skip
            bond_layers.append(layer)
            bonds_t = bonds_t + mlp.out(layer.gathered)
        if k < len(weights.angle_mlps):
            mlp, of, layer = weights.angle_mlps[k], evaluated.updates[k], Layer(atoms_t, bonds_t, angles_t)  # noqa: PLW2901
            layer.hidden, updated_t = empty(2 * n_angles, 2 * WIDTH), empty(2 * n_angles, WIDTH)
            updates_tangent(
                *along_angles, mlp.gathered(bonds_t), mlp.centre(atoms_t), angles_t, mlp.local.weight, mlp.norm,
                of.hidden, layer.hidden, updated_t,
            )  # fmt: skip
            update_layers.append(layer)
            angles_t = updated_t
    return _Tangents(
        distances=distances_t,
        angle_values=values_t,
        basis=basis_t,
        bond_basis=bond_basis_t,
        angular=angular_t,
        pair_weights=pair_weights_t,
        bond_weights=bond_weights_t,
        pairs=pair_layers,
        bonds=bond_layers,
        updates=update_layers,
        atoms=atoms_t,
    )


def _reverse(evaluated: Evaluated, t: _Tangents, weights: Matrices, d_atoms_t: Matrix, into: WeightGradients) -> None:
    graph, bases = evaluated.graph, evaluated.bases
    pairs, angles = graph.pairs, graph.angles
    n_atoms, n_bonds, n_pairs, n_angles = len(graph.numbers), len(angles.bonds), len(pairs.first), len(angles.centre)
    along_pairs = (pairs.first, pairs.second, bases.bond_of_pair)
    along_angles = (angles.arm_one, angles.arm_two, angles.centre)
    d_basis_t, d_pair_weights_t = zeros(n_pairs, COLUMNS), zeros(n_pairs, WIDTH)
    d_bond_weights_t, d_angles_t = zeros(n_bonds, WIDTH), zeros(2 * n_angles, WIDTH)
    d_bonds_t, d_initial_t = zeros(n_bonds, WIDTH), zeros(n_bonds, WIDTH)
    for k in reversed(range(len(weights.atom_mlps))):
        if k < len(weights.angle_mlps):
            mlp, of, of_t, found = weights.angle_mlps[k], evaluated.updates[k], t.updates[k], into.angle_mlps[k]
            d_arms_t, d_centre_t = zeros(n_bonds, 4 * WIDTH), zeros(n_atoms, 2 * WIDTH)
            updates_dual_reverse(
                *along_angles, of.angles, of_t.angles, mlp.norm, of.hidden, of_t.hidden, mlp.local.transposed,
                of.d_out, d_arms_t, d_centre_t, d_angles_t, found.norm, found.local,
            )  # fmt: skip
            _add_along_angles(of, of_t, d_arms_t, d_centre_t, found)
            d_bonds_t = d_bonds_t + mlp.gathered.back(d_arms_t)
            d_atoms_t = d_atoms_t + mlp.centre.back(d_centre_t)
        if k < len(weights.bond_mlps):
            mlp, of, of_t, found = weights.bond_mlps[k], evaluated.bonds[k], t.bonds[k], into.bond_mlps[k]
            d_arms_t, d_centre_t = zeros(n_bonds, 4 * WIDTH), zeros(n_atoms, 2 * WIDTH)
            _add_out(of, of_t, d_bonds_t, found)
            bonds_dual_reverse(
                *along_angles, of.angles, of_t.angles, mlp.norm, bases.bond_weights, t.bond_weights,
                of.hidden, of.mixed, of.d_activated, of_t.hidden, of_t.mixed, mlp.local.transposed, mlp.second_t,
                of.d_gathered, mlp.out.back(d_bonds_t), d_bond_weights_t, d_arms_t, d_centre_t, d_angles_t,
                found.norm, found.second, found.second_bias, found.local,
            )  # fmt: skip
            _add_along_angles(of, of_t, d_arms_t, d_centre_t, found)
            d_bonds_t = d_bonds_t + mlp.gathered.back(d_arms_t)
            d_atoms_t = d_atoms_t + mlp.centre.back(d_centre_t)
        mlp, of, of_t, found = weights.atom_mlps[k], evaluated.pairs[k], t.pairs[k], into.atom_mlps[k]
        d_per_atom_t, d_per_bond_t = zeros(n_atoms, 4 * WIDTH), zeros(n_bonds if k else 0, 2 * WIDTH)
        _add_out(of, of_t, d_atoms_t, found)
        pairs_dual_reverse(
            *along_pairs, bases.basis, t.basis, bases.pair_weights, t.pair_weights, mlp.norm,
            of.hidden, of.mixed, of.d_activated, of_t.hidden, of_t.mixed, weights.from_basis[k].transposed,
            mlp.second_t, of.d_gathered, mlp.out.back(d_atoms_t), d_pair_weights_t, d_basis_t, d_per_atom_t,
            d_per_bond_t, found.norm, found.second, found.second_bias, into.from_basis[k],
        )  # fmt: skip
        if found.wanted:
            _add_along_pairs(of, of_t, d_per_atom_t, d_per_bond_t, found, first=not k)
        if not into.wanted_below(k):
            return
        d_atoms_t = d_atoms_t + mlp.gathered.back(d_per_atom_t)
        if k:
            change_t = mlp.local.back(d_per_bond_t)
            d_bonds_t, d_initial_t = d_bonds_t + change_t, d_initial_t - change_t
    if into.embedding.size:
        np.add.at(into.embedding, graph.numbers - 1, d_atoms_t)
    d_both_t = d_angles_t[::2] + d_angles_t[1::2]
    _to_bases(evaluated, t, (d_pair_weights_t, d_bond_weights_t, d_bonds_t + d_initial_t, d_both_t), into)
    _to_frequencies(
        evaluated, t, weights, (d_basis_t, d_pair_weights_t, d_bond_weights_t, d_bonds_t + d_initial_t, d_both_t), into
    )


def _add_out(of: Layer, of_t: Layer, d_out_t: Matrix, found: MlpGradient) -> None:
    if found.wanted:
        add_product(of.gathered, d_out_t, found.out)
        add_product(of_t.gathered, of.d_out, found.out)


def _add_along_angles(of: Layer, of_t: Layer, d_arms_t: Matrix, d_centre_t: Matrix, found: MlpGradient) -> None:
    if found.wanted:
        add_product(of.bonds, d_arms_t, found.gathered)
        add_product(of_t.bonds, of.d_per_row, found.gathered)
        add_product(of.atoms, d_centre_t, found.centre)
        add_product(of_t.atoms, of.d_centre, found.centre)
        found.bias[:] += d_centre_t.sum(axis=0)


def _add_along_pairs(
    of: Layer, of_t: Layer, d_per_atom_t: Matrix, d_per_bond_t: Matrix, found: MlpGradient, *, first: bool
) -> None:
    add_product(of.atoms, d_per_atom_t, found.gathered)
    found.bias[:] += d_per_atom_t.sum(axis=0)
    if not first:  # in the first layer atoms and bonds have no tangents but through the basis
        add_product(of_t.atoms, of.d_per_row, found.gathered)
        add_product(of.bonds, d_per_bond_t, found.local)
        add_product(of_t.bonds, of.d_local, found.local)


def _to_bases(
    evaluated: Evaluated,
    t: _Tangents,
    reverse: tuple[Matrix, Matrix, Matrix, Matrix],
    into: WeightGradients,
) -> None:
    """Add to the gradients of the matrices that basis functions are multiplied with."""
    bases, bonds = evaluated.bases, evaluated.graph.angles.bonds
    d_pair_weights_t, d_bond_weights_t, d_initial_t, d_angles_t = reverse
    for gradient, values, values_t, d, d_t in (
        (into.pair_weights, bases.basis, t.basis, evaluated.d_pair_weights, d_pair_weights_t),
        (into.bond_weights, bases.bond_basis, t.bond_basis, evaluated.d_bond_weights, d_bond_weights_t),
        (into.bond_embedding, bases.basis[bonds], t.basis[bonds], evaluated.d_initial_bonds, d_initial_t),
        (into.angle_embedding, bases.angular, t.angular, evaluated.d_angles, d_angles_t),
    ):
        if gradient.size:
            add_product(values, d_t, gradient)
            add_product(values_t, d, gradient)


def _to_frequencies(
    evaluated: Evaluated,
    t: _Tangents,
    weights: Matrices,
    reverse: tuple[Matrix, Matrix, Matrix, Matrix, Matrix],
    into: WeightGradients,
) -> None:
    """Add to the gradients of the basis functions' frequencies."""
    pairs, bonds, power = evaluated.graph.pairs, evaluated.graph.angles.bonds, weights.envelope_power
    d_basis_t, d_pair_weights_t, d_bond_weights_t, d_initial_t, d_angles_t = reverse
    if into.pair_frequencies.size:
        d_basis_t = d_basis_t + weights.pair_weights.back(d_pair_weights_t)
        d_basis_t[bonds] += weights.bond_embedding.back(d_initial_t)
        add_radial_frequencies(
            pairs.distances_A, t.distances, weights.pair_frequencies, weights.cutoff_A, power, evaluated.d_basis,
            d_basis_t, into.pair_frequencies,
        )  # fmt: skip
    if into.bond_frequencies.size:
        add_radial_frequencies(
            pairs.distances_A[bonds], t.distances[bonds], weights.bond_frequencies, weights.bond_cutoff_A, power,
            evaluated.d_bond_basis, weights.bond_weights.back(d_bond_weights_t), into.bond_frequencies,
        )  # fmt: skip
    if into.angle_frequencies.size:
        add_angular_frequencies(
            evaluated.bases.angles, t.angle_values, weights.angle_frequencies, evaluated.bases.angular,
            evaluated.d_angular, weights.angle_embedding.back(d_angles_t), into.angle_frequencies,
        )  # fmt: skip
