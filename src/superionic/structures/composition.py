"""Compositions of the framework: whole numbers of ions, the mobile ions that balance them, and their entropy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from pymatgen.core import Composition, Structure

from superionic.errors import InputError
from superionic.structures.crystal import Host, ion_name
from superionic.structures.pools import Pool
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
        Framework ion on every site but those of fixed anions, an empty string where there is none.

    Raises
    ------
    InputError
        If the charge cannot balance, or a species has no oxidation state.
    """
    charge = sum(cell.charge(element) for element in (*species, *cell.anions) if element)
    mobile = cell.host.mobile_species
    number = -charge / cell.charge(mobile)
    if number < -1e-8 or abs(number - round(number)) > 1e-6:
        raise InputError(
            f"the charge cannot balance: framework and anions have {charge:+g} e, which {number:g} {mobile} would have "
            "to cancel; change the composition or the oxidation states"
        )
    return round(number)


def ions_of(cell: HostSupercell, framework: Mapping[str, int]) -> dict[str, tuple[float, int]]:
    """Ions of the crystal and of a cell of it, the mobile ones as many as make the cell neutral.

    Parameters
    ----------
    cell
        The supercell.
    framework
        Ions of the framework in the cell, without the fixed anions.

    Returns
    -------
    dict[str, tuple[float, int]]
        Ion -> (amount in as much of the crystal as the cell holds, number in the cell).

    Raises
    ------
    InputError
        If the charge cannot balance.
    """
    here = Counter({ion: int(count) for ion, count in framework.items()})
    here.update(Counter(str(anion) for anion in cell.anions if anion))
    mobile = n_mobile_ions(cell, [ion for ion, count in framework.items() for _ in range(count)])
    here[cell.host.mobile_species] += mobile
    crystal = cell.crystal_ions()
    return {ion: (crystal.get(ion, 0.0), here[ion]) for ion in dict.fromkeys((*crystal, *here))}


def cell_beside_crystal(host: Host, cell: Structure) -> dict[str, tuple[float, int]]:
    """Ions of an ordered cell: ion -> (amount in as much of the crystal as the cell holds, number in the cell)."""
    n_cells = round(cell.volume / host.structure.volume)
    crystal: dict[str, float] = {}
    for site in host.structure:
        for ion, occupancy in site.species.items():
            name = ion_name(ion, host.oxidation_states)
            crystal[name] = crystal.get(name, 0.0) + n_cells * occupancy
    here = Counter(ion_name(site.specie, host.oxidation_states) for site in cell)
    return {ion: (crystal.get(ion, 0.0), here[ion]) for ion in dict.fromkeys((*crystal, *here))}


def check_ions(
    cell: HostSupercell, ions: Mapping[str, tuple[float, int]], occupancy_tolerance: float, composition_tolerance: float
) -> None:
    """Refuse a cell that lacks an ion of the crystal, or whose mobile ions are not as many.

    Parameters
    ----------
    cell
        The supercell.
    ions
        From :func:`ions_of`.
    occupancy_tolerance
        Change of an occupancy that the user accepts, of the mobile ion's own sites too.
    composition_tolerance
        Share by which the number of mobile ions may differ.

    Raises
    ------
    InputError
        If an ion vanishes, or the mobile ions differ by more than both tolerances.
    """
    lost = [ion for ion, (crystal, here) in ions.items() if crystal > 1e-6 and not here]
    if lost:
        raise InputError(
            f"the cell is too small to hold any of the {ions[lost[0]][0]:.2f} {lost[0]}: take a larger one"
        )
    mobile = cell.host.mobile_species
    labels = [label for label, row in cell.occupancies().items() if mobile in row]
    n_sites = len(cell.sites_of(labels)) if labels else 0
    wanted, here = ions[mobile]
    accepted = max(composition_tolerance * wanted, occupancy_tolerance * n_sites)
    if abs(here - wanted) > accepted + 1e-6:
        raise InputError(
            f"the crystal holds {wanted:.2f} {mobile} in this cell, but {here} make it neutral: correct the "
            "occupancies or charges, take a larger supercell, or accept it by composition_tolerance "
            f"{abs(here - wanted) / max(wanted, 1e-9) + 5e-4:.3f}"
        )


def check_room(cell: HostSupercell, pools: Sequence[Pool], n_mobile: int) -> None:
    """Refuse a cell whose framework leaves too few of the mobile ion's own sites.

    Raises
    ------
    InputError
        If more mobile ions are needed than there are sites left.
    """
    mobile = cell.host.mobile_species
    labels = [
        label for label, row in cell.occupancies().items() if row and mobile in cell.host.site(label).allowed_species
    ]
    sites = set(cell.sites_of(labels).tolist()) if labels else set()
    taken = sum(count for pool in pools if sites.issuperset(pool.sites) for count in pool.counts.values())
    if n_mobile > len(sites) - taken:
        raise InputError(
            f"{n_mobile} {mobile} make the cell neutral, but the framework leaves only {len(sites) - taken} "
            "sites for them: take a larger supercell"
        )


def in_words(ions: Mapping[str, tuple[float, int]]) -> str:
    """Ions of a cell beside those of the crystal: 'Li 24 (crystal 24.2), S 20'."""
    return ", ".join(
        f"{ion} {here}" if abs(here - crystal) < 5e-3 else f"{ion} {here} (crystal {crystal:.2f})"
        for ion, (crystal, here) in ions.items()
    )


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
