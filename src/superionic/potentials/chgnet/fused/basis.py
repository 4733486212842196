"""Radial and angular basis functions and their derivatives."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from superionic.potentials.chgnet.fused.compiling import kernel
from superionic.potentials.chgnet.fused.simd import sin_cos

__all__ = ["angular_basis", "angular_basis_backward", "radial_basis"]

COSINE_SCALE = 1.0 - 1e-6
"""CHGNet's own guard of acos near 0 and 180 degrees."""


@kernel
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


@kernel
def angular_basis(arm_one, arm_two, sign, directions, frequencies, angles, values):
    """Angles, and constant, sines and cosines of multiples of them, without CHGNet's 1/sqrt(pi)."""
    n = frequencies.shape[0]
    for t in range(arm_one.shape[0]):
        one, two = arm_one[t], arm_two[t]
        cosine = 0.0
        for x in range(3):
            cosine += directions[one, x] * directions[two, x]
        angles[t] = math.acos(cosine * sign[t] * COSINE_SCALE)
        angle = np.float32(angles[t])
        values[t, 0] = np.float32(math.sqrt(0.5))
        for k in range(n):
            sine, cosine = sin_cos(frequencies[k] * angle)
            values[t, 1 + k] = sine
            values[t, 1 + n + k] = cosine


@kernel
def angular_basis_backward(arm_one, arm_two, sign, directions, frequencies, angles, values, d_values, d_directions):
    """Add to `d_directions` (n_bonds, 3) what the angular basis' gradient says of them."""
    n = frequencies.shape[0]
    for t in range(arm_one.shape[0]):
        one, two = arm_one[t], arm_two[t]
        d_angle = 0.0
        for k in range(n):
            d_angle += frequencies[k] * (
                d_values[t, 1 + k] * values[t, 1 + n + k] - d_values[t, 1 + n + k] * values[t, 1 + k]
            )
        d_cosine = -d_angle / math.sin(angles[t]) * sign[t] * COSINE_SCALE
        for x in range(3):
            d_directions[one, x] += d_cosine * directions[two, x]
            d_directions[two, x] += d_cosine * directions[one, x]
