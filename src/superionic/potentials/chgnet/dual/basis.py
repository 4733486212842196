"""Tangents of distances, angles and basis functions, and gradients to the basis functions' frequencies."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from superionic.potentials.chgnet.fused.basis import COSINE_SCALE
from superionic.potentials.chgnet.fused.compiling import kernel
from superionic.potentials.chgnet.fused.simd import sin_cos

__all__ = [
    "add_angular_frequencies",
    "add_radial_frequencies",
    "angular_tangent",
    "geometry_tangent",
    "radial_tangent",
]


@kernel
def geometry_tangent(vectors, distances, vectors_t, bonds, arm_one, arm_two, sign, angles, distances_t, angles_t):
    """Tangents of distances and of the angles between bonds, from those of the pair vectors."""
    for p in range(distances.shape[0]):
        along = 0.0
        for x in range(3):
            along += vectors[p, x] * vectors_t[p, x]
        distances_t[p] = along / distances[p]
    for t in range(arm_one.shape[0]):
        a, b = bonds[arm_one[t]], bonds[arm_two[t]]
        cosine_t = 0.0
        for x in range(3):
            of_a, of_b = vectors[a, x] / distances[a], vectors[b, x] / distances[b]
            of_a_t = (vectors_t[a, x] - of_a * distances_t[a]) / distances[a]
            of_b_t = (vectors_t[b, x] - of_b * distances_t[b]) / distances[b]
            cosine_t += of_a_t * of_b + of_a * of_b_t
        angles_t[t] = -cosine_t * sign[t] * COSINE_SCALE / math.sin(angles[t])


@kernel
def radial_tangent(slopes, distances_t, basis_t):
    """Tangent of a radial basis."""
    for p in range(slopes.shape[0]):
        moved = np.float32(distances_t[p])
        for k in range(slopes.shape[1]):
            basis_t[p, k] = slopes[p, k] * moved


@kernel
def angular_tangent(angles_t, frequencies, angular, angular_t):
    """Tangent of the angular basis."""
    n = frequencies.shape[0]
    for t in range(angles_t.shape[0]):
        moved = np.float32(angles_t[t])
        for k in range(n):
            angular_t[t, 1 + k] = angular[t, 1 + n + k] * frequencies[k] * moved
            angular_t[t, 1 + n + k] = -angular[t, 1 + k] * frequencies[k] * moved


@kernel
def add_radial_frequencies(distances, distances_t, frequencies, cutoff, power, d_basis, d_basis_t, d_frequencies):
    """Add to the gradient of a radial basis' frequencies, in float64; formulae as `fused.basis.radial_basis`."""
    norm = math.sqrt(2.0 / cutoff)
    inverse = np.float32(1.0 / cutoff)
    a, b, c = -(power + 1) * (power + 2) / 2, power * (power + 2), -power * (power + 1) / 2
    for p in range(distances.shape[0]):
        r = distances[p]
        x = r / cutoff
        high = x ** (power - 1)
        envelope = 1.0 + high * x * (a + x * (b + x * c))
        slope = high * (a * power + x * (b * (power + 1) + x * c * (power + 2))) / cutoff
        height = np.float32(norm * envelope / r)
        tilt = np.float32(norm * (slope - envelope / r) / r)
        scaled, moved = np.float32(x), np.float32(distances_t[p])
        for k in range(frequencies.shape[0]):
            sine, cosine = sin_cos(frequencies[k] * scaled)
            of_value = height * scaled * cosine
            of_slope = tilt * scaled * cosine + height * inverse * (cosine - frequencies[k] * scaled * sine)
            d_frequencies[k] += d_basis_t[p, k] * of_value + d_basis[p, k] * moved * of_slope


@kernel
def add_angular_frequencies(angles, angles_t, frequencies, angular, d_angular, d_angular_t, d_frequencies):
    """Add to the gradient of the angular basis' frequencies, in float64."""
    n = frequencies.shape[0]
    for t in range(angles.shape[0]):
        angle, moved = np.float32(angles[t]), np.float32(angles_t[t])
        for k in range(n):
            sine, cosine = angular[t, 1 + k], angular[t, 1 + n + k]
            phase = frequencies[k] * angle
            of_value = angle * (d_angular_t[t, 1 + k] * cosine - d_angular_t[t, 1 + n + k] * sine)
            of_slope = d_angular[t, 1 + k] * (cosine - phase * sine) - d_angular[t, 1 + n + k] * (sine + phase * cosine)
            d_frequencies[k] += of_value + moved * of_slope
