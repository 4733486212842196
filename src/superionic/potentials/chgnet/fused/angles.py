"""Bonds hear from their angles, and angles are updated: messages along angles, forward and backward.

A tile holds both directions of a few of them in neighbouring rows. Sums run in the order of the list, so they never
vary.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np

from superionic.potentials.chgnet.fused.compiling import kernel
from superionic.potentials.chgnet.fused.gates import TILE, F, gate, gate_backward, silu, silu_slope
from superionic.potentials.chgnet.fused.simd import NOTHING, product

__all__ = ["angle_updates", "angle_updates_backward", "bond_messages", "bond_messages_backward"]


@kernel
def bond_messages(
    arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, norm, bond_weights, all_mixed,
    second_layer, second_bias, gathered,
):  # fmt: skip
    """Add to `gathered` (n_bonds, 64) what every bond hears from its angles; keep the second layer's rows."""
    hidden = np.empty((2 * TILE, 2 * F), np.float32)
    message = np.empty((2 * TILE, F), np.float32)
    for start in range(0, arm_one.shape[0], TILE):
        n = min(TILE, arm_one.shape[0] - start)
        angle_hidden(start, n, arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, hidden)
        silu(hidden, 2 * n)
        mixed = all_mixed[2 * start : 2 * (start + n)]
        product(hidden, 0, second_layer[0], second_bias, 0, mixed, 0, 2 * n)
        product(hidden, F, second_layer[1], second_bias, 0, mixed, F, 2 * n)
        gate(mixed, norm, message, 2 * n)
        for t in range(n):
            one, two = arm_one[start + t], arm_two[start + t]
            for k in range(F):
                gathered[one, k] += message[2 * t, k] * bond_weights[one, k] * bond_weights[two, k]
            for k in range(F):
                gathered[two, k] += message[2 * t + 1, k] * bond_weights[one, k] * bond_weights[two, k]


@kernel
def bond_messages_backward(
    arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, norm, bond_weights, all_mixed,
    from_angle_t, second_layer_t, d_gathered, d_bond_weights, d_per_arm, d_per_centre, d_angles,
):  # fmt: skip
    """Add to the gradients of bond weights, per-arm and per-centre products and angles; spends the kept rows."""
    hidden = np.empty((2 * TILE, 2 * F), np.float32)
    slope = np.empty((2 * TILE, 2 * F), np.float32)
    message = np.empty((2 * TILE, F), np.float32)
    d_message = np.empty((2 * TILE, F), np.float32)
    for start in range(0, arm_one.shape[0], TILE):
        n = min(TILE, arm_one.shape[0] - start)
        angle_hidden(start, n, arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, hidden)
        silu_slope(hidden, slope, 2 * n)
        mixed = all_mixed[2 * start : 2 * (start + n)]
        for t in range(n):
            one, two = arm_one[start + t], arm_two[start + t]
            for k in range(F):
                weight = bond_weights[one, k] * bond_weights[two, k]
                d_message[2 * t, k] = d_gathered[one, k] * weight
                d_message[2 * t + 1, k] = d_gathered[two, k] * weight
        gate_backward(mixed, norm, d_message, message, 2 * n)
        product(mixed, 0, second_layer_t[0], NOTHING, 0, hidden, 0, 2 * n)
        product(mixed, F, second_layer_t[1], NOTHING, 0, hidden, F, 2 * n)
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
        for row in range(2 * n):
            for k in range(2 * F):
                hidden[row, k] *= slope[row, k]
        _angle_hidden_backward(
            start, n, arm_one, arm_two, centre, from_angle_t, hidden, d_per_arm, d_per_centre, d_angles
        )


@kernel
def angle_updates(
    arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, norm, updated,
):  # fmt: skip
    """Write the angles' new features to `updated` (2 n_angles, 64)."""
    hidden = np.empty((2 * TILE, 2 * F), np.float32)
    message = np.empty((2 * TILE, F), np.float32)
    for start in range(0, arm_one.shape[0], TILE):
        n = min(TILE, arm_one.shape[0] - start)
        angle_hidden(start, n, arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, hidden)
        gate(hidden, norm, message, 2 * n)
        for row in range(2 * n):
            for k in range(F):
                updated[2 * start + row, k] = angles[2 * start + row, k] + message[row, k]


@kernel
def angle_updates_backward(
    arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, norm,
    from_angle_t, d_per_arm, d_per_centre, d_angles,
):  # fmt: skip
    """Add to the gradients of per-arm and per-centre products, and turn `d_angles` from updated to old angles."""
    hidden = np.empty((2 * TILE, 2 * F), np.float32)
    message = np.empty((2 * TILE, F), np.float32)
    for start in range(0, arm_one.shape[0], TILE):
        n = min(TILE, arm_one.shape[0] - start)
        angle_hidden(start, n, arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, hidden)
        gate_backward(hidden, norm, d_angles[2 * start : 2 * (start + n)], message, 2 * n)
        _angle_hidden_backward(
            start, n, arm_one, arm_two, centre, from_angle_t, hidden, d_per_arm, d_per_centre, d_angles
        )


@kernel
def angle_hidden(start, n, arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, hidden):
    for t in range(n):
        one, two, at = arm_one[start + t], arm_two[start + t], centre[start + t]
        for k in range(2 * F):
            hidden[2 * t, k] = per_arm[one, k] + per_arm[two, 2 * F + k] + per_centre[at, k]
        for k in range(2 * F):
            hidden[2 * t + 1, k] = per_arm[two, k] + per_arm[one, 2 * F + k] + per_centre[at, k]
    product(angles[2 * start : 2 * (start + n)], 0, from_angle, hidden, 2 * F, hidden, 0, 2 * n)


@kernel
def _angle_hidden_backward(
    start, n, arm_one, arm_two, centre, from_angle_t, d_hidden, d_per_arm, d_per_centre, d_angles
):
    for t in range(n):
        one, two, at = arm_one[start + t], arm_two[start + t], centre[start + t]
        for k in range(2 * F):
            d_per_arm[one, k] += d_hidden[2 * t, k]
        for k in range(2 * F):
            d_per_arm[two, 2 * F + k] += d_hidden[2 * t, k]
        for k in range(2 * F):
            d_per_arm[two, k] += d_hidden[2 * t + 1, k]
        for k in range(2 * F):
            d_per_arm[one, 2 * F + k] += d_hidden[2 * t + 1, k]
        for k in range(2 * F):
            d_per_centre[at, k] += d_hidden[2 * t, k] + d_hidden[2 * t + 1, k]
    of_tile = d_angles[2 * start : 2 * (start + n)]
    product(d_hidden, 0, from_angle_t, of_tile, F, of_tile, 0, 2 * n)
