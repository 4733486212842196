"""The built-in engine: the protocol as molecular dynamics with the package's own integrator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from pymatgen.core import Structure

from superionic.documents import BuiltinState, MDProtocol, MDState, PotentialSettings
from superionic.documents.potential import PairStyleSettings, VaspSettings
from superionic.dynamics.builtin.integrator import Integrator
from superionic.dynamics.builtin.start import initial_state
from superionic.dynamics.contract import OpenRun
from superionic.dynamics.masses import masses_u
from superionic.errors import InputError
from superionic.potentials.checks import require_stress
from superionic.potentials.load import opened as opened_potential


def check(structure: Structure, protocol: MDProtocol, potential: PotentialSettings) -> None:
    """It does all that a protocol can ask for, with any potential but a pair style, and VASP.

    Raises
    ------
    InputError
        If the potential is a pair style of LAMMPS, or VASP, or a mass is of no element of the cell.
    """
    masses_u(structure.atomic_numbers, protocol)
    if isinstance(potential, PairStyleSettings):
        raise InputError("potential: family = 'lammps' is a pair style of LAMMPS: run it with md: {engine: lammps}")
    if isinstance(potential, VaspSettings):
        raise InputError("engine: built-in does not drive VASP, which integrates by itself: give it as the reference")


@contextmanager
def opened(
    structure: Structure, protocol: MDProtocol, potential: PotentialSettings, state: MDState | None
) -> Iterator[OpenRun]:
    """As superionic.dynamics.contract.Engine says."""
    if state is not None and not isinstance(state, BuiltinState):
        raise InputError("engine = 'built-in' cannot go on from a state of LAMMPS: keep the engine of a run")
    numbers = np.array(structure.atomic_numbers)
    with opened_potential(potential) as found:
        if protocol.ensemble == "npt":
            require_stress(found, "ensemble = 'npt'")
        session = found.session(numbers)
        start = state or initial_state(structure, protocol)
        yield OpenRun(Integrator(start, numbers, protocol, session.evaluate), found.reference)
