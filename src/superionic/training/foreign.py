"""Crystals that have nothing to do with anyone's electrolyte: what a fine-tuned potential should not forget.

Cells are made from prototypes and lattice constants of textbooks, strained and rattled; nothing is downloaded. Those of
`HELD_OUT` measure forgetting, by forces that SevenNet 7net-l3i5 (PBE, as CHGNet 0.3.0 was trained on) gave and that
stand in ``foreign_forces.json``. Those of `REPLAYED` are other compounds, for the base model to label and train on.
"""

from __future__ import annotations

import json
import zlib
from functools import cache
from importlib.resources import files

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.spacegroup import crystal
from numpy.typing import NDArray

__all__ = ["HELD_OUT", "REPLAYED", "foreign_cell", "held_out_forces"]

_PEROVSKITE = [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0)]
_RUTILE = [(0, 0, 0), (0.305, 0.305, 0)]

_LEAST_ATOMS = 8
_STRAIN = 0.015
_RATTLE_A = 0.1

Prototype = tuple[str, float] | tuple[str, float, float]

HELD_OUT: dict[str, Prototype] = {
    "MgO": ("rocksalt", 4.21),
    "KBr": ("rocksalt", 6.60),
    "TiN": ("rocksalt", 4.24),
    "PbS": ("rocksalt", 5.94),
    "AgCl": ("rocksalt", 5.55),
    "CaF2": ("fluorite", 5.46),
    "CeO2": ("fluorite", 5.41),
    "OLi2": ("fluorite", 4.62),
    "ZnS": ("zincblende", 5.41),
    "InP": ("zincblende", 5.87),
    "SiC": ("zincblende", 4.36),
    "CsCl": ("cesiumchloride", 4.12),
    "ZnO": ("wurtzite", 3.25, 5.21),
    "SrTiO3": ("perovskite", 3.905),
    "CsPbBr3": ("perovskite", 5.87),
    "TiO2": ("rutile", 4.594, 2.959),
    "Si": ("diamond", 5.43),
    "Al": ("fcc", 4.05),
}
"""Formula -> prototype and lattice constants in Å."""

REPLAYED: dict[str, Prototype] = {
    "NaCl": ("rocksalt", 5.64),
    "LiF": ("rocksalt", 4.03),
    "CaO": ("rocksalt", 4.81),
    "BaO": ("rocksalt", 5.54),
    "ScN": ("rocksalt", 4.50),
    "AgBr": ("rocksalt", 5.77),
    "SrCl2": ("fluorite", 6.98),
    "BaF2": ("fluorite", 6.20),
    "ZrO2": ("fluorite", 5.09),
    "SNa2": ("fluorite", 6.54),
    "GaAs": ("zincblende", 5.65),
    "CuCl": ("zincblende", 5.42),
    "AlP": ("zincblende", 5.46),
    "BN": ("zincblende", 3.62),
    "CsI": ("cesiumchloride", 4.57),
    "TlBr": ("cesiumchloride", 3.98),
    "AlN": ("wurtzite", 3.11, 4.98),
    "CdS": ("wurtzite", 4.14, 6.72),
    "BaZrO3": ("perovskite", 4.19),
    "KMgF3": ("perovskite", 3.99),
    "LaAlO3": ("perovskite", 3.81),
    "SnO2": ("rutile", 4.737, 3.186),
    "Ge": ("diamond", 5.66),
    "Cu": ("fcc", 3.61),
    "Na": ("bcc", 4.23),
}
"""The same for replay; none of them is in `HELD_OUT`."""


def foreign_cell(formula: str, number: int = 0) -> Atoms:
    """A strained, rattled cell; the same name and number always give the same one.

    Parameters
    ----------
    formula
        One of `HELD_OUT` or `REPLAYED`.
    number
        Which of any number of cells of that crystal.
    """
    atoms = _ideal(formula, *(HELD_OUT | REPLAYED)[formula])
    rng = np.random.default_rng([zlib.crc32(formula.encode()), number])
    strain = np.eye(3) + _STRAIN * rng.standard_normal((3, 3))
    atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
    atoms.positions += _RATTLE_A * rng.standard_normal((len(atoms), 3))
    return atoms


def _ideal(formula: str, prototype: str, a: float, c: float | None = None) -> Atoms:
    """Undistorted, with 8 atoms or more."""
    if prototype == "perovskite":
        atoms = crystal(list(_elements(formula)), _PEROVSKITE, spacegroup=221, cellpar=[a, a, a, 90, 90, 90])
    elif prototype == "rutile":
        atoms = crystal(list(_elements(formula)), _RUTILE, spacegroup=136, cellpar=[a, a, c, 90, 90, 90])
    else:
        cubic = prototype != "wurtzite"
        atoms = bulk(formula, prototype, a=a, c=c, cubic=cubic)
    while len(atoms) < _LEAST_ATOMS:
        shortest = int(np.argmin(atoms.cell.lengths()))
        atoms = atoms.repeat([2 if axis == shortest else 1 for axis in range(3)])
    return atoms


def _elements(formula: str) -> list[str]:
    return list(dict.fromkeys(Atoms(formula).get_chemical_symbols()))


@cache
def held_out_forces() -> dict[str, NDArray[np.float64]]:
    """Forces in eV/Å on the atoms of `foreign_cell` (number 0) of every held-out crystal, shape (n_atoms, 3)."""
    stored = json.loads(files("superionic.training").joinpath("foreign_forces.json").read_text())
    return {formula: np.array(stored["forces_eV_per_A"][formula]) for formula in HELD_OUT}
