"""What an engine is: it starts or resumes a run, takes it on by steps, and says where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Structure

from superionic.documents import Cost, MDProtocol, MDState, PotentialReference, PotentialSettings

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """What a step reports."""

    step: int
    temperature_K: float
    potential_energy_eV: float
    conserved_energy_eV: float


@dataclass(frozen=True)
class Snapshot:
    """All that can be stored of a step.

    Attributes
    ----------
    frame
        Its values.
    positions_A, velocities_A_per_ps, forces_eV_per_A
        Shape (n_atoms, 3); positions unwrapped, all in the axes of the structure that the run started from.
    cell_A
        Cell vectors as rows, shape (3, 3).
    stress_eV_per_A3
        Of the potential alone, without the kinetic part, in ASE's sign, shape (3, 3); None if the potential gives none.
    """

    frame: Frame
    positions_A: Floats
    cell_A: Floats
    velocities_A_per_ps: Floats
    forces_eV_per_A: Floats
    stress_eV_per_A3: Floats | None


class Run(Protocol):
    """A run at one moment."""

    step: int

    def advance(self, n_steps: int = 1) -> None:
        """Integrate on.

        Raises
        ------
        PotentialError
            If the forces mean nothing any more.
        """

    def snapshot(self) -> Snapshot:
        """What can be stored of this moment."""

    def state(self) -> MDState:
        """All that the next step depends on."""


class OpenRun(NamedTuple):
    """A run, and the potential that drives it."""

    run: Run
    potential: PotentialReference


class Checks(Protocol):
    """What every engine says before anything runs."""

    def check(self, structure: Structure, protocol: MDProtocol, potential: PotentialSettings) -> None:
        """Refuse what this engine does not do, before anything runs.

        Raises
        ------
        InputError
            One sentence that names the field.
        """


class Engine(Checks, Protocol):
    """Who integrates a protocol step by step; a module of this room with these two functions."""

    def opened(
        self,
        structure: Structure,
        protocol: MDProtocol,
        potential: PotentialSettings,
        state: MDState | None,
    ) -> AbstractContextManager[OpenRun]:
        """The run at `state`, or at its start: the structure's positions, momenta from the protocol's seed.

        Parameters
        ----------
        structure
            The atoms; the positions matter only if `state` is None.
        protocol
            The protocol of the whole run.
        potential
            The potential to run with.
        state
            End state of the segment before, made by this engine.
        """


@dataclass(frozen=True)
class PackedSegment:
    """A segment that was run.

    Attributes
    ----------
    first_step
        Step of the run after which it starts.
    frames
        What every stored frame reported; none if the run exploded before the first.
    packed
        The frames as bytes.
    state
        Where the next segment starts: the last stored frame.
    stop_reason
        Why the run must not go on, None if it may.
    ns_per_day
        Speed.
    cost
        What it cost.
    potential
        What gave the forces.
    corrections
        What was changed to get past errors of the code, in words.
    """

    first_step: int
    frames: list[Frame]
    packed: bytes
    state: MDState
    stop_reason: str | None
    ns_per_day: float
    cost: Cost
    potential: PotentialReference
    corrections: Sequence[str] = ()
