"""Relaxation of positions and cell with a potential."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
from jobflow import Job, Maker, job
from pymatgen.core import Structure

from superionic.documents import ChgnetSettings, OrderingDocument, PotentialSettings, Provenance, RelaxationDocument
from superionic.documents.cost import Stopwatch


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
    potential: PotentialSettings = field(default_factory=ChgnetSettings)
    max_force_eV_per_A: float = 0.05
    relax_cell: bool = True
    max_steps: int = 500

    @job(output_schema=RelaxationDocument)
    def make(self, ordering: OrderingDocument) -> Job:
        """Job that relaxes the ordering and stores a RelaxationDocument."""
        return relaxed(ordering, self.potential, self.max_force_eV_per_A, self.relax_cell, self.max_steps)


def relaxed(
    ordering: OrderingDocument,
    potential: PotentialSettings,
    max_force_eV_per_A: float,
    relax_cell: bool,
    max_steps: int,
) -> RelaxationDocument:
    """The ordering relaxed with a potential.

    Parameters
    ----------
    ordering
        The ordering; labels and oxidation states are carried over.
    potential, max_force_eV_per_A, relax_cell, max_steps
        As for RelaxMaker.
    """
    from ase import Atoms, units
    from ase.filters import FrechetCellFilter
    from ase.optimize import FIRE

    from superionic.potentials.calculator import PotentialCalculator
    from superionic.potentials.checks import require_stress
    from superionic.potentials.load import load

    watch = Stopwatch(potential.cores)
    start = ordering.structure
    atoms = Atoms(numbers=list(start.atomic_numbers), positions=start.cart_coords, cell=start.lattice.matrix, pbc=True)
    with closing(load(potential)) as loaded:
        if relax_cell:
            require_stress(loaded, "the relaxation of a cell (relax_cell)")
        atoms.calc = PotentialCalculator(loaded)
        optimiser = FIRE(FrechetCellFilter(atoms) if relax_cell else atoms, logfile=None)
        converged = bool(optimiser.run(fmax=max_force_eV_per_A, steps=max_steps))
        energy = float(atoms.get_potential_energy())
        forces = atoms.get_forces()
        stress = atoms.get_stress(voigt=False) if loaded.gives_stress else None
    provenance = Provenance(potential=loaded.reference)

    end = Structure(
        atoms.cell.array,
        start.species,
        atoms.positions,
        coords_are_cartesian=True,
        site_properties=start.site_properties,
    )
    return RelaxationDocument(
        ordering=ordering.model_copy(update={"structure": end, "energy_eV": energy, "provenance": provenance}),
        energy_eV_per_atom=energy / len(atoms),
        max_force_eV_per_A=float(np.linalg.norm(forces, axis=1).max()),
        pressure_GPa=None if stress is None else float(-np.trace(stress) / 3 / units.GPa),
        volume_change=end.volume / start.volume - 1,
        n_steps=optimiser.nsteps,
        converged=converged,
        cost=watch.cost(),
        provenance=provenance,
    )
