"""The inner loops of `network_fused`: small tiles that stay in cache, forward and backward.

Rows have 64 features of the core, then 64 of the gate. A tile holds both directions of a few pairs or angles, the
two directions in neighbouring rows. Sums over rows run in the order of the pairs and angles, so they never vary.
"""
# ruff: noqa: ANN001, ANN201, ANN202, PLR0917, D103
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import math

import numba as nb
import numpy as np

from superionic.potentials.simd import OPTIONS, exp, product, sin_cos

F = 64
TILE = 24
"""Pairs or angles at a time: 48 rows of 128 features are 24 KiB, a part of the first-level cache."""
ONE = np.float32(1.0)
LARGEST, LARGEST_OF_NORM = np.float32(80.0), np.float32(40.0)
"""Beyond these a sigmoid in float32 has nothing to say; exp and the product of two stay finite."""
PER_FEATURE, NORM_EPSILON = np.float32(1.0 / F), np.float32(1e-5)
COSINE_SCALE = np.float32(1.0 - 1e-6)
NOTHING = np.zeros((1, 4 * F), dtype=np.float32)


@nb.njit(**OPTIONS)
def radial_basis(distances, frequencies, cutoff, power, values, slopes):
    """Smooth spherical Bessel functions (Gasteiger et al., arXiv:2003.03123, eqs 7 and 8) and their derivatives."""
    norm = np.float32(math.sqrt(2.0 / cutoff))
    inverse = np.float32(1.0 / cutoff)
    a, b, c = -(power + 1) * (power + 2) / 2, power * (power + 2), -power * (power + 1) / 2
    for p in range(distances.shape[0]):
        r = distances[p]
        x = float(r) / cutoff
        high = x ** (power - 1)
        envelope = 1.0 + high * x * (a + x * (b + x * c))
        slope = high * (a * power + x * (b * (power + 1) + x * c * (power + 2))) / cutoff
        height = norm * np.float32(envelope / r)
        tilt = norm * np.float32((slope - envelope / r) / r)
        scaled = r * inverse
        for k in range(frequencies.shape[0]):
            sine, cosine = sin_cos(frequencies[k] * scaled)
            values[p, k] = height * sine
            slopes[p, k] = tilt * sine + height * cosine * frequencies[k] * inverse


@nb.njit(**OPTIONS)
def angular_basis(arm_one, arm_two, sign, directions, frequencies, angles, values):
    """Constant, sines and cosines of multiples of the angle, without CHGNet's 1/sqrt(pi)."""
    n = frequencies.shape[0]
    for t in range(arm_one.shape[0]):
        one, two = arm_one[t], arm_two[t]
        cosine = np.float32(0.0)
        for x in range(3):
            cosine += directions[one, x] * directions[two, x]
        angle = math.acos(cosine * sign[t] * COSINE_SCALE)
        angles[t] = angle
        values[t, 0] = np.float32(math.sqrt(0.5))
        for k in range(n):
            sine, cosine = sin_cos(frequencies[k] * angle)
            values[t, 1 + k] = sine
            values[t, 1 + n + k] = cosine


@nb.njit(**OPTIONS)
def angular_basis_backward(arm_one, arm_two, sign, directions, frequencies, angles, values, d_values, d_directions):
    n = frequencies.shape[0]
    for t in range(arm_one.shape[0]):
        one, two = arm_one[t], arm_two[t]
        d_angle = np.float32(0.0)
        for k in range(n):
            d_angle += frequencies[k] * (
                d_values[t, 1 + k] * values[t, 1 + n + k] - d_values[t, 1 + n + k] * values[t, 1 + k]
            )
        d_cosine = -d_angle / math.sin(angles[t]) * sign[t] * COSINE_SCALE
        for x in range(3):
            d_directions[one, x] += d_cosine * directions[two, x]
            d_directions[two, x] += d_cosine * directions[one, x]


