"""How a run starts."""

from __future__ import annotations

import json

import numpy as np
from pymatgen.core import Structure

from superionic.documents import BuiltinState, MDProtocol
from superionic.dynamics.builtin.nose_hoover import maxwell_boltzmann
from superionic.dynamics.masses import masses_u


def initial_state(structure: Structure, protocol: MDProtocol) -> BuiltinState:
    """State at step 0: the structure's positions, Maxwell-Boltzmann momenta from the protocol's seed."""
    generator = np.random.default_rng(protocol.seed)
    masses = masses_u(structure.atomic_numbers, protocol)
    momenta = maxwell_boltzmann(masses, protocol.temperature_K, generator)
    return BuiltinState(
        step=0,
        positions_A=structure.cart_coords.tolist(),
        momenta=momenta.tolist(),
        cell_A=structure.lattice.matrix.tolist(),
        thermostat_positions=[],
        thermostat_momenta=[],
        random_state=json.dumps(generator.bit_generator.state),
    )
