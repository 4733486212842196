"""Any potential for everything that speaks ASE."""

from __future__ import annotations

from typing import Any

from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from superionic.errors import InputError
from superionic.potentials.checks import named
from superionic.potentials.interface import Potential, Session

__all__ = ["PotentialCalculator"]


class PotentialCalculator(Calculator):
    """ASE calculator over a potential.

    Parameters
    ----------
    potential
        What evaluates.

    Raises
    ------
    InputError
        On calculation, atoms that are not periodic along all three vectors; and as the potential's sessions.
    """

    implemented_properties: tuple[str, ...] = ("energy", "free_energy", "forces", "stress")

    def __init__(self, potential: Potential) -> None:
        super().__init__()
        self.potential = potential
        self._session: Session | None = None

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Energy, forces and, where the potential gives one, stress."""
        super().calculate(atoms, properties or ["energy"], system_changes)
        if not self.atoms.pbc.all():
            raise InputError(
                f"pbc={self.atoms.pbc.tolist()}: {named(self.potential)} needs atoms periodic along all three vectors"
            )
        if self._session is None or "numbers" in system_changes:
            self._session = self.potential.session(self.atoms.numbers)
        result = self._session.evaluate(self.atoms.positions, self.atoms.cell.array)
        self.results: dict[str, Any] = {
            "energy": result.energy_eV,
            "free_energy": result.energy_eV,
            "forces": result.forces_eV_per_A,
        }
        if result.stress_eV_per_A3 is not None:
            self.results["stress"] = full_3x3_to_voigt_6_stress(result.stress_eV_per_A3)
