"""Messages along angles and updates of angles: with everything kept, tangents, and the reverse pass in dual numbers.

As `fused.angles`, whose names these kernels share; those ending in _t are tangents.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from superionic.potentials.chgnet.dual.gates import (
    D_HIDDEN,
    D_HIDDEN_T,
    D_MESSAGE,
    D_MESSAGE_T,
    D_MIXED,
    D_MIXED_T,
    HIDDEN,
    HIDDEN_T,
    MESSAGE,
    MESSAGE_T,
    MIXED,
    MIXED_T,
    gate_reverse,
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
from superionic.potentials.chgnet.fused.angles import angle_hidden
from superionic.potentials.chgnet.fused.compiling import kernel
from superionic.potentials.chgnet.fused.gates import TILE, F, gate, gate_backward, silu
from superionic.potentials.chgnet.fused.simd import NOTHING, product

__all__ = [
    "bonds_dual_reverse",
    "bonds_forward",
    "bonds_reverse",
    "bonds_tangent",
    "updates_dual_reverse",
    "updates_forward",
    "updates_reverse",
    "updates_tangent",
]


@kernel
def bonds_forward(
    arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, norm, bond_weights, all_hidden, all_mixed,
    second_layer, second_bias, gathered,
):  # fmt: skip
    """Add to `gathered` (n_bonds, 64) what every bond hears; keep the rows before both activations."""
    activated = np.empty((2 * TILE, 2 * F), np.float32)
    message = np.empty((2 * TILE, F), np.float32)
    for start in range(0, arm_one.shape[0], TILE):
        n = min(TILE, arm_one.shape[0] - start)
        hidden, mixed = all_hidden[2 * start : 2 * (start + n)], all_mixed[2 * start : 2 * (start + n)]
        angle_hidden(start, n, arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, hidden)
        for row in range(2 * n):
            for k in range(2 * F):
                activated[row, k] = hidden[row, k]
        silu(activated, 2 * n)
        product(activated, 0, second_layer[0], second_bias, 0, mixed, 0, 2 * n)
        product(activated, F, second_layer[1], second_bias, 0, mixed, F, 2 * n)
        gate(mixed, norm, message, 2 * n)
        for t in range(n):
            one, two = arm_one[start + t], arm_two[start + t]
            for k in range(F):
                gathered[one, k] += message[2 * t, k] * bond_weights[one, k] * bond_weights[two, k]
            for k in range(F):
                gathered[two, k] += message[2 * t + 1, k] * bond_weights[one, k] * bond_weights[two, k]


@kernel
def bonds_reverse(
    arm_one, arm_two, centre, norm, bond_weights, all_hidden, all_mixed, all_d_activated,
    from_angle_t, second_layer_t, d_gathered, d_bond_weights, d_per_arm, d_per_centre, d_angles,
):  # fmt: skip
    """As the fused reverse pass, but nothing kept is spent and the gradient to the activations is kept too."""
    rows = np.empty((2 * TILE, 2 * F), np.float32)
    message = np.empty((2 * TILE, F), np.float32)
    d_message = np.empty((2 * TILE, F), np.float32)
    for start in range(0, arm_one.shape[0], TILE):
        n = min(TILE, arm_one.shape[0] - start)
        at, end = 2 * start, 2 * (start + n)
        for t in range(n):
            one, two = arm_one[start + t], arm_two[start + t]
            for k in range(F):
                weight = bond_weights[one, k] * bond_weights[two, k]
                d_message[2 * t, k] = d_gathered[one, k] * weight
                d_message[2 * t + 1, k] = d_gathered[two, k] * weight
        for row in range(2 * n):
            for k in range(2 * F):
                rows[row, k] = all_mixed[at + row, k]
        gate_backward(rows, norm, d_message, message, 2 * n)
        d_activated = all_d_activated[at:end]
        product(rows, 0, second_layer_t[0], NOTHING, 0, d_activated, 0, 2 * n)
        product(rows, F, second_layer_t[1], NOTHING, 0, d_activated, F, 2 * n)
        slope_times(all_hidden[at:end], d_activated, rows, 2 * n)
        for t in range(n):
            one, two = arm_one[start + t], arm_two[start + t]
            for k in range(F):
                d_weight = d_gathered[one, k] * message[2 * t, k] + d_gathered[two, k] * message[2 * t + 1, k]
                message[2 * t, k] = d_weight * bond_weights[two, k]
                message[2 * t + 1, k] = d_weight * bond_weights[one, k]
            for k in range(F):
                d_bond_weights[one, k] += message[2 * t, k]
            for k in range(F):
                d_bond_weights[two, k] += message[2 * t + 1, k]
        _scatter(start, n, arm_one, arm_two, centre, rows, 0, d_per_arm, d_per_centre)
        of_tile = d_angles[at:end]
        product(rows, 0, from_angle_t, of_tile, F, of_tile, 0, 2 * n)


@kernel
def bonds_tangent(
    arm_one, arm_two, centre, per_arm_t, per_centre_t, angles_t, from_angle, norm, bond_weights, bond_weights_t,
    all_hidden, all_mixed, all_hidden_t, all_mixed_t, second_layer, gathered_t,
):  # fmt: skip
    """Add to the tangent of `gathered`; keep the tangents of the rows before both activations."""
    work, moments = workspace()
    for start in range(0, arm_one.shape[0], DUAL_TILE):
        n = min(DUAL_TILE, arm_one.shape[0] - start)
        at, end = 2 * start, 2 * (start + n)
        hidden_t, mixed_t = all_hidden_t[at:end], all_mixed_t[at:end]
        angle_hidden(start, n, arm_one, arm_two, centre, per_arm_t, per_centre_t, angles_t, from_angle, hidden_t)
        load(all_hidden, at, 2 * n, work, HIDDEN)
        load(hidden_t, 0, 2 * n, work, HIDDEN_T)
        silu_tangent(work, 2 * n)
        product(work, MIXED_T * F, second_layer[0], NOTHING, 0, mixed_t, 0, 2 * n)
        product(work, (MIXED_T + 1) * F, second_layer[1], NOTHING, 0, mixed_t, F, 2 * n)
        load(all_mixed, at, 2 * n, work, MIXED)
        load(mixed_t, 0, 2 * n, work, MIXED_T)
        gate_tangent(work, norm, moments, 2 * n)
        for row in range(2 * n):
            t = start + row // 2
            one, two = arm_one[t], arm_two[t]
            to = one if row % 2 == 0 else two
            for k in range(F):
                weight = bond_weights[one, k] * bond_weights[two, k]
                weight_t = bond_weights_t[one, k] * bond_weights[two, k] + bond_weights[one, k] * bond_weights_t[two, k]
                gathered_t[to, k] += work[row, MESSAGE_T * F + k] * weight + work[row, MESSAGE * F + k] * weight_t


@kernel
def bonds_dual_reverse(
    arm_one, arm_two, centre, angles, angles_t, norm, bond_weights, bond_weights_t,
    all_hidden, all_mixed, all_d_activated, all_hidden_t, all_mixed_t, from_angle_t, second_layer_t,
    d_gathered, d_gathered_t, d_bond_weights_t, d_per_arm_t, d_per_centre_t, d_angles_t,
    d_norm, d_second, d_second_bias, d_from_angle,
):  # fmt: skip
    """Add to the tangents of the reverse pass' gradients, and to the gradients of the weights that are wanted."""
    work, moments = workspace()
    for start in range(0, arm_one.shape[0], DUAL_TILE):
        n = min(DUAL_TILE, arm_one.shape[0] - start)
        at = 2 * start
        load_layer(work, at, 2 * n, all_mixed, all_mixed_t, all_hidden, all_hidden_t, all_d_activated)
        for row in range(2 * n):
            t = start + row // 2
            one, two = arm_one[t], arm_two[t]
            to = one if row % 2 == 0 else two
            for k in range(F):
                weight = bond_weights[one, k] * bond_weights[two, k]
                weight_t = bond_weights_t[one, k] * bond_weights[two, k] + bond_weights[one, k] * bond_weights_t[two, k]
                work[row, D_MESSAGE * F + k] = d_gathered[to, k] * weight
                work[row, D_MESSAGE_T * F + k] = d_gathered_t[to, k] * weight + d_gathered[to, k] * weight_t
        second_layer_reverse(work, 2 * n, norm, moments, second_layer_t, d_norm, d_second, d_second_bias)
        _bond_weights(
            start, n, arm_one, arm_two, work, bond_weights, bond_weights_t, d_gathered, d_gathered_t, d_bond_weights_t
        )
        _scatter(start, n, arm_one, arm_two, centre, work, D_HIDDEN_T * F, d_per_arm_t, d_per_centre_t)
        _to_angles(start, n, work, D_HIDDEN, D_HIDDEN_T, angles, angles_t, from_angle_t, d_angles_t, d_from_angle)


