"""CHGNet for everything that speaks ASE, atomate2's force-field makers among it."""

from __future__ import annotations

from pathlib import Path

from ase import Atoms
from ase.calculators.calculator import all_changes

from superionic.potentials.calculator import PotentialCalculator
from superionic.potentials.chgnet.evaluator import ChgnetPotential, Kernels, load_chgnet

__all__ = ["ChgnetCalculator"]


class ChgnetCalculator(PotentialCalculator):
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

    implemented_properties: tuple[str, ...] = (*PotentialCalculator.implemented_properties, "magmoms")
    potential: ChgnetPotential

    def __init__(self, path: str | Path = "0.3.0", device: str = "cpu", kernels: Kernels = "auto") -> None:
        super().__init__(load_chgnet(path, device, kernels))

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Energy, forces and stress; magnetic moments where asked for."""
        super().calculate(atoms, properties, system_changes)
        if properties and "magmoms" in properties:
            self.results["magmoms"] = self.potential.magnetic_moments(
                self.atoms.numbers, self.atoms.positions, self.atoms.cell.array
            )
