"""Activations of a tile: rows of 64 features of the core, then 64 of the gate.

Each step runs over all rows before the next begins, so that the rows' chains of dependent steps overlap.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from superionic.potentials.chgnet.fused.compiling import kernel
from superionic.potentials.chgnet.fused.simd import exp, fma, inner, total

__all__ = ["TILE", "F", "bounded", "gate", "gate_backward", "silu", "silu_and_slope", "silu_slope"]

F = 64
"""Features of an atom, bond or angle."""
TILE = 24
"""Pairs or angles at a time: 48 rows of 128 features are 24 KiB, a part of the first-level cache."""
ZERO, ONE = np.float32(0.0), np.float32(1.0)
LARGEST, LARGEST_OF_NORM = np.float32(80.0), np.float32(40.0)
"""Beyond these a sigmoid in float32 has nothing to say; exp and the product of two stay finite."""
PER_FEATURE, NORM_EPSILON = np.float32(1.0 / F), np.float32(1e-5)


@kernel
def silu(rows, n_rows):
    """Apply x sigmoid(x) in place."""
    flat = rows.reshape(rows.size)
    for k in range(n_rows * rows.shape[1]):
        x = flat[k]
        flat[k] = x / (ONE + exp(-bounded(x, LARGEST)))


@kernel
def silu_and_slope(rows, slope, n_rows):
    """Apply x sigmoid(x) in place and give its derivative."""
    flat, flat_slope = rows.reshape(rows.size), slope.reshape(slope.size)
    for k in range(n_rows * rows.shape[1]):
        x = flat[k]
        s = ONE / (ONE + exp(-bounded(x, LARGEST)))
        flat[k] = x * s
        flat_slope[k] = fma(x * s, ONE - s, s)


@kernel
def silu_slope(rows, slope, n_rows):
    """Derivative of silu at the rows."""
    flat, flat_slope = rows.reshape(rows.size), slope.reshape(slope.size)
    for k in range(n_rows * rows.shape[1]):
        x = flat[k]
        s = ONE / (ONE + exp(-bounded(x, LARGEST)))
        flat_slope[k] = fma(x * s, ONE - s, s)


@kernel
def gate(rows, norm, message, n_rows):
    """silu(layer norm of the core) * sigmoid(layer norm of the gate)."""
    moments = np.empty((2 * TILE, 4), np.float32)
    _moments(rows, moments, n_rows)
    for row in range(n_rows):
        core_mean, core_scale = moments[row, 0], moments[row, 1]
        gate_mean, gate_scale = moments[row, 2], moments[row, 3]
        for k in range(F):
            x = fma((rows[row, k] - core_mean) * core_scale, norm[0, k], norm[1, k])
            z = fma((rows[row, F + k] - gate_mean) * gate_scale, norm[2, k], norm[3, k])
            ex = ONE + exp(-bounded(x, LARGEST_OF_NORM))
            ez = ONE + exp(-bounded(z, LARGEST_OF_NORM))
            message[row, k] = x / (ex * ez)


@kernel
def gate_backward(rows, norm, d_message, message, n_rows):
    """Recompute the message and replace the rows by their gradient."""
    moments, sums = np.empty((2 * TILE, 4), np.float32), np.empty((2 * TILE, 4), np.float32)
    d_rows = np.empty((2 * TILE, 2 * F), np.float32)
    _moments(rows, moments, n_rows)
    for row in range(n_rows):
        core_mean, core_scale = moments[row, 0], moments[row, 1]
        gate_mean, gate_scale = moments[row, 2], moments[row, 3]
        for k in range(F):
            core = (rows[row, k] - core_mean) * core_scale
            gate = (rows[row, F + k] - gate_mean) * gate_scale
            rows[row, k] = core
            rows[row, F + k] = gate
            x, z = fma(core, norm[0, k], norm[1, k]), fma(gate, norm[2, k], norm[3, k])
            ex = ONE + exp(-bounded(x, LARGEST_OF_NORM))
            ez = ONE + exp(-bounded(z, LARGEST_OF_NORM))
            both = ONE / (ex * ez)
            sx, sz = both * ez, both * ex
            activated = x * sx
            out = activated * sz
            message[row, k] = out
            d = d_message[row, k]
            d_rows[row, k] = d * sz * fma(activated, ONE - sx, sx) * norm[0, k]
            d_rows[row, F + k] = d * out * (ONE - sz) * norm[2, k]
    for row in range(n_rows):
        core, gated = row * 2 * F, row * 2 * F + F
        sums[row, 0] = total(d_rows, core) * PER_FEATURE
        sums[row, 1] = inner(d_rows, core, ZERO, rows, core, ZERO) * PER_FEATURE
        sums[row, 2] = total(d_rows, gated) * PER_FEATURE
        sums[row, 3] = inner(d_rows, gated, ZERO, rows, gated, ZERO) * PER_FEATURE
    for row in range(n_rows):
        sum_c, sum_cc, sum_g, sum_gg = sums[row, 0], sums[row, 1], sums[row, 2], sums[row, 3]
        core_scale, gate_scale = moments[row, 1], moments[row, 3]
        for k in range(F):
            rows[row, k] = fma(-rows[row, k], sum_cc, d_rows[row, k] - sum_c) * core_scale
        for k in range(F):
            rows[row, F + k] = fma(-rows[row, F + k], sum_gg, d_rows[row, F + k] - sum_g) * gate_scale


@kernel
def bounded(x, limit):
    """Bring x into -limit ... limit."""
    x = min(limit, x)  # noqa: FURB136: as one instruction
    return x if x > -limit else -limit  # noqa: FURB136


@kernel
def _moments(rows, moments, n_rows):
    """Mean and inverse standard deviation of the core's and of the gate's half of every row."""
    for row in range(n_rows):
        moments[row, 0] = total(rows, row * 2 * F) * PER_FEATURE
        moments[row, 2] = total(rows, row * 2 * F + F) * PER_FEATURE
    for row in range(n_rows):
        for half in range(2):
            at, mean = (2 * row + half) * F, moments[row, 2 * half]
            spread = inner(rows, at, mean, rows, at, mean) * PER_FEATURE
            moments[row, 2 * half + 1] = ONE / math.sqrt(spread + NORM_EPSILON)
