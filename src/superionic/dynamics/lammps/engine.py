"""LAMMPS as an engine: its dynamics, its thermostat and barostat, its restart files; any potential of ours, or its own.

What differs from the built-in engine, which shares the protocol:

- A step is split in another order between motion, thermostat and barostat, so that runs agree as long as chaos lets
  them, and then in their averages. Constants of nature differ in the seventh digit (LAMMPS' ``units metal``).
- The barostat's own chain has Q_1 = k T tau^2, where the built-in one counts its 6 degrees of freedom for a cell that
  changes its shape.
- The cell of an NPT run keeps a along its first direction and b in its first plane (it may shear), where that of the
  built-in engine keeps its strain symmetric. No result depends on it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import atomic_masses
from pymatgen.core import Structure

from superionic.documents import LammpsState, MDProtocol, MDState
from superionic.documents.potential import PairStyleSettings, PotentialSettings
from superionic.dynamics.builtin.start import initial_state
from superionic.dynamics.contract import OpenRun
from superionic.dynamics.lammps.forces import External, Forces, PairStyle, unpacked_evaluation
from superionic.dynamics.lammps.run import A_PER_PS, LammpsRun, read_restart
from superionic.errors import InputError
from superionic.potentials import Potential, PotentialError
from superionic.potentials.checks import require_stress
from superionic.potentials.lammps.library import (
    Axes,
    create_atoms,
    require_lammps,
    require_right_handed,
    start_lammps,
)
from superionic.potentials.lammps.pair_style import kinds_of, require_elements
from superionic.potentials.load import opened as opened_potential

MOST_ATOMS = 50_000
"""A state travels from job to job within documents, which databases limit to 16 MB: 150 bytes an atom."""


def check(structure: Structure, protocol: MDProtocol, potential: PotentialSettings) -> None:
    """Refuse what LAMMPS does not do.

    Raises
    ------
    InputError
        If it is not installed, masses are not the standard ones, the cell is left-handed, there are too many atoms for
        a state, or the pair style does not name all elements.
    """
    require_lammps()
    if protocol.masses_u:
        raise InputError("masses_u: engine = 'lammps' runs with standard masses: take engine: built-in")
    require_right_handed(structure.lattice.matrix)
    if len(structure) > MOST_ATOMS:
        raise InputError(f"engine = 'lammps' takes up to {MOST_ATOMS} atoms, not {len(structure)}: use a smaller cell")
    if isinstance(potential, PairStyleSettings):
        require_elements(potential, [element.symbol for element in structure.composition.element_composition])


@contextmanager
def opened(
    structure: Structure, protocol: MDProtocol, potential: PotentialSettings, state: MDState | None
) -> Iterator[OpenRun]:
    """As superionic.dynamics.contract.Engine says."""
    if state is not None and not isinstance(state, LammpsState):
        raise InputError("engine = 'lammps' cannot go on from a state of the built-in engine: keep the engine of a run")
    with (
        tempfile.TemporaryDirectory(prefix="superionic-lammps-") as folder,
        opened_potential(potential) as found,
        closing(start_lammps()) as library,
    ):
        if protocol.ensemble == "npt":
            require_stress(found, "ensemble = 'npt'")
        yield OpenRun(_run(library, structure, protocol, potential, found, state, Path(folder)), found.reference)


def _run(
    library: Any,
    structure: Structure,
    protocol: MDProtocol,
    potential: PotentialSettings,
    found: Potential,
    state: LammpsState | None,
    folder: Path,
) -> LammpsRun:
    numbers, cell = np.array(structure.atomic_numbers), structure.lattice.matrix
    axes = Axes(cell)
    if state is None:
        kinds = kinds_of(potential) if isinstance(potential, PairStyleSettings) else sorted(set(numbers.tolist()))
        create(library, axes, structure, protocol, kinds)
    else:
        read_restart(library, state, folder)
    forces: Forces
    if isinstance(potential, PairStyleSettings):
        forces = PairStyle(library, axes, potential)
    else:
        remembered = None
        if state is not None and state.evaluation is not None:
            remembered = state.step, unpacked_evaluation(state.evaluation)
        fixed_cell = None if protocol.ensemble == "npt" else cell
        forces = External(library, axes, found.session(numbers).evaluate, fixed_cell, remembered)
    try:
        return LammpsRun(library, axes, protocol, numbers, forces, folder, state)
    except PotentialError as error:
        raise InputError(f"the run does not start: {error}") from error


def create(library: Any, axes: Axes, structure: Structure, protocol: MDProtocol, kinds: list[int]) -> None:
    """Fill an empty LAMMPS with the start of a run, the very one of the built-in engine.

    Parameters
    ----------
    library, axes
        LAMMPS and the axes of the structure's cell in it.
    structure, protocol
        Where the run starts; the momenta are from the protocol's seed.
    kinds
        Atomic number of atom type 1, 2, ...
    """
    numbers = np.array(structure.atomic_numbers)
    velocities = np.array(initial_state(structure, protocol).momenta) / atomic_masses[numbers][:, None] * A_PER_PS
    positions = axes.to_lammps(structure.cart_coords)
    create_atoms(library, axes.box, kinds, numbers, positions, axes.to_lammps(velocities))
