"""Relaxation of positions and cell with CHGNet."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jobflow import Job, Maker, job
from pymatgen.core import Structure

from superionic.documents import OrderingDocument, PotentialSettings, Provenance, RelaxationDocument


@dataclass
class RelaxMaker(Maker):
    """Relax an ordering; labels and oxidation states are carried over.

    Attributes
    ----------
    name
        Name of the job.
    potential
        The potential to relax with.
    max_force_eV_per_A
        Force on every atom (and generalised force on the cell) at which the relaxation has converged.
    relax_cell
        Whether the cell is relaxed too.
    max_steps
        Steps after which the relaxation stops unconverged, and says so.
    """

    name: str = "relax"
    potential: PotentialSettings = field(default_factory=PotentialSettings)
    max_force_eV_per_A: float = 0.05
    relax_cell: bool = True
    max_steps: int = 500

    @job(output_schema=RelaxationDocument)
    def make(self, ordering: OrderingDocument) -> Job:
        """Job that relaxes the ordering and stores a RelaxationDocument."""
        from ase import Atoms, units
        from ase.filters import FrechetCellFilter
        from ase.optimize import FIRE

        from superionic.potentials.chgnet.calculator import ChgnetCalculator

        start = ordering.structure
        atoms = Atoms(
            numbers=list(start.atomic_numbers), positions=start.cart_coords, cell=start.lattice.matrix, pbc=True
        )
        atoms.calc = ChgnetCalculator(self.potential.model, self.potential.device, self.potential.kernels)
        optimiser = FIRE(FrechetCellFilter(atoms) if self.relax_cell else atoms, logfile=None)
        converged = bool(optimiser.run(fmax=self.max_force_eV_per_A, steps=self.max_steps))

        relaxed = Structure(
            atoms.cell.array,
            start.species,
            atoms.positions,
            coords_are_cartesian=True,
            site_properties=start.site_properties,
        )
        energy = float(atoms.get_potential_energy())
        provenance = Provenance(potential=atoms.calc.potential.reference)
        return RelaxationDocument(
            ordering=ordering.model_copy(update={"structure": relaxed, "energy_eV": energy, "provenance": provenance}),
            energy_eV_per_atom=energy / len(atoms),
            max_force_eV_per_A=float(np.linalg.norm(atoms.get_forces(), axis=1).max()),
            pressure_GPa=float(-np.trace(atoms.get_stress(voigt=False)) / 3 / units.GPa),
            volume_change=relaxed.volume / start.volume - 1,
            n_steps=optimiser.nsteps,
            converged=converged,
            provenance=provenance,
        )