@kernel
def _bond_weights(
    start, n, arm_one, arm_two, work, bond_weights, bond_weights_t, d_gathered, d_gathered_t, d_bond_weights_t
):
    """Add to the tangent of the bond weights' gradient: of message times the product of two weights."""
    for t in range(n):
        one, two = arm_one[start + t], arm_two[start + t]
        for k in range(F):
            forth, forth_t = work[2 * t, MESSAGE * F + k], work[2 * t, MESSAGE_T * F + k]
            back, back_t = work[2 * t + 1, MESSAGE * F + k], work[2 * t + 1, MESSAGE_T * F + k]
            d = d_gathered[one, k] * forth + d_gathered[two, k] * back
            d_t = d_gathered_t[one, k] * forth + d_gathered[one, k] * forth_t
            d_t += d_gathered_t[two, k] * back + d_gathered[two, k] * back_t
            work[2 * t, D_MESSAGE * F + k] = d_t * bond_weights[two, k] + d * bond_weights_t[two, k]
            work[2 * t + 1, D_MESSAGE * F + k] = d_t * bond_weights[one, k] + d * bond_weights_t[one, k]
        for k in range(F):
            d_bond_weights_t[one, k] += work[2 * t, D_MESSAGE * F + k]
        for k in range(F):
            d_bond_weights_t[two, k] += work[2 * t + 1, D_MESSAGE * F + k]


