"""Whether a potential can run a cell."""

from __future__ import annotations

import numpy as np
from pymatgen.core import Structure

from superionic.errors import InputError
from superionic.potentials import Potential
from superionic.potentials.checks import named


def check_runnable(structure: Structure, mobile_species: str, potential: Potential, where: str) -> None:
    """Refuse a cell that the potential cannot run.

    Raises
    ------
    InputError
        If it lacks the mobile ion, has an element the potential does not know, or is thinner than its cutoff.
    """
    elements = {element.symbol: element.Z for element in structure.composition.element_composition}
    if mobile_species not in elements:
        raise InputError(f"{where}: no {mobile_species}, the mobile ion, in {structure.formula}: fill a site with it")
    known = potential.supported_numbers
    unknown = sorted(symbol for symbol, number in elements.items() if known is not None and number not in known)
    if unknown:
        raise InputError(f"{where}: element {unknown[0]} is unknown to {named(potential)}: use another potential")
    thinnest = 2 * np.pi / max(structure.lattice.reciprocal_lattice.abc)
    if potential.cutoff_A is not None and thinnest < potential.cutoff_A:
        raise InputError(
            f"{where}: supercell is {thinnest:.2f} Å thin, less than the cutoff of {named(potential)}, "
            f"{potential.cutoff_A:g} Å, so that ions would see their own images: use a larger supercell"
        )
