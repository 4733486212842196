"""What comes before and after the network at every step: pairs within the cutoff, bonds and angles, forces, virials.

All in float64, element by element and in the order of the list, so that a result depends on nothing else.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import math

import numpy as np

from superionic.potentials.chgnet.fused.compiling import kernel

__all__ = ["angles_between_bonds", "forces_and_virials", "pairs_within"]


@kernel
def pairs_within(positions, cell, first, second, image, cutoff):
    """Candidates that are nearer than the cutoff: first, second, vectors (n, 3) and distances (n,)."""
    n_candidates, n = first.shape[0], 0
    near_first, near_second = np.empty(n_candidates, np.int64), np.empty(n_candidates, np.int64)
    vectors, distances = np.empty((n_candidates, 3)), np.empty(n_candidates)
    for p in range(n_candidates):
        i, j = first[p], second[p]
        squared = 0.0
        for x in range(3):
            shift = image[p, 0] * cell[0, x] + image[p, 1] * cell[1, x] + image[p, 2] * cell[2, x]
            component = positions[j, x] - positions[i, x] + shift
            vectors[n, x] = component
            squared += component * component
        if squared < cutoff * cutoff:
            near_first[n], near_second[n], distances[n] = i, j, math.sqrt(squared)
            n += 1
    return near_first[:n], near_second[:n], vectors[:n], distances[:n]


@kernel
def angles_between_bonds(first, second, distances, cutoff):
    """Pairs shorter than the cutoff, and every two of their ends at one atom: bonds, arm one, arm two, centre, sign."""
    bonds = np.flatnonzero(distances < cutoff)
    n_bonds, n_atoms = bonds.shape[0], 0
    for b in range(n_bonds):
        n_atoms = max(n_atoms, first[bonds[b]] + 1, second[bonds[b]] + 1)
    # the ends at each atom in a row: b where bond b starts there, b + n_bonds where it ends
    place = np.zeros(n_atoms + 1, np.int64)
    for b in range(n_bonds):
        place[first[bonds[b]] + 1] += 1
        place[second[bonds[b]] + 1] += 1
    n_angles = 0
    for i in range(n_atoms):
        n_angles += place[i + 1] * (place[i + 1] - 1) // 2
        place[i + 1] += place[i]
    ends, filled = np.empty(2 * n_bonds, np.int64), place.copy()
    for end in range(2 * n_bonds):
        i = first[bonds[end]] if end < n_bonds else second[bonds[end - n_bonds]]
        ends[filled[i]] = end
        filled[i] += 1
    arm_one, arm_two = np.empty(n_angles, np.int64), np.empty(n_angles, np.int64)
    centre, sign = np.empty(n_angles, np.int64), np.empty(n_angles)
    n = 0
    for i in range(n_atoms):
        for a in range(place[i], place[i + 1]):
            one, starts = ends[a] % n_bonds, ends[a] < n_bonds
            for b in range(a + 1, place[i + 1]):
                arm_one[n], arm_two[n], centre[n] = one, ends[b] % n_bonds, i
                sign[n] = 1.0 if (ends[b] < n_bonds) == starts else -1.0
                n += 1
    return bonds, arm_one, arm_two, centre, sign


@kernel
def forces_and_virials(first, second, vectors, gradients, n_atoms, offsets):
    """Forces (n_atoms, 3) and, of every system, the sum of vectors times gradients (n_systems, 3, 3)."""
    forces, virials = np.zeros((n_atoms, 3)), np.zeros((offsets.shape[0] - 1, 3, 3))
    for system in range(offsets.shape[0] - 1):
        for p in range(offsets[system], offsets[system + 1]):
            for x in range(3):
                forces[first[p], x] += gradients[p, x]
                forces[second[p], x] -= gradients[p, x]
                for y in range(3):
                    virials[system, x, y] += vectors[p, x] * gradients[p, y]
    return forces, virials
