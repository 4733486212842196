"""Split positions: partly occupied sites so close that one of them at most is taken."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

ALTERNATIVE_A = 1.2
"""Partly occupied sites closer than this are one choice: at most one of them is taken."""

_ALTERNATIVE_TO_H_A = 0.7  # bonds of hydrogen are shorter than 1.2 Å
_ONE_CHOICE = 1.02


def alternative_pairs(
    lattice: Lattice,
    frac_coords: NDArray[np.float64],
    occupancies: NDArray[np.float64],
    with_hydrogen: NDArray[np.bool_],
) -> NDArray[np.intp]:
    """Pairs of sites that are alternatives: close, and in the crystal not more occupied together than one site is.

    Parameters
    ----------
    lattice, frac_coords
        Cell and sites, shape (sites, 3).
    occupancies
        Occupancy of each site by all ions together, shape (sites,).
    with_hydrogen
        Whether a site takes hydrogen: 0.7 Å count as close there, else 1.2 Å.

    Returns
    -------
    NDArray[np.intp]
        Shape (pairs, 2), the lower index first.
    """
    atoms = Structure(lattice, ["H"] * len(frac_coords), frac_coords)
    first, second, _, distances = atoms.get_neighbor_list(ALTERNATIVE_A, exclude_self=True)
    limits = np.where(with_hydrogen[first] | with_hydrogen[second], _ALTERNATIVE_TO_H_A, ALTERNATIVE_A)
    one = (first < second) & (distances < limits) & (occupancies[first] + occupancies[second] <= _ONE_CHOICE)
    pairs = np.column_stack([first[one], second[one]]).astype(np.intp)
    return np.asarray(np.unique(pairs, axis=0)).reshape(-1, 2)
