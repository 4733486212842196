"""Activations of a tile in dual numbers, and the gradient of their layer norms.

A tile's rows stand in one workspace whose row holds everything of a pair's or an angle's one direction: see the names
below, each a place in units of 64 features; those ending in _T are tangents, x' of x + eps x'. Each step runs over all
rows before the next begins, as in `fused.gates`.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from superionic.potentials.chgnet.dual.products import add_outer
from superionic.potentials.chgnet.fused.compiling import kernel
from superionic.potentials.chgnet.fused.gates import (
    LARGEST,
    LARGEST_OF_NORM,
    NORM_EPSILON,
    ONE,
    PER_FEATURE,
    ZERO,
    F,
    bounded,
)
from superionic.potentials.chgnet.fused.simd import exp, fma, inner, product, total

__all__ = [
    "gate_reverse",
    "gate_tangent",
    "load",
    "load_layer",
    "second_layer_reverse",
    "silu_tangent",
    "slope_times",
    "workspace",
]

TILE = 12
"""Pairs or angles at a time: 24 rows of the workspace are 124 KiB, a part of the second-level cache."""
MIXED, MIXED_T = 0, 2  # before the gate, core | gate; then normalised; then, in reverse, activations of the first layer
D_MESSAGE, D_MESSAGE_T = 4, 5
D_MIXED, D_MIXED_T = 6, 8
MESSAGE, MESSAGE_T = 10, 11
HIDDEN, HIDDEN_T = 12, 14  # of the first layer, before its activation, core | gate
D_HIDDEN, D_HIDDEN_T = 16, 18  # to the activations; then to what is before them
WIDTH = 20 * F + 16  # rows are 81 cache lines apart: no two of a tile fall into the same sets
TWO = np.float32(2.0)
_NO_START = np.zeros((1, WIDTH), np.float32)


@kernel
def workspace():
    """Rows of a tile, and the moments of their layer norms."""
    return np.empty((2 * TILE, WIDTH), np.float32), np.empty((2 * TILE, 12), np.float32)


@kernel
def load(source, first_row, n_rows, work, slot):
    """Copy rows of 128 features of a matrix to a place of the workspace."""
    flat = work.reshape(work.size)  # work[row, column + k] does not vectorise unless the column is a constant
    for row in range(n_rows):
        to, of = flat[row * WIDTH + slot * F : row * WIDTH + slot * F + 2 * F], source[first_row + row]
        for k in range(2 * F):
            to[k] = of[k]


@kernel
def load_layer(work, first_row, n_rows, mixed, mixed_t, hidden, hidden_t, d_activated):
    """All that the reverse pass of a gated MLP reads of its forward passes."""
    load(mixed, first_row, n_rows, work, MIXED)
    load(mixed_t, first_row, n_rows, work, MIXED_T)
    load(hidden, first_row, n_rows, work, HIDDEN)
    load(hidden_t, first_row, n_rows, work, HIDDEN_T)
    load(d_activated, first_row, n_rows, work, D_HIDDEN)


@kernel
def _normalise(work, moments, n_rows):
    """Layer norm of MIXED and its tangent, in place, before scale and shift.

    `moments` takes, for the core and for the gate: inverse standard deviation, and mean of normal times tangent.
    """
    for row in range(n_rows):
        for half in range(2):
            at = row * WIDTH + half * F
            mean = total(work, at) * PER_FEATURE
            spread = inner(work, at, mean, work, at, mean) * PER_FEATURE
            moments[row, 2 * half] = ONE / math.sqrt(spread + NORM_EPSILON)
            moments[row, 4 + half] = mean
            moments[row, 6 + half] = total(work, at + MIXED_T * F) * PER_FEATURE
    for row in range(n_rows):
        core_scale, core_mean, core_mean_t = moments[row, 0], moments[row, 4], moments[row, 6]
        gate_scale, gate_mean, gate_mean_t = moments[row, 2], moments[row, 5], moments[row, 7]
        for k in range(F):
            work[row, MIXED * F + k] = (work[row, MIXED * F + k] - core_mean) * core_scale
            work[row, (MIXED + 1) * F + k] = (work[row, (MIXED + 1) * F + k] - gate_mean) * gate_scale
            work[row, MIXED_T * F + k] = (work[row, MIXED_T * F + k] - core_mean_t) * core_scale
            work[row, (MIXED_T + 1) * F + k] = (work[row, (MIXED_T + 1) * F + k] - gate_mean_t) * gate_scale
    for row in range(n_rows):
        for half in range(2):
            at = row * WIDTH + half * F
            moments[row, 2 * half + 1] = inner(work, at, ZERO, work, at + MIXED_T * F, ZERO) * PER_FEATURE
    for row in range(n_rows):
        core_along, gate_along = moments[row, 1], moments[row, 3]
        for k in range(F):
            work[row, MIXED_T * F + k] = fma(-work[row, MIXED * F + k], core_along, work[row, MIXED_T * F + k])
            work[row, (MIXED_T + 1) * F + k] = fma(
                -work[row, (MIXED + 1) * F + k], gate_along, work[row, (MIXED_T + 1) * F + k]
            )


@kernel
def gate_tangent(work, norm, moments, n_rows):
    """MESSAGE and its tangent from MIXED and its tangent: silu(norm of the core) * sigmoid(norm of the gate)."""
    _normalise(work, moments, n_rows)
    for row in range(n_rows):
        for k in range(F):
            x = fma(work[row, k], norm[0, k], norm[1, k])
            z = fma(work[row, F + k], norm[2, k], norm[3, k])
            x_t, z_t = work[row, 2 * F + k] * norm[0, k], work[row, 3 * F + k] * norm[2, k]
            ex = ONE + exp(-bounded(x, LARGEST_OF_NORM))
            ez = ONE + exp(-bounded(z, LARGEST_OF_NORM))
            both = ONE / (ex * ez)
            sx, sz = both * ez, both * ex
            u = x * sx
            slope = fma(u, ONE - sx, sx)
            work[row, MESSAGE * F + k] = u * sz
            work[row, MESSAGE_T * F + k] = sz * (slope * x_t + u * (ONE - sz) * z_t)


@kernel
def gate_reverse(work, norm, moments, d_norm, n_rows):
    """From MIXED, D_MESSAGE and their tangents: MESSAGE, D_MIXED and their tangents; add to the norm's gradient."""
    _normalise(work, moments, n_rows)
    for row in range(n_rows):
        for k in range(F):
            x = fma(work[row, k], norm[0, k], norm[1, k])
            z = fma(work[row, F + k], norm[2, k], norm[3, k])
            x_t, z_t = work[row, 2 * F + k] * norm[0, k], work[row, 3 * F + k] * norm[2, k]
            ex = ONE + exp(-bounded(x, LARGEST_OF_NORM))
            ez = ONE + exp(-bounded(z, LARGEST_OF_NORM))
            both = ONE / (ex * ez)
            sx, sz = both * ez, both * ex
            rx, rz = ONE - sx, ONE - sz
            u = x * sx
            slope = fma(u, rx, sx)  # of silu, and its own slope
            curve = sx * rx * (TWO + x * (rx - sx))
            gate_slope = sz * rz
            gate_curve = gate_slope * (rz - sz)
            d, d_t = work[row, D_MESSAGE * F + k], work[row, D_MESSAGE_T * F + k]
            work[row, MESSAGE * F + k] = u * sz
            work[row, MESSAGE_T * F + k] = slope * x_t * sz + u * gate_slope * z_t
            work[row, D_MIXED * F + k] = d * sz * slope
            work[row, (D_MIXED + 1) * F + k] = d * u * gate_slope
            work[row, D_MIXED_T * F + k] = d_t * sz * slope + d * (gate_slope * z_t * slope + sz * curve * x_t)
            work[row, (D_MIXED_T + 1) * F + k] = d_t * u * gate_slope + d * (
                slope * x_t * gate_slope + u * gate_curve * z_t
            )
    if d_norm.shape[0] > 0:
        _norm_gradient(work, d_norm, n_rows)
    _norm_reverse(work, norm, moments, n_rows)