@kernel
def updates_forward(arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, norm, all_hidden, updated):
    """Write the angles' new features to `updated` (2 n_angles, 64); keep the rows before the gate."""
    message = np.empty((2 * TILE, F), np.float32)
    for start in range(0, arm_one.shape[0], TILE):
        n = min(TILE, arm_one.shape[0] - start)
        hidden = all_hidden[2 * start : 2 * (start + n)]
        angle_hidden(start, n, arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, hidden)
        gate(hidden, norm, message, 2 * n)
        for row in range(2 * n):
            for k in range(F):
                updated[2 * start + row, k] = angles[2 * start + row, k] + message[row, k]


@kernel
def updates_reverse(arm_one, arm_two, centre, norm, all_hidden, from_angle_t, d_per_arm, d_per_centre, d_angles):
    """As the fused reverse pass, but nothing kept is spent."""
    rows = np.empty((2 * TILE, 2 * F), np.float32)
    message = np.empty((2 * TILE, F), np.float32)
    for start in range(0, arm_one.shape[0], TILE):
        n = min(TILE, arm_one.shape[0] - start)
        at, end = 2 * start, 2 * (start + n)
        for row in range(2 * n):
            for k in range(2 * F):
                rows[row, k] = all_hidden[at + row, k]
        of_tile = d_angles[at:end]
        gate_backward(rows, norm, of_tile, message, 2 * n)
        _scatter(start, n, arm_one, arm_two, centre, rows, 0, d_per_arm, d_per_centre)
        product(rows, 0, from_angle_t, of_tile, F, of_tile, 0, 2 * n)


