"""Whether a potential can run a cell."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import numpy as np
from pymatgen.core import Structure

from superionic.documents import Cp2kSettings, PotentialSettings, VaspSettings
from superionic.errors import InputError
from superionic.potentials import Potential
from superionic.potentials.checks import named


def check_runnable(structure: Structure, mobile_species: Sequence[str], potential: Potential, where: str) -> None:
    """Refuse a cell that the potential cannot run.

    Raises
    ------
    InputError
        If it lacks a mobile ion, has an element the potential does not know, or is thinner than its cutoff.
    """
    elements = {element.symbol: element.Z for element in structure.composition.element_composition}
    for ion in mobile_species:
        element = ion.rstrip("+-.0123456789")
        if ion != element and element in elements:
            raise InputError(
                f"{where}: {ion} is the mobile ion beside {element} of another charge, and a trajectory knows elements "
                "alone: D of it could not be told apart; name another mobile ion"
            )
        if ion not in elements:
            raise InputError(f"{where}: no {ion}, the mobile ion, in {structure.formula}: fill a site with it")
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


def is_code(settings: PotentialSettings) -> bool:
    """Whether these are settings of an electronic structure code, which is a program of its own."""
    return isinstance(settings, Cp2kSettings | VaspSettings)


def check_code(structure: Structure, settings: PotentialSettings, *, relaxes: bool, runs_here: bool) -> None:
    """Refuse a cell that an electronic structure code cannot calculate, before it is started.

    Parameters
    ----------
    structure
        The cell.
    settings
        Whose code it is; settings of anything else pass.
    relaxes
        Whether the cell is relaxed too.
    runs_here
        Whether the code and its data have to be here.

    Raises
    ------
    InputError
        If its mesh is too coarse, and where the code has to be here: if it, a basis set or a pseudopotential is not,
        or the cell has an odd number of electrons.
    """
    if not is_code(settings):
        return
    from superionic.potentials.load import load

    cell = structure.lattice.matrix
    if isinstance(settings, Cp2kSettings):
        from superionic.potentials.cp2k.input import require_large_enough

        require_large_enough(settings, cell)
    elif isinstance(settings, VaspSettings):
        from superionic.potentials.vasp.inputs import known_symbol, require_dense_mesh

        for element in structure.composition.element_composition:
            known_symbol(settings, element.symbol)
        if relaxes:
            require_dense_mesh(settings, "relax", cell)
    if runs_here:
        with closing(load(settings)) as potential:
            potential.session(structure.atomic_numbers)
