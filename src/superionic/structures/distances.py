"""Atoms that are too close to be atoms of one crystal."""

from __future__ import annotations

import warnings
from collections.abc import Collection

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from pymatgen.core import Element, Species, Structure

from superionic.errors import InputError

CLOSEST = 0.6
"""Least distance as a share of the sum of two radii, each the smaller of covalent (B. Cordero et al., Dalton Trans.
2832 (2008)) and ionic (R. D. Shannon, Acta Cryst. A 32, 751 (1976), crystal radii). The shortest bonds there are, N2,
CO and C-H, have 0.78, 0.80 and 1.02 of it, Li-O in oxides 1.2."""

_FULL = 0.98  # sites with such occupancies are taken in one and the same cell


def radius_A(ion: Species | Element) -> float:
    """The smaller of the covalent and the ionic radius in Å; of hydrogen the covalent one."""
    covalent = float(covalent_radii[atomic_numbers[ion.symbol]])
    state = getattr(ion, "oxi_state", None)
    if ion.symbol == "H" or not state or state != round(state):
        return covalent
    with warnings.catch_warnings():  # pymatgen says when it takes the radius of another charge
        warnings.simplefilter("ignore")
        ionic = ion.ionic_radius
    return min(covalent, float(ionic)) if ionic is not None and ionic > 0 else covalent


def require_distances(structure: Structure, placed: Collection[str] = ()) -> None:
    """Refuse a cell with two atoms that are closer than any bond.

    Parameters
    ----------
    structure
        The cell. Of a crystal with partial occupancies only pairs of full sites are judged: others may be empty.
    placed
        Elements whose distances among themselves are left to the search that placed them.

    Raises
    ------
    InputError
        If there are; the message names the pair and its distance.
    """
    radii = np.array([max(radius_A(ion) for ion in site.species) for site in structure])
    smallest = np.array([min(radius_A(ion) for ion in site.species) for site in structure])
    full = np.array([site.species.num_atoms > _FULL for site in structure])
    free = np.array([all(ion.symbol in placed for ion in site.species) for site in structure])
    first, second, images, distances = structure.get_neighbor_list(2 * CLOSEST * float(radii.max()), exclude_self=True)
    close = (distances < CLOSEST * (smallest[first] + smallest[second])) & full[first] & full[second]
    close &= ~(free[first] & free[second])
    if close.any():
        worst = int(np.flatnonzero(close)[distances[close].argmin()])
        one, other = structure[int(first[worst])], structure[int(second[worst])]
        raise InputError(
            f"{one.species_string} at {np.round(one.frac_coords, 3).tolist()} and {other.species_string} at "
            f"{np.round(other.frac_coords + images[worst], 3).tolist()} are {distances[worst]:.2f} Å apart, closer "
            "than any bond: correct positions, cell or occupancies"
        )
