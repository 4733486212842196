"""Basis sets, pseudopotentials and valence electrons: the package's own table, and what is installed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from ase.data import atomic_numbers, chemical_symbols

from superionic.documents.cp2k import Cp2kKind, Cp2kSettings
from superionic.errors import InputError

__all__ = ["KINDS", "kinds_of", "require_even_electrons", "require_installed", "supported_numbers"]


def _molopt(electrons: int) -> Cp2kKind:
    return Cp2kKind(basis=f"DZVP-MOLOPT-SR-GTH-q{electrons}", pseudopotential=f"GTH-PBE-q{electrons}")


def _trivalent() -> Cp2kKind:
    """4f in the core: a closed-shell trivalent ion, as VASP's Yb_3 (Lu et al., JCTC, 10.1021/acs.jctc.2c00922)."""
    return Cp2kKind(
        basis="DZVP-MOLOPT-GTH-q11",
        pseudopotential="GTH-PBE-q11",
        basis_file="BASIS_MOLOPT_LnPP2",
        pseudopotential_file="LnPP2_POTENTIALS",
    )


KINDS = {
    **{symbol: _molopt(q) for symbol, q in {"Li": 3, "Na": 9, "In": 13, "Sc": 11, "Y": 11, "Zr": 12}.items()},
    **{symbol: _molopt(q) for symbol, q in {"P": 5, "S": 6, "Cl": 7, "Br": 7}.items()},
    **{symbol: _trivalent() for symbol in ("Yb", "Lu")},
}
"""DZVP-MOLOPT-SR-GTH (VandeVondele and Hutter, JCP 127, 114105) and GTH-PBE: there are none made for PBEsol."""

_XTB_LAST = atomic_numbers["Rn"]
_LANTHANIDES = range(atomic_numbers["La"], atomic_numbers["Lu"] + 1)


def kinds_of(settings: Cp2kSettings, elements: Iterable[str]) -> dict[str, Cp2kKind]:
    """Basis and pseudopotential of each element, in alphabetical order.

    Raises
    ------
    InputError
        An element that neither the settings nor the package's table know.
    """
    known = {**KINDS, **settings.kinds}
    wanted = sorted(set(elements))
    unknown = [element for element in wanted if element not in known]
    if unknown:
        raise InputError(
            f"CP2K has no basis set and pseudopotential for {', '.join(unknown)}: "
            f"name them under potential.kinds (the package's own are {', '.join(KINDS)})"
        )
    return {element: known[element] for element in wanted}


def supported_numbers(settings: Cp2kSettings) -> frozenset[int]:
    """Atomic numbers of the elements that can be computed."""
    if settings.level == "gfn1-xtb":
        return frozenset(range(1, _XTB_LAST + 1))
    return frozenset(atomic_numbers[element] for element in {**KINDS, **settings.kinds})


def require_even_electrons(settings: Cp2kSettings, numbers: Iterable[int]) -> None:
    """Refuse what closed shells cannot describe.

    Raises
    ------
    InputError
        An odd number of electrons.
    """
    numbers = [int(number) for number in numbers]
    if settings.level == "gfn1-xtb":  # noble gas cores are even; of lanthanides three electrons are treated
        electrons = sum(3 if number in _LANTHANIDES else number for number in numbers)
    else:
        symbols = [chemical_symbols[number] for number in numbers]
        kinds = kinds_of(settings, symbols)
        electrons = sum(kinds[symbol].valence_electrons for symbol in symbols)
    if electrons % 2:
        raise InputError(
            "the cell has an odd number of electrons, which closed shells cannot describe: "
            "check its composition for charge balance, or double the cell"
        )


def require_installed(kinds: dict[str, Cp2kKind], data: Path) -> None:
    """Refuse names that the installed files do not have.

    Raises
    ------
    InputError
        A file, basis set or pseudopotential that is not there.
    """
    for element, kind in kinds.items():
        for name, file in ((kind.basis, kind.basis_file), (kind.pseudopotential, kind.pseudopotential_file)):
            if not (data / file).is_file():
                raise InputError(f"CP2K's data file {file} is not in {data}: apt-get install cp2k-data")
            if (element, name) not in _names(data / file):
                raise InputError(f"{data / file} has no {name} for {element}: choose another under potential.kinds")


@cache
def _names(file: Path) -> frozenset[tuple[str, str]]:
    """(element, name) of all entries: lines that begin with an element's symbol."""
    lines = (line.split() for line in file.read_text(errors="replace").splitlines())
    return frozenset((words[0], name) for words in lines if words and words[0] in atomic_numbers for name in words[1:])
