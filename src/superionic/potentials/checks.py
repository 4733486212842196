"""Input that no potential has an answer for, refused in one sentence."""

from __future__ import annotations

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import ArrayLike, NDArray

from superionic.errors import InputError
from superionic.potentials.interface import IsolatedAtomError, Potential, PotentialError

__all__ = [
    "checked_geometry",
    "checked_numbers",
    "named",
    "refuse_isolated",
    "require_elements",
    "require_mesh",
    "require_stress",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def checked_numbers(numbers: ArrayLike, supported: frozenset[int] | None, who: str) -> IntArray:
    """Atomic numbers (n_atoms,), every one an element that the potential, called `who`, knows."""
    checked: IntArray = np.asarray(numbers, dtype=np.int64)
    if checked.ndim != 1 or not len(checked):
        raise InputError(f"numbers has shape {checked.shape}, expected (n_atoms,) with at least one atom")
    elements = set(checked.tolist())
    unknown = sorted(elements - (set(range(1, len(chemical_symbols))) if supported is None else supported))
    if unknown:
        names = ", ".join(_symbol(number) for number in unknown)
        raise InputError(f"numbers holds {names}, which {who} does not know: use another potential")
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
        raise InputError(f"cell_A={cell.tolist()} has no volume: a cell is periodic along three vectors")
    return positions, cell


def refuse_isolated(numbers: IntArray, bonded: IntArray, cutoff_A: float) -> None:
    """Raise IsolatedAtomError unless every atom is among the `bonded` ones, those with a neighbour."""
    alone = np.setdiff1d(np.arange(len(numbers)), bonded)
    if len(alone):
        names = ", ".join(f"{atom} ({_symbol(numbers[atom])})" for atom in alone[:5])
        raise IsolatedAtomError(f"{len(alone)} isolated atoms without neighbours within {cutoff_A:g} A: {names}")


def require_mesh(cell_A: FloatArray, mesh: tuple[int, int, int], thinnest_A: float, field: str) -> None:
    """Refuse a mesh of k-points that is too coarse for a cell.

    Parameters
    ----------
    cell_A : (3, 3)
        Lattice vectors in rows.
    mesh
        Divisions along the three reciprocal vectors.
    thinnest_A
        Least thickness of the crystal that the mesh stands for, the cell repeated as often as the mesh has divisions.
    field
        What the mesh is called where the user set it.

    Raises
    ------
    InputError
        If that crystal is thinner.
    """
    heights = 1 / np.linalg.norm(np.linalg.inv(cell_A), axis=0)
    needed = np.ceil(thinnest_A / heights).astype(int)
    if (needed > mesh).any():
        thin = ", ".join(f"{height:.1f}" for height in heights)
        raise InputError(
            f"the cell is {thin} Å thick along its three vectors, too small for k_mesh = {list(mesh)}: "
            f"set {field} to at least {np.maximum(needed, mesh).tolist()}, or take a larger cell"
        )


def require_stress(potential: Potential, purpose: str) -> None:
    """Refuse a potential without stress where one is needed.

    Raises
    ------
    InputError
        If `potential` gives none; names it and the purpose.
    """
    if not potential.gives_stress:
        raise InputError(
            f"{named(potential)} gives no stress, which {purpose} needs: use another potential, or do without"
        )


def require_elements(potential: Potential, numbers: ArrayLike, where: str) -> None:
    """Refuse atoms of an element that a potential does not know.

    Raises
    ------
    InputError
        If there is one; says where.
    """
    try:
        checked_numbers(numbers, potential.supported_numbers, named(potential))
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def named(potential: Potential) -> str:
    """Family and model, for messages."""
    return f"{potential.reference.family} {potential.reference.model}"


def _symbol(number: int) -> str:
    return chemical_symbols[number] if 0 < number < len(chemical_symbols) else f"atomic number {number}"
