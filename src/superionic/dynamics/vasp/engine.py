"""VASP as an engine: what of a protocol it can honour, and how INCAR says it.

What differs from the built-in engine, which shares the protocol:

- Its Nose-Hoover thermostat (MDALGO = 2) has no chain. Its mass SMASS is in u times the square of the first lattice
  vector, so that Q = N_f k T tau^2 of the protocol is SMASS = N_f k T tau^2 / (u |a|^2).
- CONTCAR holds positions and velocities, not the thermostat's own variables: every segment starts with a thermostat at
  rest. Positions, velocities and temperature are continuous, the conserved quantity has a new zero.
- Masses are those of its POTCARs.
- The frame at which a segment starts is the one whose forces the segment before did not calculate any more, so that no
  frame is calculated or stored twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import units
from numpy.typing import NDArray
from pymatgen.core import Structure

from superionic.documents import MDProtocol
from superionic.documents.potential import PotentialSettings, VaspSettings
from superionic.errors import InputError

__all__ = ["check", "md_tags", "nose_mass"]


def check(structure: Structure, protocol: MDProtocol, potential: PotentialSettings) -> None:
    """Refuse what VASP does not do.

    Raises
    ------
    InputError
        Another potential than VASP's, masses of our own, NPT, a chain of thermostats, velocities of every frame, or a
        cell that is too small for the mesh.
    """
    from superionic.potentials.vasp.inputs import require_dense_mesh

    if not isinstance(potential, VaspSettings):
        raise InputError(
            f"engine = 'vasp' integrates with its own forces only, not with {potential.family}: leave engine out"
        )
    if protocol.masses_u:
        raise InputError("masses_u: VASP runs with the masses of its potentials (POMASS): leave it out")
    if protocol.ensemble == "npt":
        raise InputError(
            "ensemble = 'npt' is not there with VASP, whose only thermostat at constant pressure is Langevin's, which "
            "damps diffusion: run nvt at the relaxed volume"
        )
    if protocol.ensemble == "nvt" and protocol.thermostat_chain_length != 1:
        raise InputError(
            f"thermostat_chain_length = {protocol.thermostat_chain_length}: VASP's Nose-Hoover thermostat has no chain "
            "(MDALGO = 2): set it to 1, or leave it out"
        )
    if protocol.velocity_stride is not None:
        raise InputError("velocity_stride: VASP writes no velocities of its frames: leave it out")
    require_dense_mesh(potential, "aimd", structure.lattice.matrix)


def md_tags(protocol: MDProtocol, n_steps: int, n_atoms: int, cell_A: NDArray[np.float64]) -> dict[str, Any]:
    """What INCAR says of molecular dynamics.

    Parameters
    ----------
    protocol
        The protocol of the run.
    n_steps
        Ionic steps of the segment.
    n_atoms, cell_A
        Of the cell, vectors as rows.
    """
    tags = {
        "NSW": n_steps,
        "POTIM": protocol.time_step_fs,
        "TEBEG": protocol.temperature_K,
        "TEEND": protocol.temperature_K,
    }
    if protocol.ensemble == "nve":
        return tags | {"MDALGO": 1, "ANDERSEN_PROB": 0.0}
    return tags | {"MDALGO": 2, "SMASS": nose_mass(protocol, n_atoms, cell_A)}


def nose_mass(protocol: MDProtocol, n_atoms: int, cell_A: NDArray[np.float64]) -> float:
    """SMASS of the protocol's time constant.

    Q = N_f k T tau^2 with N_f = 3 N - 3 (the momentum is zero), in VASP's unit of u times the square of the length of
    the first lattice vector. The temperature of a small fluctuation then oscillates with the angular frequency
    sqrt(2 N_f k T / Q) = sqrt(2) / tau (S. Nose, J. Chem. Phys. 81, 511 (1984)); SMASS = 0 would choose the Q for which
    that takes 40 steps (VASP wiki, SMASS).
    """
    mass_u_A2 = (
        (3 * n_atoms - 3) * units.kB * protocol.temperature_K * (protocol.thermostat_time_constant_fs * units.fs) ** 2
    )
    return round(float(mass_u_A2 / (cell_A[0] @ cell_A[0])), 6)
