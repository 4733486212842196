"""The space group of a crystal, as arrays."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Structure
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

SAME_SITE_A = 0.3
"""Positions closer than this are one site."""
_TOLERANCE_A = 0.05


def space_group(structure: Structure) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rotations and translations that map a crystal onto itself, in fractions of its cell, centrings included.

    Returns
    -------
    Rotations, shape (n, 3, 3), and translations, shape (n, 3): an atom at x comes to R x + t.
    """
    with warnings.catch_warnings():  # pymatgen reads spglib's results in a way that spglib wants gone
        warnings.simplefilter("ignore", DeprecationWarning)
        operations = SpacegroupAnalyzer(structure, symprec=_TOLERANCE_A).get_symmetry_operations()
    return np.array([o.rotation_matrix for o in operations]), np.array([o.translation_vector for o in operations])
