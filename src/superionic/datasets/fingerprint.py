"""A few numbers that tell two frames apart, whatever their origin, orientation, wrapping and order of atoms."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
from ase.data import covalent_radii
from pymatgen.optimization.neighbors import find_points_in_spheres

from superionic.datasets.frames import BareFrame, Floats, Integers

CUTOFF_A = 6.0
_CENTRES_A = np.linspace(1.5, 5.5, 9)
_WIDTH_A = 0.5


def neighbour_distances(frame: BareFrame, cutoff_A: float = CUTOFF_A) -> tuple[Integers, Integers, Floats]:
    """First and second atom, and distance, of all pairs within a cutoff, each pair from both sides."""
    positions, cell = np.ascontiguousarray(frame.positions_A), np.ascontiguousarray(frame.cell_A)
    pbc = np.array([1, 1, 1], dtype=np.int64)
    first, second, _, distance = find_points_in_spheres(positions, positions, cutoff_A, pbc, cell, tol=1e-8)
    itself = (first == second) & (distance < 1e-8)
    return first[~itself], second[~itself], distance[~itself]


def closest_contact(frame: BareFrame, pairs: tuple[Integers, Integers, Floats]) -> tuple[float, str]:
    """Shortest distance as a share of the sum of covalent radii, and of which atoms."""
    first, second, distance = pairs
    if not len(distance):
        return np.inf, ""
    share = distance / (covalent_radii[frame.numbers[first]] + covalent_radii[frame.numbers[second]])
    at = int(np.argmin(share))
    return float(share[at]), f"atoms {first[at]} and {second[at]} are {distance[at]:.2f} Å apart"


def fingerprint(frame: BareFrame, pairs: tuple[Integers, Integers, Floats]) -> Floats:
    """Distances between each two elements, smeared over a grid, per atom.

    Moving every atom by d at random changes it by about `CHANGE_PER_A` x d.
    """
    first, second, distance = pairs
    smooth = np.cos(0.5 * np.pi * distance / CUTOFF_A) ** 2
    bumps = np.exp(-0.5 * ((distance[:, None] - _CENTRES_A) / _WIDTH_A) ** 2) * smooth[:, None]
    one, other = frame.numbers[first], frame.numbers[second]
    parts = [
        bumps[(one == a) & (other == b)].sum(axis=0)
        for a, b in combinations_with_replacement(np.unique(frame.numbers).tolist(), 2)
    ]
    return np.concatenate(parts) / frame.n_atoms
