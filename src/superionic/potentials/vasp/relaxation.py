"""Relaxation by VASP itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from pymatgen.core import Structure

from superionic.documents.vasp import VaspSettings
from superionic.potentials.interface import Relaxation
from superionic.potentials.vasp.family import last_step, reference
from superionic.potentials.vasp.inputs import grouped, input_set, require_dense_mesh
from superionic.potentials.vasp.installed import (
    potcar_sha256,
    require_command,
    require_even_electrons,
    require_potcars,
)

__all__ = ["relax_with_vasp"]


def relax_with_vasp(
    structure: Structure,
    settings: VaspSettings,
    max_force_eV_per_A: float,
    relax_cell: bool,
    max_steps: int,
    folder: Path,
) -> Relaxation:
    """Relax positions, and the cell if asked to, in a folder.

    Parameters
    ----------
    structure
        Atoms in any order; what it says of its sites is carried over.
    settings
        The reference.
    max_force_eV_per_A, relax_cell, max_steps
        As of a RelaxMaker: EDIFFG, ISIF and NSW.
    folder
        VASP runs in a folder of its own there.

    Raises
    ------
    InputError
        If VASP or a POTCAR is not there, or the cell is too small for the mesh.
    PotentialError
        If VASP failed.
    """
    from atomate2.vasp.jobs.core import RelaxMaker

    from superionic.potentials.vasp.run import VASP_SPEED, run_vasp

    symbols = [site.specie.symbol for site in structure]
    require_command()
    potcars = require_potcars(settings, symbols)
    require_even_electrons(potcars, symbols)
    require_dense_mesh(settings, "relax", structure.lattice.matrix)
    atoms, order = grouped(structure)
    tags = {"EDIFFG": -max_force_eV_per_A, "ISIF": 3 if relax_cell else 2, "NSW": max_steps}
    maker = RelaxMaker(input_set_generator=input_set(settings, "relax", tags), run_vasp_kwargs=dict(VASP_SPEED))
    place = folder / "vasp-relax"
    shutil.rmtree(place, ignore_errors=True)  # what an earlier relaxation left would be read with this one
    place.mkdir()
    outcome = run_vasp(maker, atoms, place)
    calculation = outcome.task.calcs_reversed[0]
    found = calculation.output.structure
    positions = np.empty((len(order), 3))
    positions[order] = found.frac_coords
    positions -= np.rint(positions - structure.frac_coords)
    evaluation = last_step(outcome.task, order)
    largest = float(np.linalg.norm(evaluation.forces_eV_per_A, axis=1).max())
    return Relaxation(
        structure=Structure(found.lattice, structure.species, positions, site_properties=structure.site_properties),
        evaluation=evaluation,
        n_steps=len(calculation.output.ionic_steps),
        converged=largest <= max_force_eV_per_A,
        potential=reference(settings, "relax", outcome.version, potcar_sha256(potcars)),
        cores=outcome.cores,
    )