@nb.njit(**OPTIONS)
def pair_messages(
    first, second, bond_of_pair, basis, per_atom, per_bond, from_basis, second_layer, second_bias, norm,
    pair_weights, gathered,
):  # fmt: skip
    """Add to `gathered` (n_atoms, 64) what every atom hears from its neighbours."""
    shared = np.empty((TILE, 2 * F), np.float32)
    hidden = np.empty((2 * TILE, 2 * F), np.float32)
    mixed = np.empty((2 * TILE, 2 * F), np.float32)
    message = np.empty((2 * TILE, F), np.float32)
    for start in range(0, first.shape[0], TILE):
        n = min(TILE, first.shape[0] - start)
        _pair_hidden(start, n, first, second, bond_of_pair, basis, per_atom, per_bond, from_basis, shared, hidden)
        _silu(hidden, 2 * n)
        product(hidden, 0, second_layer[0], second_bias, 0, mixed, 0, 2 * n)
        product(hidden, F, second_layer[1], second_bias, 0, mixed, F, 2 * n)
        _gate(mixed, norm, message, 2 * n)
        for t in range(n):
            i, j, p = first[start + t], second[start + t], start + t
            for k in range(F):
                gathered[i, k] += message[2 * t, k] * pair_weights[p, k]
            for k in range(F):
                gathered[j, k] += message[2 * t + 1, k] * pair_weights[p, k]


@nb.njit(**OPTIONS)
def pair_messages_backward(
    first, second, bond_of_pair, basis, per_atom, per_bond, from_basis, from_basis_t, second_layer, second_layer_t,
    second_bias, norm, pair_weights, d_gathered, d_pair_weights, d_basis, d_per_atom, d_per_bond,
):  # fmt: skip
    """Add to the gradients of pair weights, radial basis, per-atom and per-bond products."""
    shared = np.empty((TILE, 2 * F), np.float32)
    hidden = np.empty((2 * TILE, 2 * F), np.float32)
    slope = np.empty((2 * TILE, 2 * F), np.float32)
    mixed = np.empty((2 * TILE, 2 * F), np.float32)
    message = np.empty((2 * TILE, F), np.float32)
    d_message = np.empty((2 * TILE, F), np.float32)
    for start in range(0, first.shape[0], TILE):
        n = min(TILE, first.shape[0] - start)
        _pair_hidden(start, n, first, second, bond_of_pair, basis, per_atom, per_bond, from_basis, shared, hidden)
        _silu_and_slope(hidden, slope, 2 * n)
        product(hidden, 0, second_layer[0], second_bias, 0, mixed, 0, 2 * n)
        product(hidden, F, second_layer[1], second_bias, 0, mixed, F, 2 * n)
        for t in range(n):
            i, j, p = first[start + t], second[start + t], start + t
            for k in range(F):
                d_message[2 * t, k] = d_gathered[i, k] * pair_weights[p, k]
            for k in range(F):
                d_message[2 * t + 1, k] = d_gathered[j, k] * pair_weights[p, k]
        _gate_backward(mixed, norm, d_message, message, 2 * n)
        product(mixed, 0, second_layer_t[0], NOTHING, 0, hidden, 0, 2 * n)
        product(mixed, F, second_layer_t[1], NOTHING, 0, hidden, F, 2 * n)
        for t in range(n):
            i, j, p = first[start + t], second[start + t], start + t
            for k in range(F):
                d_pair_weights[p, k] += (
                    d_gathered[i, k] * message[2 * t, k] + d_gathered[j, k] * message[2 * t + 1, k]
                )
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


@nb.njit(**OPTIONS)
def _pair_hidden(start, n, first, second, bond_of_pair, basis, per_atom, per_bond, from_basis, shared, hidden):
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


@nb.njit(**OPTIONS)
def bond_messages(
    arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, second_layer, second_bias, norm, bond_weights,
    gathered,
):  # fmt: skip
    """Add to `gathered` (n_bonds, 64) what every bond hears from the angles it is an arm of."""
    hidden = np.empty((2 * TILE, 2 * F), np.float32)
    mixed = np.empty((2 * TILE, 2 * F), np.float32)
    message = np.empty((2 * TILE, F), np.float32)
    for start in range(0, arm_one.shape[0], TILE):
        n = min(TILE, arm_one.shape[0] - start)
        _angle_hidden(start, n, arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, hidden)
        _silu(hidden, 2 * n)
        product(hidden, 0, second_layer[0], second_bias, 0, mixed, 0, 2 * n)
        product(hidden, F, second_layer[1], second_bias, 0, mixed, F, 2 * n)
        _gate(mixed, norm, message, 2 * n)
        for t in range(n):
            one, two = arm_one[start + t], arm_two[start + t]
            for k in range(F):
                gathered[one, k] += message[2 * t, k] * bond_weights[one, k] * bond_weights[two, k]
            for k in range(F):
                gathered[two, k] += message[2 * t + 1, k] * bond_weights[one, k] * bond_weights[two, k]