@kernel
def _norm_gradient(work, d_norm, n_rows):
    """Add to the gradient of scale and shift of the core, scale and shift of the gate."""
    for row in range(n_rows):
        for k in range(F):
            d_norm[0, k] += work[row, 8 * F + k] * work[row, k] + work[row, 6 * F + k] * work[row, 2 * F + k]
        for k in range(F):
            d_norm[1, k] += work[row, 8 * F + k]
        for k in range(F):
            d_norm[2, k] += work[row, 9 * F + k] * work[row, F + k] + work[row, 7 * F + k] * work[row, 3 * F + k]
        for k in range(F):
            d_norm[3, k] += work[row, 9 * F + k]


@kernel
def _norm_reverse(work, norm, moments, n_rows):
    """D_MIXED and its tangent from behind the layer norms to before them."""
    for row in range(n_rows):
        for k in range(F):
            work[row, D_MIXED * F + k] *= norm[0, k]
            work[row, (D_MIXED + 1) * F + k] *= norm[2, k]
            work[row, D_MIXED_T * F + k] *= norm[0, k]
            work[row, (D_MIXED_T + 1) * F + k] *= norm[2, k]
    for row in range(n_rows):
        for half in range(2):
            normal, d = row * WIDTH + half * F, row * WIDTH + (D_MIXED + half) * F
            normal_t, d_t = normal + MIXED_T * F, d + (D_MIXED_T - D_MIXED) * F
            across = inner(work, normal_t, ZERO, work, d, ZERO) + inner(work, normal, ZERO, work, d_t, ZERO)
            moments[row, 4 + half] = total(work, d) * PER_FEATURE
            moments[row, 6 + half] = inner(work, normal, ZERO, work, d, ZERO) * PER_FEATURE
            moments[row, 8 + half] = total(work, d_t) * PER_FEATURE
            moments[row, 10 + half] = across * PER_FEATURE
    for row in range(n_rows):
        for half in range(2):
            scale, along = moments[row, 2 * half], moments[row, 2 * half + 1]
            mean, share = moments[row, 4 + half], moments[row, 6 + half]
            mean_t, share_t = moments[row, 8 + half], moments[row, 10 + half]
            at = half * F
            for k in range(F):
                d = work[row, at + 6 * F + k] - mean - work[row, at + k] * share
                d_t = (
                    work[row, at + 8 * F + k] - mean_t - work[row, at + 2 * F + k] * share - work[row, at + k] * share_t
                )
                work[row, at + 6 * F + k] = scale * d
                work[row, at + 8 * F + k] = scale * (d_t - along * d)


