"""What a potential is: atoms in a periodic cell in, energy, forces and stress out.

Everything that runs or relaxes knows potentials through this file alone; `superionic.potentials.load` makes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pymatgen.core import Structure

from superionic.documents import PotentialReference
from superionic.errors import InputError, SimulationError

__all__ = ["Evaluation", "IsolatedAtomError", "Potential", "PotentialError", "Relaxation", "Session"]

FloatArray = NDArray[np.float64]


class PotentialError(SimulationError):
    """The atoms are where the potential has no meaning: not finite, on top of each other, or exploded."""


class IsolatedAtomError(PotentialError, InputError):
    """An atom has no neighbour within the cutoff: bad input at the first step, an explosion at a later one."""


@dataclass(frozen=True)
class Evaluation:
    """What a potential says about a system.

    Attributes
    ----------
    energy_eV : float
        Total energy.
    forces_eV_per_A : (n_atoms, 3) float64
    stress_eV_per_A3 : (3, 3) float64
        ASE's sign: positive where the cell wants to shrink, (1/V) dE/d(strain). None where the potential gives none.
    magnetic_moments_muB : (n_atoms,) float64
        In Bohr magnetons; None where the potential gives none or none were asked for.
    force_uncertainty_eV_per_A : (n_atoms,) float64
        1 sigma of the force on each atom as the potential itself states it; None where it states none.
    """

    energy_eV: float
    forces_eV_per_A: FloatArray
    stress_eV_per_A3: FloatArray | None
    magnetic_moments_muB: FloatArray | None = None
    force_uncertainty_eV_per_A: FloatArray | None = None

    def require_finite(self, who: str) -> Evaluation:
        """The evaluation itself, if it holds numbers only.

        Parameters
        ----------
        who
            Name of the potential, for the error.

        Raises
        ------
        PotentialError
            If it does not.
        """
        known = [self.energy_eV, self.forces_eV_per_A.sum()]
        if self.stress_eV_per_A3 is not None:
            known.append(self.stress_eV_per_A3.sum())
        if np.isfinite(known).all():
            return self
        raise PotentialError(f"{who}: energy, forces or stress are not finite: the structure has exploded or collapsed")

    def require_stress(self) -> FloatArray:
        """The stress of a potential that gives one.

        Raises
        ------
        InputError
            If it gives none; what needs a stress asks `Potential.gives_stress` before it starts.
        """
        if self.stress_eV_per_A3 is None:
            raise InputError(
                "the potential gives no stress: neither NPT nor a relaxation of the cell can be run with it"
            )
        return self.stress_eV_per_A3


@dataclass(frozen=True)
class Relaxation:
    """Where a relaxation ended.

    Attributes
    ----------
    structure
        Positions and cell of the last step, atoms as in the structure that was relaxed.
    evaluation
        Energy, forces and stress there.
    n_steps
        Ionic steps.
    converged
        Whether all forces are as small as was asked for.
    potential
        What gave the forces, exactly.
    cores
        Cores that a code said it ran on; None for those of this process.
    """

    structure: Structure
    evaluation: Evaluation
    n_steps: int
    converged: bool
    potential: PotentialReference
    cores: int | None = None


class Session(Protocol):
    """One system on its way through configuration space; made by `Potential.session`.

    It may keep what makes the next evaluation fast, such as a neighbour list; results depend on the positions and the
    cell alone, to the last bit, never on what was evaluated before: a chain of segments that was interrupted goes on
    as if it had not been.
    """

    def evaluate(self, positions_A: ArrayLike, cell_A: ArrayLike) -> Evaluation:
        """Energy, forces and stress.

        Parameters
        ----------
        positions_A : (n_atoms, 3)
            Cartesian, wrapped or not.
        cell_A : (3, 3)
            Lattice vectors in rows; periodic along all three.

        Raises
        ------
        InputError
            Wrong shapes or a flat cell.
        IsolatedAtomError
            An atom that the potential sees no neighbour of, where that has no meaning for it.
        PotentialError
            Positions or results that are not finite, or atoms on top of each other.
        """
        ...


class Potential(Protocol):
    """What gives energy, forces and stress, and says exactly what it is."""

    @property
    def reference(self) -> PotentialReference:
        """Family, model, weights, version: what stands in every document of what it ran."""
        ...

    @property
    def supported_numbers(self) -> frozenset[int] | None:
        """Atomic numbers of the elements that it knows; None if it cannot tell before it is asked."""
        ...

    @property
    def cutoff_A(self) -> float | None:
        """Range of the interactions; a cell thinner than it lets ions see their own images. None if unknown."""
        ...

    @property
    def gives_stress(self) -> bool:
        """Whether there is a stress: without it, neither NPT nor the relaxation of a cell."""
        ...

    def session(self, numbers: ArrayLike) -> Session:
        """Start on one system.

        Parameters
        ----------
        numbers : (n_atoms,) int
            Atomic numbers.

        Raises
        ------
        InputError
            No atoms, or an element that the potential does not know.
        """
        ...

    def close(self) -> None:
        """Let go of what the potential holds outside this process' memory: connections, processes, licences."""
        ...
