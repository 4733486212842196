"""Compositions of the framework: whole numbers of ions, the mobile ions that balance them, and their entropy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from pymatgen.core import Composition

from superionic.errors import InputError
from superionic.structures.supercell import HostSupercell

EntropyClass = Literal["low", "medium", "high"]


def parse_composition(formula: str, n_sites: int) -> dict[str, int]:
    """Read the cations of a formula such as ``In3Lu3Sc4Yb3Zr3``.

    Raises
    ------
    InputError
        If it is no formula, has fractional amounts, or does not fill the sites exactly.
    """
    try:
        amounts = Composition(formula).get_el_amt_dict()
    except ValueError as error:
        raise InputError(f"composition {formula!r} is not a formula: {error}") from error
    if not amounts or any(amount != int(amount) for amount in amounts.values()):
        raise InputError(f"composition {formula!r} must have whole numbers of ions; scale it to the {n_sites} sites")
    counts = {element: int(amount) for element, amount in amounts.items()}
    if sum(counts.values()) != n_sites:
        raise InputError(
            f"composition {formula!r} has {sum(counts.values())} ions but the supercell has {n_sites} sites for them; "
            "make them equal"
        )
    return counts


def n_mobile_ions(cell: HostSupercell, species: Sequence[str]) -> int:
    """Mobile ions that make a framework with its anions neutral.

    Parameters
    ----------
    cell
        The supercell.
    species
        Framework cation on every site, an empty string where there is none.

    Raises
    ------
    InputError
        If the charge cannot balance, or a species has no oxidation state.
    """
    charge = sum(cell.charge(element) for element in (*species, *cell.anions) if element)
    mobile = cell.host.mobile_species
    number = -charge / cell.charge(mobile)
    if number < -1e-8 or abs(number - round(number)) > 1e-8:
        raise InputError(
            f"the charge cannot balance: framework and anions have {charge:+g} e, which {number:g} {mobile} would have "
            "to cancel; change the composition or the oxidation states"
        )
    return round(number)


def configurational_entropy(counts: Mapping[str, int]) -> float:
    r"""Ideal configurational entropy per site in units of R, :math:`-\\sum_s x_s \\ln x_s`."""
    fractions = np.array([count for count in counts.values() if count], dtype=float)
    fractions /= fractions.sum()
    return float(-(fractions * np.log(fractions)).sum() + 0.0)


def entropy_class(entropy_R: float) -> EntropyClass:
    """High from 1.5 R, medium from 1 R (D. B. Miracle, O. N. Senkov, Acta Mater. 122, 448 (2017))."""
    if entropy_R >= 1.5:
        return "high"
    return "medium" if entropy_R >= 1.0 else "low"
