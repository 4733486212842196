"""CP2K's input from settings and atoms: a pure function."""

from __future__ import annotations

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from superionic.documents.cp2k import Cp2kKind, Cp2kSettings
from superionic.potentials.checks import require_mesh
from superionic.potentials.cp2k.elements import kinds_of

__all__ = ["cp2k_input", "require_large_enough"]

_SHORTEST_A = {"pbesol": 10.0, "gfn1-xtb": 5.0}
"""Least thickness of the crystal that the mesh stands for; below, PBEsol's forces are off by up to 0.1 eV/Å."""

_GRIDS = "PROGRESSION_FACTOR 2\nNGRIDS 7"
"""Each Gaussian on the coarsest grid that holds it: 7 grids a factor of 2 apart cost half of CP2K's 4 a factor of 3."""


def cp2k_input(
    settings: Cp2kSettings, numbers: NDArray[np.int64], positions_A: NDArray[np.float64], cell_A: NDArray[np.float64]
) -> str:
    """The input of a cell.

    Parameters
    ----------
    settings
        Level and convergence.
    numbers : (n_atoms,) int
        Atomic numbers.
    positions_A : (n_atoms, 3)
        Cartesian.
    cell_A : (3, 3)
        Lattice vectors in rows.

    Raises
    ------
    InputError
        An element without basis set.
    """
    symbols = [chemical_symbols[number] for number in numbers]
    xtb = settings.level == "gfn1-xtb"
    kinds = {} if xtb else kinds_of(settings, symbols)
    lines = (_xtb(settings) if xtb else _pbesol(settings, kinds)).splitlines()
    return "\n".join(
        [
            *("&GLOBAL", "RUN_TYPE ENERGY_FORCE", "PROJECT superionic", "PRINT_LEVEL LOW", "&END GLOBAL"),
            *("&FORCE_EVAL", "METHOD QUICKSTEP", "STRESS_TENSOR ANALYTICAL"),
            *("&DFT", *lines, *_k_points(settings), "&END DFT"),
            *("&SUBSYS", *_cell(cell_A), *_coordinates(symbols, positions_A), *_kinds(kinds), "&END SUBSYS"),
            *("&PRINT", "&STRESS_TENSOR ON", "&END STRESS_TENSOR", "&END PRINT"),
            "&END FORCE_EVAL",
            "",
        ]
    )


def require_large_enough(settings: Cp2kSettings, cell_A: NDArray[np.float64]) -> None:
    """Refuse a mesh that is too coarse for a cell.

    Raises
    ------
    InputError
        If the crystal that the mesh stands for is thinner than 10 Å (PBEsol) or 5 Å (GFN1-xTB).
    """
    require_mesh(cell_A, settings.mesh, _SHORTEST_A[settings.level], "k_mesh")


def _pbesol(settings: Cp2kSettings, kinds: dict[str, Cp2kKind]) -> str:
    files = "\n".join(f"BASIS_SET_FILE_NAME {file}" for file in sorted({kind.basis_file for kind in kinds.values()}))
    return f"""{files}
&MGRID
CUTOFF [Ry] {settings.cutoff_Ry:g}
REL_CUTOFF [Ry] {settings.relative_cutoff_Ry:g}
{_GRIDS}
&END MGRID
&QS
EPS_DEFAULT {settings.density_threshold:g}
EXTRAPOLATION USE_GUESS
&END QS
&XC
&XC_FUNCTIONAL
&PBE
PARAMETRIZATION PBESOL
&END PBE
&END XC_FUNCTIONAL
&END XC
&SCF
SCF_GUESS ATOMIC
EPS_SCF {settings.scf_threshold:g}
MAX_SCF {settings.max_scf_steps}
{_DIAGONALISATION}
&MIXING
METHOD BROYDEN_MIXING
ALPHA 0.4
NBROYDEN 8
&END MIXING
{_NO_RESTART_FILE}
&END SCF"""


def _xtb(settings: Cp2kSettings) -> str:
    return f"""&QS
METHOD XTB
{_first_orbitals(settings)}
&XTB
DO_EWALD T
&PARAMETER
PARAM_FILE_NAME xTB_parameters
&END PARAMETER
&END XTB
&END QS
&SCF
SCF_GUESS ATOMIC
EPS_SCF {settings.scf_threshold:g}
MAX_SCF {settings.max_scf_steps}
{_solver_of_xtb(settings)}
{_NO_RESTART_FILE}
&END SCF"""


def _first_orbitals(settings: Cp2kSettings) -> str:
    """At Gamma those of the steps before, carried on: 3 steps of self-consistency instead of 10."""
    return "EXTRAPOLATION ASPC\nEXTRAPOLATION_ORDER 3" if settings.mesh == (1, 1, 1) else "EXTRAPOLATION USE_GUESS"


def _solver_of_xtb(settings: Cp2kSettings) -> str:
    """Orbital transformation, for Gamma only, does not slosh as mixing does."""
    if settings.mesh == (1, 1, 1):
        return "&OT\nPRECONDITIONER FULL_SINGLE_INVERSE\nMINIMIZER DIIS\n&END OT"
    return f"{_DIAGONALISATION}\n&MIXING\nMETHOD BROYDEN_MIXING\nALPHA 0.2\n&END MIXING"


_DIAGONALISATION = "&DIAGONALIZATION\nALGORITHM STANDARD\n&END DIAGONALIZATION"
_NO_RESTART_FILE = "&PRINT\n&RESTART OFF\n&END RESTART\n&END PRINT"


def _k_points(settings: Cp2kSettings) -> list[str]:
    """Time reversal halves the mesh; symmetry would need a symmetric frame."""
    if settings.mesh == (1, 1, 1):
        return []
    scheme = "SCHEME MONKHORST-PACK " + " ".join(str(n) for n in settings.mesh)
    return ["&KPOINTS", scheme, "SYMMETRY F", "FULL_GRID F", "&END KPOINTS"]


def _cell(cell_A: NDArray[np.float64]) -> list[str]:
    vectors = [f"{name} {_numbers(vector)}" for name, vector in zip("ABC", cell_A, strict=True)]
    return ["&CELL", *vectors, "PERIODIC XYZ", "&END CELL"]


def _coordinates(symbols: list[str], positions_A: NDArray[np.float64]) -> list[str]:
    atoms = [f"{symbol} {_numbers(position)}" for symbol, position in zip(symbols, positions_A, strict=True)]
    return ["&COORD", *atoms, "&END COORD"]


def _kinds(kinds: dict[str, Cp2kKind]) -> list[str]:
    lines = []
    for element, kind in kinds.items():
        lines += [f"&KIND {element}", f"BASIS_SET {kind.basis}", f"POTENTIAL {kind.pseudopotential}"]
        lines += [f"POTENTIAL_FILE_NAME {kind.pseudopotential_file}", "&END KIND"]
    return lines


def _numbers(values: NDArray[np.float64]) -> str:
    return " ".join(f"{value:.17e}" for value in values)