@kernel
def silu_tangent(work, n_rows):
    """Tangent of the first layer's activation, to MIXED_T, from HIDDEN and its tangent."""
    for row in range(n_rows):
        for k in range(2 * F):
            x = work[row, HIDDEN * F + k]
            s = ONE / (ONE + exp(-bounded(x, LARGEST)))
            work[row, MIXED_T * F + k] = fma(x * s, ONE - s, s) * work[row, HIDDEN_T * F + k]


@kernel
def _silu_reverse(work, n_rows):
    """D_HIDDEN and its tangent through the activation, which goes with its tangent to MIXED."""
    for row in range(n_rows):
        for k in range(2 * F):
            x, x_t = work[row, HIDDEN * F + k], work[row, HIDDEN_T * F + k]
            d, d_t = work[row, D_HIDDEN * F + k], work[row, D_HIDDEN_T * F + k]
            s = ONE / (ONE + exp(-bounded(x, LARGEST)))
            r = ONE - s
            activated = x * s
            slope = fma(activated, r, s)
            curve = s * r * (TWO + x * (r - s))
            work[row, MIXED * F + k] = activated
            work[row, MIXED_T * F + k] = slope * x_t
            work[row, D_HIDDEN * F + k] = d * slope
            work[row, D_HIDDEN_T * F + k] = d_t * slope + d * curve * x_t


@kernel
def second_layer_reverse(work, n_rows, norm, moments, second_t, d_norm, d_second, d_second_bias):
    """A gated MLP's reverse pass from D_MESSAGE to D_HIDDEN (given to the activations), and its weights' gradients.

    Gradients that are not wanted are empty.
    """
    gate_reverse(work, norm, moments, d_norm, n_rows)
    product(work, D_MIXED_T * F, second_t[0], _NO_START, 0, work, D_HIDDEN_T * F, n_rows)
    product(work, (D_MIXED_T + 1) * F, second_t[1], _NO_START, 0, work, (D_HIDDEN_T + 1) * F, n_rows)
    _silu_reverse(work, n_rows)
    if d_second.shape[0] > 0:
        for half in range(2):
            add_outer(work, (MIXED + half) * F, F, work, (D_MIXED_T + half) * F, F, d_second[half], n_rows)
            add_outer(work, (MIXED_T + half) * F, F, work, (D_MIXED + half) * F, F, d_second[half], n_rows)
        for row in range(n_rows):
            for k in range(2 * F):
                d_second_bias[k] += work[row, D_MIXED_T * F + k]


@kernel
def slope_times(hidden, d_activated, out, n_rows):
    """Gradient before the first layer's activation from that behind it."""
    for row in range(n_rows):
        for k in range(2 * F):
            x = hidden[row, k]
            s = ONE / (ONE + exp(-bounded(x, LARGEST)))
            out[row, k] = fma(x * s, ONE - s, s) * d_activated[row, k]
