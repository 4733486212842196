"""Atoms hear from their neighbours: messages along pairs, forward and backward.

A tile holds both directions of a few of them in neighbouring rows. Sums run in the order of the list, so they never
vary.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from superionic.potentials.chgnet.fused.compiling import kernel
from superionic.potentials.chgnet.fused.gates import TILE, F, gate, gate_backward, silu, silu_slope
from superionic.potentials.chgnet.fused.simd import NOTHING, product

__all__ = ["pair_messages", "pair_messages_backward"]


@kernel
def pair_messages(
    first, second, bond_of_pair, basis, per_atom, per_bond, from_basis, pair_weights, norm, all_mixed,
    second_layer, second_bias, gathered,
):  # fmt: skip
    """Add to `gathered` (n_atoms, 64) what every atom hears from its neighbours; keep the second layer's rows."""
    shared = np.empty((TILE, 2 * F), np.float32)
    hidden = np.empty((2 * TILE, 2 * F), np.float32)
    message = np.empty((2 * TILE, F), np.float32)
    for start in range(0, first.shape[0], TILE):
        n = min(TILE, first.shape[0] - start)
        pair_hidden(start, n, first, second, bond_of_pair, basis, per_atom, per_bond, from_basis, shared, hidden)
        silu(hidden, 2 * n)
        mixed = all_mixed[2 * start : 2 * (start + n)]
        product(hidden, 0, second_layer[0], second_bias, 0, mixed, 0, 2 * n)
        product(hidden, F, second_layer[1], second_bias, 0, mixed, F, 2 * n)
        gate(mixed, norm, message, 2 * n)
        for t in range(n):
            i, j, p = first[start + t], second[start + t], start + t
            for k in range(F):
                gathered[i, k] += message[2 * t, k] * pair_weights[p, k]
            for k in range(F):
                gathered[j, k] += message[2 * t + 1, k] * pair_weights[p, k]


@kernel
def pair_messages_backward(  # noqa: C901, PLR0912
    first, second, bond_of_pair, basis, per_atom, per_bond, from_basis, pair_weights, norm, all_mixed,
    from_basis_t, second_layer_t, d_gathered, d_pair_weights, d_basis, d_per_atom, d_per_bond,
):  # fmt: skip
    """Add to the gradients of pair weights, radial basis, per-atom and per-bond products; spends the kept rows."""
    shared = np.empty((TILE, 2 * F), np.float32)
    hidden = np.empty((2 * TILE, 2 * F), np.float32)
    slope = np.empty((2 * TILE, 2 * F), np.float32)
    message = np.empty((2 * TILE, F), np.float32)
    d_message = np.empty((2 * TILE, F), np.float32)
    for start in range(0, first.shape[0], TILE):
        n = min(TILE, first.shape[0] - start)
        pair_hidden(start, n, first, second, bond_of_pair, basis, per_atom, per_bond, from_basis, shared, hidden)
        silu_slope(hidden, slope, 2 * n)
        mixed = all_mixed[2 * start : 2 * (start + n)]
        for t in range(n):
            i, j, p = first[start + t], second[start + t], start + t
            for k in range(F):
                d_message[2 * t, k] = d_gathered[i, k] * pair_weights[p, k]
            for k in range(F):
                d_message[2 * t + 1, k] = d_gathered[j, k] * pair_weights[p, k]
        gate_backward(mixed, norm, d_message, message, 2 * n)
        product(mixed, 0, second_layer_t[0], NOTHING, 0, hidden, 0, 2 * n)
        product(mixed, F, second_layer_t[1], NOTHING, 0, hidden, F, 2 * n)
        for t in range(n):
            i, j, p = first[start + t], second[start + t], start + t
            for k in range(F):
                d_pair_weights[p, k] += d_gathered[i, k] * message[2 * t, k] + d_gathered[j, k] * message[2 * t + 1, k]
            for k in range(2 * F):
                forth, back = hidden[2 * t, k] * slope[2 * t, k], hidden[2 * t + 1, k] * slope[2 * t + 1, k]
                hidden[2 * t, k] = forth
                hidden[2 * t + 1, k] = back
                shared[t, k] = forth + back
            if d_per_atom.shape[0] > 0:
                for k in range(2 * F):
                    d_per_atom[i, k] += hidden[2 * t, k]
                for k in range(2 * F):
                    d_per_atom[i, 2 * F + k] += hidden[2 * t + 1, k]
                for k in range(2 * F):
                    d_per_atom[j, k] += hidden[2 * t + 1, k]
                for k in range(2 * F):
                    d_per_atom[j, 2 * F + k] += hidden[2 * t, k]
            bond = bond_of_pair[p]
            if bond >= 0 and d_per_bond.shape[0] > 0:
                for k in range(2 * F):
                    d_per_bond[bond, k] = shared[t, k]
        of_tile = d_basis[start : start + n]
        product(shared, 0, from_basis_t, of_tile, of_tile.shape[1], of_tile, 0, n)


@kernel
def pair_hidden(start, n, first, second, bond_of_pair, basis, per_atom, per_bond, from_basis, shared, hidden):
    product(basis[start : start + n], 0, from_basis, NOTHING, 0, shared, 0, n)
    for t in range(n):
        i, j, bond = first[start + t], second[start + t], bond_of_pair[start + t]
        if bond >= 0 and per_bond.shape[0] > 0:
            for k in range(2 * F):
                shared[t, k] += per_bond[bond, k]
        for k in range(2 * F):
            hidden[2 * t, k] = shared[t, k] + per_atom[i, k] + per_atom[j, 2 * F + k]
        for k in range(2 * F):
            hidden[2 * t + 1, k] = shared[t, k] + per_atom[j, k] + per_atom[i, 2 * F + k]
