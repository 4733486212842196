"""Messages along pairs: forward and reverse with everything kept, tangents, and the reverse pass in dual numbers.

As `fused.pairs`, whose names these kernels share; those ending in _t are tangents.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from superionic.potentials.chgnet.dual.gates import (
    D_HIDDEN,
    D_HIDDEN_T,
    D_MESSAGE,
    D_MESSAGE_T,
    HIDDEN,
    HIDDEN_T,
    MESSAGE,
    MESSAGE_T,
    MIXED,
    MIXED_T,
    gate_tangent,
    load,
    load_layer,
    second_layer_reverse,
    silu_tangent,
    slope_times,
    workspace,
)
from superionic.potentials.chgnet.dual.gates import TILE as DUAL_TILE
from superionic.potentials.chgnet.dual.products import add_outer
from superionic.potentials.chgnet.fused.compiling import kernel
from superionic.potentials.chgnet.fused.gates import TILE, F, gate, gate_backward, silu
from superionic.potentials.chgnet.fused.pairs import pair_hidden
from superionic.potentials.chgnet.fused.simd import NOTHING, product

__all__ = ["pairs_dual_reverse", "pairs_forward", "pairs_reverse", "pairs_tangent"]


@kernel
def pairs_forward(
    first, second, bond_of_pair, basis, per_atom, per_bond, from_basis, pair_weights, norm, all_hidden, all_mixed,
    second_layer, second_bias, gathered,
):  # fmt: skip
    """Add to `gathered` (n_atoms, 64) what every atom hears; keep the rows before both activations."""
    shared = np.empty((TILE, 2 * F), np.float32)
    activated = np.empty((2 * TILE, 2 * F), np.float32)
    message = np.empty((2 * TILE, F), np.float32)
    for start in range(0, first.shape[0], TILE):
        n = min(TILE, first.shape[0] - start)
        hidden, mixed = all_hidden[2 * start : 2 * (start + n)], all_mixed[2 * start : 2 * (start + n)]
        pair_hidden(start, n, first, second, bond_of_pair, basis, per_atom, per_bond, from_basis, shared, hidden)
        for row in range(2 * n):
            for k in range(2 * F):
                activated[row, k] = hidden[row, k]
        silu(activated, 2 * n)
        product(activated, 0, second_layer[0], second_bias, 0, mixed, 0, 2 * n)
        product(activated, F, second_layer[1], second_bias, 0, mixed, F, 2 * n)
        gate(mixed, norm, message, 2 * n)
        for t in range(n):
            i, j, p = first[start + t], second[start + t], start + t
            for k in range(F):
                gathered[i, k] += message[2 * t, k] * pair_weights[p, k]
            for k in range(F):
                gathered[j, k] += message[2 * t + 1, k] * pair_weights[p, k]


@kernel
def pairs_reverse(
    first, second, bond_of_pair, pair_weights, norm, all_hidden, all_mixed, all_d_activated,
    from_basis_t, second_layer_t, d_gathered, d_pair_weights, d_basis, d_per_atom, d_per_bond,
):  # fmt: skip
    """As the fused reverse pass, but nothing kept is spent and the gradient to the activations is kept too."""
    shared = np.empty((TILE, 2 * F), np.float32)
    rows = np.empty((2 * TILE, 2 * F), np.float32)
    message = np.empty((2 * TILE, F), np.float32)
    d_message = np.empty((2 * TILE, F), np.float32)
    for start in range(0, first.shape[0], TILE):
        n = min(TILE, first.shape[0] - start)
        at, end = 2 * start, 2 * (start + n)
        for t in range(n):
            i, j, p = first[start + t], second[start + t], start + t
            for k in range(F):
                d_message[2 * t, k] = d_gathered[i, k] * pair_weights[p, k]
            for k in range(F):
                d_message[2 * t + 1, k] = d_gathered[j, k] * pair_weights[p, k]
        for row in range(2 * n):
            for k in range(2 * F):
                rows[row, k] = all_mixed[at + row, k]
        gate_backward(rows, norm, d_message, message, 2 * n)
        d_activated = all_d_activated[at:end]
        product(rows, 0, second_layer_t[0], NOTHING, 0, d_activated, 0, 2 * n)
        product(rows, F, second_layer_t[1], NOTHING, 0, d_activated, F, 2 * n)
        slope_times(all_hidden[at:end], d_activated, rows, 2 * n)
        for t in range(n):
            i, j, p = first[start + t], second[start + t], start + t
            for k in range(F):
                d_pair_weights[p, k] += d_gathered[i, k] * message[2 * t, k] + d_gathered[j, k] * message[2 * t + 1, k]
        _scatter(start, n, first, second, bond_of_pair, rows, 0, shared, d_per_atom, d_per_bond)
        of_tile = d_basis[start : start + n]
        product(shared, 0, from_basis_t, of_tile, of_tile.shape[1], of_tile, 0, n)


@kernel
def pairs_tangent(
    first, second, bond_of_pair, basis_t, per_atom_t, per_bond_t, from_basis, pair_weights, pair_weights_t, norm,
    all_hidden, all_mixed, all_hidden_t, all_mixed_t, second_layer, gathered_t,
):  # fmt: skip
    """Add to the tangent of `gathered`; keep the tangents of the rows before both activations."""
    shared = np.empty((DUAL_TILE, 2 * F), np.float32)
    work, moments = workspace()
    for start in range(0, first.shape[0], DUAL_TILE):
        n = min(DUAL_TILE, first.shape[0] - start)
        at, end = 2 * start, 2 * (start + n)
        hidden_t, mixed_t = all_hidden_t[at:end], all_mixed_t[at:end]
        pair_hidden(
            start, n, first, second, bond_of_pair, basis_t, per_atom_t, per_bond_t, from_basis, shared, hidden_t
        )
        load(all_hidden, at, 2 * n, work, HIDDEN)
        load(hidden_t, 0, 2 * n, work, HIDDEN_T)
        silu_tangent(work, 2 * n)
        product(work, MIXED_T * F, second_layer[0], NOTHING, 0, mixed_t, 0, 2 * n)
        product(work, (MIXED_T + 1) * F, second_layer[1], NOTHING, 0, mixed_t, F, 2 * n)
        load(all_mixed, at, 2 * n, work, MIXED)
        load(mixed_t, 0, 2 * n, work, MIXED_T)
        gate_tangent(work, norm, moments, 2 * n)
        for t in range(n):
            i, j, p = first[start + t], second[start + t], start + t
            for k in range(F):
                gathered_t[i, k] += (
                    work[2 * t, MESSAGE_T * F + k] * pair_weights[p, k]
                    + work[2 * t, MESSAGE * F + k] * pair_weights_t[p, k]
                )
            for k in range(F):
                gathered_t[j, k] += (
                    work[2 * t + 1, MESSAGE_T * F + k] * pair_weights[p, k]
                    + work[2 * t + 1, MESSAGE * F + k] * pair_weights_t[p, k]
                )


@kernel
def pairs_dual_reverse(
    first, second, bond_of_pair, basis, basis_t, pair_weights, pair_weights_t, norm,
    all_hidden, all_mixed, all_d_activated, all_hidden_t, all_mixed_t, from_basis_t, second_layer_t,
    d_gathered, d_gathered_t, d_pair_weights_t, d_basis_t, d_per_atom_t, d_per_bond_t,
    d_norm, d_second, d_second_bias, d_from_basis,
):  # fmt: skip
    """Add to the tangents of the reverse pass' gradients, and to the gradients of the weights that are wanted."""
    shared, shared_t = np.empty((DUAL_TILE, 2 * F), np.float32), np.empty((DUAL_TILE, 2 * F), np.float32)
    work, moments = workspace()
    nowhere = np.empty((0, 0), np.float32)
    for start in range(0, first.shape[0], DUAL_TILE):
        n = min(DUAL_TILE, first.shape[0] - start)
        at = 2 * start
        load_layer(work, at, 2 * n, all_mixed, all_mixed_t, all_hidden, all_hidden_t, all_d_activated)
        for row in range(2 * n):
            p = start + row // 2
            i = first[p] if row % 2 == 0 else second[p]
            for k in range(F):
                work[row, D_MESSAGE * F + k] = d_gathered[i, k] * pair_weights[p, k]
            for k in range(F):
                work[row, D_MESSAGE_T * F + k] = (
                    d_gathered_t[i, k] * pair_weights[p, k] + d_gathered[i, k] * pair_weights_t[p, k]
                )
        second_layer_reverse(work, 2 * n, norm, moments, second_layer_t, d_norm, d_second, d_second_bias)
        for row in range(2 * n):
            p = start + row // 2
            i = first[p] if row % 2 == 0 else second[p]
            for k in range(F):
                d_pair_weights_t[p, k] += (
                    d_gathered_t[i, k] * work[row, MESSAGE * F + k] + d_gathered[i, k] * work[row, MESSAGE_T * F + k]
                )
        _scatter(start, n, first, second, bond_of_pair, work, D_HIDDEN_T * F, shared_t, d_per_atom_t, d_per_bond_t)
        of_tile = d_basis_t[start : start + n]
        product(shared_t, 0, from_basis_t, of_tile, of_tile.shape[1], of_tile, 0, n)
        if d_from_basis.shape[0] > 0:
            _scatter(start, n, first, second, bond_of_pair, work, D_HIDDEN * F, shared, nowhere, nowhere)
            of_basis, of_basis_t = basis[start : start + n], basis_t[start : start + n]
            add_outer(of_basis, 0, of_basis.shape[1], shared_t, 0, 2 * F, d_from_basis, n)
            add_outer(of_basis_t, 0, of_basis.shape[1], shared, 0, 2 * F, d_from_basis, n)


@kernel
def _scatter(start, n, first, second, bond_of_pair, rows, column, shared, d_per_atom, d_per_bond):
    """Add the gradient of the hidden rows to what they were made of; their sum over both directions to `shared`."""
    flat, step = rows.reshape(rows.size), rows.shape[1]
    for t in range(n):
        i, j, bond = first[start + t], second[start + t], bond_of_pair[start + t]
        at = 2 * t * step + column
        forth, back = flat[at : at + 2 * F], flat[at + step : at + step + 2 * F]
        for k in range(2 * F):
            shared[t, k] = forth[k] + back[k]
        if d_per_atom.shape[0] > 0:
            for k in range(2 * F):
                d_per_atom[i, k] += forth[k]
            for k in range(2 * F):
                d_per_atom[i, 2 * F + k] += back[k]
            for k in range(2 * F):
                d_per_atom[j, k] += back[k]
            for k in range(2 * F):
                d_per_atom[j, 2 * F + k] += forth[k]
        if bond >= 0 and d_per_bond.shape[0] > 0:
            for k in range(2 * F):
                d_per_bond[bond, k] = shared[t, k]
