"""Input that CHGNet has no answer for, refused in one sentence."""

from __future__ import annotations

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import ArrayLike

from superionic.errors import InputError
from superionic.potentials.chgnet.neighbours import AtomPairs, FloatArray, IntArray
from superionic.potentials.chgnet.reference import SUPPORTED_NUMBERS
from superionic.potentials.interface import IsolatedAtomError, PotentialError

__all__ = ["checked_geometry", "checked_numbers", "refuse_isolated"]


def checked_numbers(numbers: ArrayLike) -> IntArray:
    """Atomic numbers (n_atoms,), every one an element that CHGNet was trained on."""
    checked: IntArray = np.asarray(numbers, dtype=np.int64)
    if checked.ndim != 1 or not len(checked):
        raise InputError(f"numbers has shape {checked.shape}, expected (n_atoms,) with at least one atom")
    unknown = sorted(set(checked.tolist()) - SUPPORTED_NUMBERS)
    if unknown:
        names = ", ".join(_symbol(number) for number in unknown)
        raise InputError(f"numbers holds {names}: CHGNet was trained on H to Pu without Po, At, Rn, Fr and Ra")
    return checked


def checked_geometry(numbers: IntArray, positions_A: ArrayLike, cell_A: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Positions (n_atoms, 3) and cell (3, 3) in float64, finite, the cell with a volume."""
    positions = np.ascontiguousarray(positions_A, dtype=np.float64)
    cell = np.ascontiguousarray(cell_A, dtype=np.float64)
    if positions.shape != (len(numbers), 3):
        raise InputError(f"positions_A has shape {positions.shape}, expected ({len(numbers)}, 3)")
    if cell.shape != (3, 3):
        raise InputError(f"cell_A has shape {cell.shape}, expected (3, 3) with lattice vectors in rows")
    finite = np.isfinite(positions).all(axis=1)
    if not finite.all():
        atom = int(np.flatnonzero(~finite)[0])
        raise PotentialError(f"atom {atom} ({_symbol(numbers[atom])}) has no finite position: the run exploded")
    if not np.isfinite(cell).all():
        raise PotentialError("the cell is not finite: the run exploded")
    if abs(float(np.linalg.det(cell))) < 1e-3:
        raise InputError(f"cell_A={cell.tolist()} has no volume: CHGNet needs a cell periodic along three vectors")
    return positions, cell


def refuse_isolated(numbers: IntArray, pairs: AtomPairs, cutoff_A: float) -> None:
    """Raise IsolatedAtomError unless every atom is part of a pair."""
    bonded = np.zeros(len(numbers), dtype=bool)
    bonded[pairs.first] = bonded[pairs.second] = True
    if not bonded.all():
        alone = np.flatnonzero(~bonded)
        names = ", ".join(f"{atom} ({_symbol(numbers[atom])})" for atom in alone[:5])
        raise IsolatedAtomError(f"{len(alone)} isolated atoms without neighbours within {cutoff_A:g} A: {names}")


def _symbol(number: int) -> str:
    return chemical_symbols[number] if 0 < number < len(chemical_symbols) else f"atomic number {number}"