@nb.njit(**OPTIONS)
def bond_messages_backward(
    arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, from_angle_t, second_layer, second_layer_t,
    second_bias, norm, bond_weights, d_gathered, d_bond_weights, d_per_arm, d_per_centre, d_angles,
):  # fmt: skip
    """Add to the gradients of bond weights, per-arm and per-centre products and angles."""
    hidden = np.empty((2 * TILE, 2 * F), np.float32)
    slope = np.empty((2 * TILE, 2 * F), np.float32)
    mixed = np.empty((2 * TILE, 2 * F), np.float32)
    message = np.empty((2 * TILE, F), np.float32)
    d_message = np.empty((2 * TILE, F), np.float32)
    for start in range(0, arm_one.shape[0], TILE):
        n = min(TILE, arm_one.shape[0] - start)
        _angle_hidden(start, n, arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, hidden)
        _silu_and_slope(hidden, slope, 2 * n)
        product(hidden, 0, second_layer[0], second_bias, 0, mixed, 0, 2 * n)
        product(hidden, F, second_layer[1], second_bias, 0, mixed, F, 2 * n)
        for t in range(n):
            one, two = arm_one[start + t], arm_two[start + t]
            for k in range(F):
                weight = bond_weights[one, k] * bond_weights[two, k]
                d_message[2 * t, k] = d_gathered[one, k] * weight
                d_message[2 * t + 1, k] = d_gathered[two, k] * weight
        _gate_backward(mixed, norm, d_message, message, 2 * n)
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


@nb.njit(**OPTIONS)
def angle_updates(
    arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, norm, updated
):
    """Write the angles' new features to `updated` (2 n_angles, 64)."""
    hidden = np.empty((2 * TILE, 2 * F), np.float32)
    message = np.empty((2 * TILE, F), np.float32)
    for start in range(0, arm_one.shape[0], TILE):
        n = min(TILE, arm_one.shape[0] - start)
        _angle_hidden(start, n, arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, hidden)
        _gate(hidden, norm, message, 2 * n)
        for row in range(2 * n):
            for k in range(F):
                updated[2 * start + row, k] = angles[2 * start + row, k] + message[row, k]


@nb.njit(**OPTIONS)
def angle_updates_backward(
    arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, from_angle_t, norm, d_per_arm, d_per_centre,
    d_angles,
):  # fmt: skip
    """Add to the gradients of per-arm and per-centre products, and turn `d_angles` from updated to old angles."""
    hidden = np.empty((2 * TILE, 2 * F), np.float32)
    message = np.empty((2 * TILE, F), np.float32)
    for start in range(0, arm_one.shape[0], TILE):
        n = min(TILE, arm_one.shape[0] - start)
        _angle_hidden(start, n, arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, hidden)
        _gate_backward(hidden, norm, d_angles[2 * start : 2 * (start + n)], message, 2 * n)
        _angle_hidden_backward(
            start, n, arm_one, arm_two, centre, from_angle_t, hidden, d_per_arm, d_per_centre, d_angles
        )


@nb.njit(**OPTIONS)
def _angle_hidden(start, n, arm_one, arm_two, centre, per_arm, per_centre, angles, from_angle, hidden):
    for t in range(n):
        one, two, at = arm_one[start + t], arm_two[start + t], centre[start + t]
        for k in range(2 * F):
            hidden[2 * t, k] = per_arm[one, k] + per_arm[two, 2 * F + k] + per_centre[at, k]
        for k in range(2 * F):
            hidden[2 * t + 1, k] = per_arm[two, k] + per_arm[one, 2 * F + k] + per_centre[at, k]
    product(angles[2 * start : 2 * (start + n)], 0, from_angle, hidden, 2 * F, hidden, 0, 2 * n)


@nb.njit(**OPTIONS)
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


@nb.njit(**OPTIONS)
def _silu(rows, n_rows):
    flat = rows.reshape(rows.size)
    for k in range(n_rows * rows.shape[1]):
        x = flat[k]
        flat[k] = x / (ONE + exp(-_bounded(x, LARGEST)))


