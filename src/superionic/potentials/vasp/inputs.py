"""VASP's input from settings and atoms: INCAR, KPOINTS, POSCAR and the symbols of its POTCARs."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import yaml
from atomate2.vasp.sets.base import VaspInputGenerator
from numpy.typing import NDArray
from pymatgen.core import Structure
from pymatgen.io.vasp import Kpoints

from superionic.documents.vasp import VaspKind, VaspSettings
from superionic.errors import InputError
from superionic.potentials.checks import require_mesh

__all__ = ["grouped", "input_set", "potcar_symbols", "require_dense_mesh"]

_SHORTEST_A = 10.0
"""Least thickness of the crystal that a mesh stands for, as for PBEsol by CP2K."""


@cache
def table() -> dict[str, Any]:
    """The package's own settings."""
    content: dict[str, Any] = yaml.safe_load((files("superionic") / "data" / "vasp" / "pbesol.yaml").read_text())
    return content


def potcar_symbols(settings: VaspSettings) -> dict[str, str]:
    """POTCAR symbol of every element that there is one for."""
    return table()["potcar"] | settings.potcars


def require_dense_mesh(settings: VaspSettings, kind: VaspKind, cell_A: NDArray[np.float64]) -> None:
    """Refuse a mesh that is too coarse for a cell.

    Raises
    ------
    InputError
        If the crystal that the mesh stands for is thinner than 10 Å.
    """
    require_mesh(cell_A, settings.level(kind).k_mesh, _SHORTEST_A, f"reference.{kind}.k_mesh")


def input_set(settings: VaspSettings, kind: VaspKind, more: dict[str, Any] | None = None) -> VaspInputGenerator:
    """What atomate2 writes the input of one kind of calculation with.

    Nothing in it looks at the structure or at earlier calculations, so that all frames are calculated alike.

    Parameters
    ----------
    settings
        The reference.
    kind
        Kind of calculation.
    more
        Tags of INCAR that the calculation itself decides.
    """
    level, incar = settings.level(kind), table()["incar"]
    tags = incar["every"] | incar[kind] | {"ENCUT": level.encut_eV, "EDIFF": level.ediff_eV}
    config = {
        "INCAR": tags | settings.incar | (more or {}),
        "KPOINTS": {},
        "POTCAR": potcar_symbols(settings),
        "POTCAR_FUNCTIONAL": settings.potcar_functional,
    }
    return VaspInputGenerator(
        config_dict=config,
        user_kpoints_settings=Kpoints.gamma_automatic(level.k_mesh),
        sort_structure=False,
        validate_magmom=False,
        auto_ismear=False,
        auto_metal_kpoints=False,
        inherit_incar=False,
    )


def grouped(structure: Structure, velocities_A_per_fs: NDArray[np.float64] | None = None) -> tuple[Structure, Any]:
    """The atoms as POSCAR wants them, each element in one block, and where each of them was.

    Parameters
    ----------
    structure
        Atoms in any order; charges, labels and everything else are left behind.
    velocities_A_per_fs : (n_atoms, 3)
        Go into POSCAR too.

    Returns
    -------
    Structure
        Elements in the order in which they first occur, atoms of one element in the order in which they were.
    order : (n_atoms,) int
        Index in `structure` of each atom of the result.
    """
    symbols = [site.specie.symbol for site in structure]
    ranks = {symbol: rank for rank, symbol in enumerate(dict.fromkeys(symbols))}
    order = np.argsort([ranks[symbol] for symbol in symbols], kind="stable")
    properties = {} if velocities_A_per_fs is None else {"velocities": velocities_A_per_fs[order].tolist()}
    plain = Structure(
        structure.lattice,
        [symbols[index] for index in order],
        structure.frac_coords[order],
        site_properties=properties,
    )
    return plain, order


def known_symbol(settings: VaspSettings, element: str) -> str:
    """POTCAR symbol of an element.

    Raises
    ------
    InputError
        If there is none.
    """
    symbol = potcar_symbols(settings).get(element)
    if symbol is None:
        raise InputError(f"reference.potcars names no POTCAR of {element}: add one")
    return symbol
