"""CHGNet for everything that speaks ASE, atomate2's force-field makers among it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from superionic.errors import InputError
from superionic.potentials.chgnet.evaluator import ChgnetSession, Kernels, load_chgnet

__all__ = ["ChgnetCalculator"]


class ChgnetCalculator(Calculator):
    """ASE calculator over the fast evaluator.

    In atomate2, which ignores a checkpoint's path for its own "CHGNet", name it by import path::

        ForceFieldStaticMaker(
            force_field_name={"@module": "superionic.potentials.chgnet.calculator", "@callable": "ChgnetCalculator"},
            calculator_kwargs={"path": "my_checkpoint.pth.tar"},
        )

    Parameters
    ----------
    path
        "0.3.0", "r2scan", "0.2.0" or the path of a checkpoint.
    device, kernels
        As `superionic.potentials.chgnet.load_chgnet`.

    Raises
    ------
    InputError
        As `load_chgnet`; on calculation also atoms that are not periodic along all three vectors.
    """

    implemented_properties = ("energy", "free_energy", "forces", "stress", "magmoms")

    def __init__(self, path: str | Path = "0.3.0", device: str = "cpu", kernels: Kernels = "auto") -> None:
        super().__init__()
        self.potential = load_chgnet(path, device, kernels)
        self._session: ChgnetSession | None = None

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Energy, forces and stress; magnetic moments where asked for."""
        super().calculate(atoms, properties or ["energy"], system_changes)
        if not self.atoms.pbc.all():
            raise InputError(f"pbc={self.atoms.pbc.tolist()}: CHGNet needs atoms periodic along all three vectors")
        if self._session is None or "numbers" in system_changes:
            self._session = self.potential.session(self.atoms.numbers)
        result = self._session.evaluate(self.atoms.positions, self.atoms.cell.array)
        self.results: dict[str, Any] = {
            "energy": result.energy_eV,
            "free_energy": result.energy_eV,
            "forces": result.forces_eV_per_A,
            "stress": full_3x3_to_voigt_6_stress(result.stress_eV_per_A3),
        }
        if properties and "magmoms" in properties:
            self.results["magmoms"] = self.potential.magnetic_moments(
                self.atoms.numbers, self.atoms.positions, self.atoms.cell.array
            )
