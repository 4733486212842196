"""The one door to potentials: settings in, a potential out. Importing this loads none of them.

A family is a module with ``load(settings) -> Potential``, one line in this table, and its settings in
`superionic.documents.potential`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from superionic.documents.potential import PotentialSettings
from superionic.potentials.interface import Potential

__all__ = ["load", "opened"]

_MODULES = {
    "chgnet": "superionic.potentials.chgnet.family",
    "ase": "superionic.potentials.ase",
    "cp2k": "superionic.potentials.cp2k.family",
    "vasp": "superionic.potentials.vasp.family",
    "lammps": "superionic.potentials.lammps.pair_style",
    "mace": "superionic.potentials.presets",
    "sevennet": "superionic.potentials.presets",
    "mattersim": "superionic.potentials.presets",
    "orb": "superionic.potentials.presets",
    "matgl": "superionic.potentials.presets",
    "nequip": "superionic.potentials.presets",
}


def load(settings: PotentialSettings) -> Potential:
    """The potential of these settings, in this process; close it when it is not needed any more.

    Raises
    ------
    InputError
        A model, a package or a device that is not there.
    """
    potential: Potential = _family(settings).load(settings)
    return potential


@contextmanager
def opened(settings: PotentialSettings) -> Iterator[Potential]:
    """The potential for a run: in this process, or shared with the other runs on its device; closed at the end.

    Raises
    ------
    InputError
        As `load`.
    """
    family = _family(settings)
    potential: Potential = family.load_shared(settings) if settings.in_batches else family.load(settings)
    try:
        yield potential
    finally:
        potential.close()


def _family(settings: PotentialSettings) -> Any:
    return import_module(_MODULES[settings.family])
