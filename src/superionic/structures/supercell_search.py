"""The smallest supercell that is thick enough and realises the crystal's occupancies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from pymatgen.core import Lattice

from superionic.documents.frameworks import SupercellMatrix
from superionic.errors import InputError
from superionic.structures.host import Host
from superionic.structures.supercell import HostSupercell, supercell_matrix


class SupercellRequest(BaseModel):
    """What a supercell has to be, instead of its repeats."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    min_length_A: float = Field(gt=0, description="Smallest distance between opposite faces of the cell in Å")
    max_atoms: int = Field(1000, ge=1, description="Largest number of atoms to accept")


Supercell = Sequence[int] | Sequence[Sequence[int]] | SupercellRequest | dict[str, Any]
"""Three repeats, a matrix, or a request (as a mapping where it came through JSON)."""


def chosen_cell(
    host: Host, supercell: Supercell, fits: Callable[[HostSupercell], object] | None = None
) -> HostSupercell:
    """The supercell that is stated, or the smallest one that is thick enough and fits.

    Parameters
    ----------
    host
        The crystal.
    supercell
        Repeats, a matrix, or a request.
    fits
        Raises InputError if a supercell, of whatever shape, cannot hold what is wanted.

    Raises
    ------
    InputError
        If no cell of at most `max_atoms` atoms is thick enough and fits; the message says why.
    """
    if isinstance(supercell, dict):
        supercell = SupercellRequest(**{k: v for k, v in supercell.items() if not k.startswith("@")})
    if not isinstance(supercell, SupercellRequest):
        return HostSupercell(host, supercell_matrix(supercell))
    n_atoms = host.structure.composition.num_atoms
    refusal = "it is too thin"
    for n_cells in range(1, int(supercell.max_atoms / n_atoms + 1e-6) + 1):
        if fits is not None:
            try:
                fits(HostSupercell(host, supercell_matrix((n_cells, 1, 1))))
            except InputError as error:
                refusal = str(error)
                continue
        matrix = thickest(host.structure.lattice, n_cells, supercell.min_length_A)
        if matrix is not None:
            return HostSupercell(host, matrix)
        refusal = f"none of {n_cells} conventional cells is {supercell.min_length_A:g} Å thick"
    raise InputError(
        f"supercell: no cell of up to {supercell.max_atoms} atoms is {supercell.min_length_A:g} Å thick and holds what "
        f"is asked for (the largest: {refusal}); raise max_atoms"
    )


def thickest(lattice: Lattice, n_cells: int, min_length_A: float) -> SupercellMatrix | None:
    """Supercell of `n_cells` cells, at least so thick: repeats if possible, else the thickest of any shape.

    The thickness is the smallest distance between opposite faces.
    """
    stacked = [
        (a, b, n_cells // (a * b))
        for a in range(1, n_cells + 1)
        for b in range(1, n_cells + 1)
        if n_cells % (a * b) == 0
    ]
    straight = max(stacked, key=lambda repeats: _thickness(np.diag(repeats) @ lattice.matrix))
    if _thickness(np.diag(straight) @ lattice.matrix) >= min_length_A:
        return supercell_matrix(straight)
    short = _short_vectors(lattice, min_length_A)
    best, best_thickness = None, min_length_A - 1e-9
    for hermite in _hermite_forms(n_cells):
        inside = short @ np.linalg.inv(hermite)
        if len(short) and (np.abs(inside - np.rint(inside)) < 1e-6).all(axis=1).any():
            continue  # a lattice vector of it is shorter than it has to be thick
        reduced = np.rint(Lattice(hermite @ lattice.matrix).get_lll_reduced_lattice().matrix @ lattice.inv_matrix)
        if np.linalg.det(reduced) < 0:
            reduced = -reduced
        thickness = _thickness(reduced @ lattice.matrix)
        if thickness > best_thickness + 1e-6:
            best, best_thickness = reduced, thickness
    return None if best is None else supercell_matrix(best.astype(int).tolist())


def _thickness(vectors: NDArray[np.float64]) -> float:
    return float(1 / np.linalg.norm(np.linalg.inv(vectors), axis=0).max())


def _short_vectors(lattice: Lattice, length_A: float) -> NDArray[np.float64]:
    """Lattice vectors shorter than a length, in fractions, without the origin."""
    reach = np.ceil(length_A * np.linalg.norm(lattice.inv_matrix, axis=0)).astype(int)
    grid = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1).reshape(-1, 3)
    lengths = np.linalg.norm(grid @ lattice.matrix, axis=1)
    return np.asarray(grid[(lengths < length_A) & (lengths > 1e-6)], dtype=np.float64)


def _hermite_forms(n_cells: int) -> Iterator[NDArray[np.float64]]:
    """One matrix for every sublattice of an index (Hermite normal forms)."""
    for a in range(1, n_cells + 1):
        for b in range(1, n_cells // a + 1):
            if n_cells % (a * b):
                continue
            c = n_cells // (a * b)
            for first in range(b):
                for second in range(c):
                    for third in range(c):
                        yield np.array([[a, first, second], [0, b, third], [0, 0, c]], dtype=float)