@nb.njit(**OPTIONS)
def _silu_and_slope(rows, slope, n_rows):
    flat, flat_slope = rows.reshape(rows.size), slope.reshape(slope.size)
    for k in range(n_rows * rows.shape[1]):
        x = flat[k]
        s = ONE / (ONE + exp(-_bounded(x, LARGEST)))
        flat[k] = x * s
        flat_slope[k] = s + x * s * (ONE - s)


@nb.njit(**OPTIONS)
def _gate(rows, norm, message, n_rows):
    """silu(layer norm of the core) * sigmoid(layer norm of the gate)."""
    for row in range(n_rows):
        core_mean, core_scale, gate_mean, gate_scale = _moments(rows, row)
        for k in range(F):
            x = (rows[row, k] - core_mean) * core_scale * norm[0, k] + norm[1, k]
            z = (rows[row, F + k] - gate_mean) * gate_scale * norm[2, k] + norm[3, k]
            ex = ONE + exp(-_bounded(x, LARGEST_OF_NORM))
            ez = ONE + exp(-_bounded(z, LARGEST_OF_NORM))
            message[row, k] = x / (ex * ez)


@nb.njit(**OPTIONS)
def _gate_backward(rows, norm, d_message, message, n_rows):
    """Recompute the message and replace the rows by their gradient."""
    d_core, d_gate = np.empty(F, np.float32), np.empty(F, np.float32)
    for row in range(n_rows):
        core_mean, core_scale, gate_mean, gate_scale = _moments(rows, row)
        sum_c, sum_cc, sum_g, sum_gg = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for k in range(F):
            core = (rows[row, k] - core_mean) * core_scale
            gate = (rows[row, F + k] - gate_mean) * gate_scale
            x, z = core * norm[0, k] + norm[1, k], gate * norm[2, k] + norm[3, k]
            ex = ONE + exp(-_bounded(x, LARGEST_OF_NORM))
            ez = ONE + exp(-_bounded(z, LARGEST_OF_NORM))
            both = ONE / (ex * ez)
            sx, sz = both * ez, both * ex
            activated = x * sx
            message[row, k] = activated * sz
            dc = d_message[row, k] * sz * (sx + activated * (ONE - sx)) * norm[0, k]
            dg = d_message[row, k] * activated * sz * (ONE - sz) * norm[2, k]
            d_core[k] = dc
            d_gate[k] = dg
            sum_c += dc
            sum_cc += dc * core
            sum_g += dg
            sum_gg += dg * gate
        sum_c, sum_cc, sum_g, sum_gg = (
            sum_c * PER_FEATURE, sum_cc * PER_FEATURE, sum_g * PER_FEATURE, sum_gg * PER_FEATURE,
        )  # fmt: skip
        for k in range(F):
            core = (rows[row, k] - core_mean) * core_scale
            rows[row, k] = (d_core[k] - sum_c - core * sum_cc) * core_scale
        for k in range(F):
            gate = (rows[row, F + k] - gate_mean) * gate_scale
            rows[row, F + k] = (d_gate[k] - sum_g - gate * sum_gg) * gate_scale


@nb.njit(**OPTIONS)
def _bounded(x, limit):
    x = x if x < limit else limit
    return x if x > -limit else -limit


@nb.njit(**OPTIONS)
def _moments(rows, row):
    """Mean and inverse standard deviation of the core's and of the gate's half of a row."""
    core_mean, gate_mean = np.float32(0), np.float32(0)
    for k in range(F):
        core_mean += rows[row, k]
        gate_mean += rows[row, F + k]
    core_mean *= PER_FEATURE
    gate_mean *= PER_FEATURE
    core_spread, gate_spread = np.float32(0), np.float32(0)
    for k in range(F):
        core, gate = rows[row, k] - core_mean, rows[row, F + k] - gate_mean
        core_spread += core * core
        gate_spread += gate * gate
    core_scale = ONE / math.sqrt(core_spread * PER_FEATURE + NORM_EPSILON)
    gate_scale = ONE / math.sqrt(gate_spread * PER_FEATURE + NORM_EPSILON)
    return core_mean, core_scale, gate_mean, gate_scale


@nb.njit(**OPTIONS)
def multiply(a, b, start, start_step, c):
    """c = start + a b; see `simd.product`."""
    product(a, 0, b, start, start_step, c, 0, a.shape[0])