@kernel
def updates_tangent(
    arm_one, arm_two, centre, per_arm_t, per_centre_t, angles_t, from_angle, norm, all_hidden, all_hidden_t, updated_t
):
    """Write the tangent of the angles' new features; keep that of the rows before the gate."""
    work, moments = workspace()
    for start in range(0, arm_one.shape[0], DUAL_TILE):
        n = min(DUAL_TILE, arm_one.shape[0] - start)
        at = 2 * start
        hidden_t = all_hidden_t[at : at + 2 * n]
        angle_hidden(start, n, arm_one, arm_two, centre, per_arm_t, per_centre_t, angles_t, from_angle, hidden_t)
        load(all_hidden, at, 2 * n, work, MIXED)
        load(hidden_t, 0, 2 * n, work, MIXED_T)
        gate_tangent(work, norm, moments, 2 * n)
        for row in range(2 * n):
            for k in range(F):
                updated_t[at + row, k] = angles_t[at + row, k] + work[row, MESSAGE_T * F + k]


@kernel
def updates_dual_reverse(
    arm_one, arm_two, centre, angles, angles_t, norm, all_hidden, all_hidden_t, from_angle_t, d_updated,
    d_per_arm_t, d_per_centre_t, d_angles_t, d_norm, d_from_angle,
):  # fmt: skip
    """As `bonds_dual_reverse`; `d_updated` is the gradient to the updated angles, and `d_angles_t` turns to the old."""
    work, moments = workspace()
    for start in range(0, arm_one.shape[0], DUAL_TILE):
        n = min(DUAL_TILE, arm_one.shape[0] - start)
        at = 2 * start
        load(all_hidden, at, 2 * n, work, MIXED)
        load(all_hidden_t, at, 2 * n, work, MIXED_T)
        for row in range(2 * n):
            for k in range(F):
                work[row, D_MESSAGE * F + k] = d_updated[at + row, k]
            for k in range(F):
                work[row, D_MESSAGE_T * F + k] = d_angles_t[at + row, k]
        gate_reverse(work, norm, moments, d_norm, 2 * n)
        _scatter(start, n, arm_one, arm_two, centre, work, D_MIXED_T * F, d_per_arm_t, d_per_centre_t)
        _to_angles(start, n, work, D_MIXED, D_MIXED_T, angles, angles_t, from_angle_t, d_angles_t, d_from_angle)


@kernel
def _to_angles(start, n, work, slot, slot_t, angles, angles_t, from_angle_t, d_angles_t, d_from_angle):
    """Add to the tangent of the angles' gradient, and to the gradient of the matrix that they were multiplied with."""
    at, end = 2 * start, 2 * (start + n)
    of_tile = d_angles_t[at:end]
    product(work, slot_t * F, from_angle_t, of_tile, F, of_tile, 0, 2 * n)
    if d_from_angle.shape[0] > 0:
        add_outer(angles[at:end], 0, F, work, slot_t * F, 2 * F, d_from_angle, 2 * n)
        add_outer(angles_t[at:end], 0, F, work, slot * F, 2 * F, d_from_angle, 2 * n)


@kernel
def _scatter(start, n, arm_one, arm_two, centre, rows, column, d_per_arm, d_per_centre):
    """Add the gradient of the hidden rows to what they were made of."""
    flat, step = rows.reshape(rows.size), rows.shape[1]
    for t in range(n):
        one, two, c = arm_one[start + t], arm_two[start + t], centre[start + t]
        at = 2 * t * step + column
        forth, back = flat[at : at + 2 * F], flat[at + step : at + step + 2 * F]
        for k in range(2 * F):
            d_per_arm[one, k] += forth[k]
        for k in range(2 * F):
            d_per_arm[two, 2 * F + k] += forth[k]
        for k in range(2 * F):
            d_per_arm[two, k] += back[k]
        for k in range(2 * F):
            d_per_arm[one, 2 * F + k] += back[k]
        for k in range(2 * F):
            d_per_centre[c, k] += forth[k] + back[k]
