"""Relaxation of positions and cell with a potential."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jobflow import Job, Maker, job

from superionic.documents import ChgnetSettings, OrderingDocument, PotentialSettings, Provenance, RelaxationDocument
from superionic.documents.cost import Cost, Stopwatch


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
    from ase import units

    from superionic.potentials.relaxation import relax

    watch = Stopwatch(potential.cores)
    start = ordering.structure
    found = relax(start, potential, max_force_eV_per_A, relax_cell, max_steps)
    cost = watch.cost()
    if found.cores is not None:
        cost = Cost.of(cost.wall_s, None, found.cores)
    end, provenance = found.structure, Provenance(potential=found.potential)
    energy, stress = found.evaluation.energy_eV, found.evaluation.stress_eV_per_A3
    return RelaxationDocument(
        ordering=ordering.model_copy(update={"structure": end, "energy_eV": energy, "provenance": provenance}),
        energy_eV_per_atom=energy / len(end),
        max_force_eV_per_A=float(np.linalg.norm(found.evaluation.forces_eV_per_A, axis=1).max()),
        pressure_GPa=None if stress is None else float(-np.trace(stress) / 3 / units.GPa),
        volume_change=end.volume / start.volume - 1,
        n_steps=found.n_steps,
        converged=found.converged,
        cost=cost,
        provenance=provenance,
    )
