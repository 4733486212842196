"""Masses of the atoms of a run: standard ones, but for the isotopes that its protocol names."""

from __future__ import annotations

import numpy as np
from ase.data import atomic_masses, atomic_numbers
from numpy.typing import ArrayLike, NDArray

from superionic.documents import MDProtocol
from superionic.errors import InputError


def masses_u(numbers: ArrayLike, protocol: MDProtocol) -> NDArray[np.float64]:
    """Mass of every atom in u, shape (n_atoms,), from atomic numbers.

    Raises
    ------
    InputError
        If the protocol gives a mass to an element that is not there.
    """
    table, held = atomic_masses.copy(), np.asarray(numbers)
    for element, mass in protocol.masses_u.items():
        number = atomic_numbers.get(element)
        if number is None or number not in held:
            raise InputError(f"masses_u: {element!r} is none of the elements of the cell: take it out")
        table[number] = mass
    return np.asarray(table[held])
