"""LAMMPS at one moment of a run: what it is told, how it goes on, what is read from it."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from ase import units
from ase.data import atomic_masses
from numpy.typing import NDArray

from superionic.documents import LammpsState, MDProtocol
from superionic.dynamics.builtin.nose_hoover import degrees_of_freedom, kinetic_energy_eV
from superionic.dynamics.contract import Frame, Snapshot
from superionic.dynamics.lammps.forces import Forces
from superionic.errors import InputError, StoreError
from superionic.potentials import PotentialError
from superionic.potentials.lammps.library import Axes, current_box, per_atom, reason_of
from superionic.potentials.lammps.pair_style import VIRIAL

A_PER_PS = 1e3 * units.fs
"""ASE's unit of velocity in Å/ps."""
_BAR_PER_GPA = 1e4


class LammpsRun:
    """A run inside LAMMPS; a superionic.dynamics.contract.Run.

    Parameters
    ----------
    library
        LAMMPS with its atoms, from `create_atoms` or a restart file.
    axes
        Its axes.
    protocol, numbers
        The protocol and the atomic numbers, shape (n_atoms,).
    forces
        Who gives forces.
    folder
        For the restart file.
    state
        Where LAMMPS was started from; None at the start of the run.

    Raises
    ------
    InputError
        If LAMMPS does not take what it is told.
    """

    def __init__(
        self,
        library: Any,
        axes: Axes,
        protocol: MDProtocol,
        numbers: NDArray[np.int64],
        forces: Forces,
        folder: Path,
        state: LammpsState | None,
    ) -> None:
        self.library, self.axes, self.forces, self.folder = library, axes, forces, folder
        self.step = 0 if state is None else state.step
        self._masses = atomic_masses[numbers]
        self._cell_A = axes.back(axes.box) if protocol.ensemble != "npt" else None
        self._state = state
        self._chain_length = protocol.thermostat_chain_length
        self._isotropic_npt = protocol.ensemble == "npt" and protocol.cell_motion == "isotropic"
        try:
            forces.attach()
            library.commands_list(
                [
                    f"timestep {protocol.time_step_fs * 1e-3!r}",
                    VIRIAL,
                    "thermo_style custom step temp pe etotal press econserve c_virial[1]",
                    "thermo_modify lost error norm no",
                    f"fix motion all {motion(protocol, len(numbers))}",
                ]
            )
        except Exception as error:
            raise InputError(f"LAMMPS does not start the run: {reason_of(error)}") from error
        if state is None:
            self._command("run 0 post no")

    def advance(self, n_steps: int = 1) -> None:
        """Integrate on; set up anew, so that going on from a restart file is the same."""
        self._command(f"run {n_steps} pre yes post no")
        self.step += n_steps

    def _command(self, command: str) -> None:
        try:
            self.library.command(command)
        except Exception as error:
            self.forces.raise_failure()
            raise PotentialError(f"LAMMPS: {reason_of(error)}") from error
        self.forces.raise_failure()

    def snapshot(self) -> Snapshot:
        """All that can be stored of this moment."""
        origin, box = current_box(self.library)
        images = np.array(self.library.gather_atoms("image", 0, 3)).reshape(-1, 3)
        velocities = self.axes.back(per_atom(self.library, "v"))
        kinetic = kinetic_energy_eV(velocities / A_PER_PS * self._masses[:, None], self._masses)
        forces, stress = self.forces.now()
        return Snapshot(
            Frame(
                self.step,
                2 * kinetic / (degrees_of_freedom(len(self._masses)) * units.kB),
                self.library.get_thermo("pe"),
                self._conserved_eV(),
            ),
            self.axes.back(per_atom(self.library, "x") - origin + images @ box),
            self.axes.back(box) if self._cell_A is None else self._cell_A,
            velocities,
            forces,
            stress,
        )

    def _conserved_eV(self) -> float:
        """LAMMPS' own, but for an isotropic cell, of which ``econserve`` (22 Jul 2025) counts one term three times.

        It is the potential energy of the barostat's first thermostat; LAMMPS moves that as one degree of freedom, and
        conserves the sum of the energies that the fix gives one by one.
        """
        if not self._isotropic_npt:
            return float(self.library.get_thermo("econserve"))
        n_values = 4 * (2 * self._chain_length + 1)  # eta, omega, etap, their rates, and the energies of all of them
        energies = [self.library.extract_fix("motion", 0, 1, index) for index in range(n_values // 2, n_values)]
        return float(self.library.get_thermo("etotal") + sum(energies))

    def state(self) -> LammpsState:
        """LAMMPS' own restart file."""
        if self._state is None or self._state.step != self.step:
            file = self.folder / "restart"
            self.library.command(f'write_restart "{file}"')
            # Reading the file takes positions to fractions of a tilted box and back, which moves them in the last bit.
            # So does writing one: now this process holds what the reader of the first will.
            self.library.command(f'write_restart "{file}-again"')
            restart = file.read_bytes()
            self._state = LammpsState(
                step=self.step,
                restart=base64.b64encode(restart).decode(),
                sha256=hashlib.sha256(restart).hexdigest(),
                lammps_version=self.library.version(),
                evaluation=self.forces.remembered(),
            )
        return self._state


def read_restart(library: Any, state: LammpsState, folder: Path) -> None:
    """Fill an empty LAMMPS with the atoms of a state, and with what its thermostat and barostat will need.

    Raises
    ------
    StoreError
        If the restart file is not the one that was stored, or LAMMPS does not read it.
    """
    restart = base64.b64decode(state.restart)
    if hashlib.sha256(restart).hexdigest() != state.sha256:
        raise StoreError(f"the restart file of LAMMPS at step {state.step} fails its checksum: run the segment again")
    file = folder / "start"
    file.write_bytes(restart)
    try:
        library.commands_list([f'read_restart "{file}"', "atom_modify sort 0 0"])
    except Exception as error:
        raise StoreError(
            f"LAMMPS {library.version()} does not read the restart file that {state.lammps_version} wrote at step "
            f"{state.step}: {reason_of(error)}"
        ) from error


def motion(protocol: MDProtocol, n_atoms: int) -> str:
    """The fix that integrates: LAMMPS' Nose-Hoover chains with the masses of the built-in engine.

    Both have Q_1 = N_f k T tau^2 and Q_j = k T tau^2. LAMMPS' barostat has W = (N + 1) k T tau^2 (fix npt), the
    built-in one W = (N_f + 3) k T tau^2 / 3 = N k T tau^2; its time constant is scaled so that they agree.
    """
    if protocol.ensemble == "nve":
        return "nve"
    target, chain = repr(float(protocol.temperature_K)), protocol.thermostat_chain_length
    thermostat = f"temp {target} {target} {protocol.thermostat_time_constant_fs * 1e-3!r} tchain {chain}"
    if protocol.ensemble == "nvt":
        return f"nvt {thermostat}"
    style = "iso" if protocol.cell_motion == "isotropic" else "tri"
    pressure = repr(float(protocol.pressure_GPa * _BAR_PER_GPA))
    damping = float(protocol.barostat_time_constant_fs * 1e-3 * np.sqrt(n_atoms / (n_atoms + 1)))
    return f"npt {thermostat} {style} {pressure} {pressure} {damping!r} pchain {chain} mtk yes flip no fixedpoint 0 0 0"
