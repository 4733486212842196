"""From atoms' features to atomic energies, and from pairs' gradients to forces' raw material."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

from superionic.potentials.chgnet.fused.compiling import kernel
from superionic.potentials.chgnet.fused.gates import NORM_EPSILON, ONE, PER_FEATURE, ZERO, F
from superionic.potentials.chgnet.fused.simd import inner, total

__all__ = ["normalize", "normalize_backward", "vector_gradients"]


@kernel
def normalize(atoms, norm, normal, scale, x):
    """Layer norm: `normal` without and `x` with scale and shift; `scale` holds the inverse standard deviations."""
    for row in range(atoms.shape[0]):
        mean = total(atoms, row * F) * PER_FEATURE
        spread = inner(atoms, row * F, mean, atoms, row * F, mean) * PER_FEATURE
        scale[row] = ONE / math.sqrt(spread + NORM_EPSILON)
        for k in range(F):
            normal[row, k] = (atoms[row, k] - mean) * scale[row]
            x[row, k] = normal[row, k] * norm[0, k] + norm[1, k]


@kernel
def normalize_backward(normal, norm, scale, d):
    """Turn the gradient of `x` into that of the atoms, in place."""
    for row in range(d.shape[0]):
        for k in range(F):
            d[row, k] *= norm[0, k]
        mean = total(d, row * F) * PER_FEATURE
        along = inner(d, row * F, ZERO, normal, row * F, ZERO) * PER_FEATURE
        for k in range(F):
            d[row, k] = (d[row, k] - mean - normal[row, k] * along) * scale[row]


@kernel
def vector_gradients(
    vectors, distances, basis_slope, d_basis, bonds, directions, bond_basis_slope, d_bond_basis, d_directions, gradients
):
    """Gradient to the pair vectors in float64, from those to radial bases and bond directions."""
    for p in range(distances.shape[0]):
        slope = 0.0
        for k in range(basis_slope.shape[1]):
            slope += d_basis[p, k] * basis_slope[p, k]
        for x in range(3):
            gradients[p, x] = vectors[p, x] * (slope / distances[p])
    for b in range(bonds.shape[0]):
        p = bonds[b]
        slope, along = 0.0, 0.0
        for k in range(bond_basis_slope.shape[1]):
            slope += d_bond_basis[b, k] * bond_basis_slope[b, k]
        for x in range(3):
            along += directions[b, x] * d_directions[b, x]
        for x in range(3):
            across = d_directions[b, x] - directions[b, x] * along
            gradients[p, x] += directions[b, x] * slope + across / distances[p]
