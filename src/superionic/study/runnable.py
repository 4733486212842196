"""Whether a potential can run a cell."""

from __future__ import annotations

import numpy as np
from pymatgen.core import Structure

from superionic.documents import PotentialSettings
from superionic.errors import InputError


def check_runnable(structure: Structure, mobile_species: str, potential: PotentialSettings, where: str) -> None:
    """Refuse a cell that the potential cannot run.

    Raises
    ------
    InputError
        If it lacks the mobile ion, has an element the potential does not know, or is thinner than its cutoff.
    """
    from superionic.potentials.chgnet import load_chgnet

    chgnet = load_chgnet(potential.model, potential.device, potential.kernels)
    elements = {element.symbol: element.Z for element in structure.composition.element_composition}
    if mobile_species not in elements:
        raise InputError(f"{where}: no {mobile_species}, the mobile ion, in {structure.formula}: fill a site with it")
    unknown = sorted(symbol for symbol, number in elements.items() if number not in chgnet.supported_numbers)
    if unknown:
        raise InputError(f"{where}: element {unknown[0]} is unknown to CHGNet {potential.model}: use another potential")
    thinnest = 2 * np.pi / max(structure.lattice.reciprocal_lattice.abc)
    if thinnest < chgnet.cutoff_A:
        raise InputError(
            f"{where}: supercell is {thinnest:.2f} Å thin, less than CHGNet's cutoff of {chgnet.cutoff_A:g} Å, so that "
            "ions would see their own images: use a larger supercell"
        )
