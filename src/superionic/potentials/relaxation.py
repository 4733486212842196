"""Relaxation of positions and cell: by a code's own optimiser where it has one, else by FIRE."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from pymatgen.core import Structure

from superionic.documents import PotentialSettings
from superionic.documents.potential import VaspSettings
from superionic.potentials.interface import Evaluation, Relaxation

__all__ = ["relax"]


def relax(
    structure: Structure, settings: PotentialSettings, max_force_eV_per_A: float, relax_cell: bool, max_steps: int
) -> Relaxation:
    """Relax positions, and the cell if asked to; codes run in the working folder.

    Parameters
    ----------
    structure
        The atoms; what it says of its sites is carried over.
    settings
        The potential.
    max_force_eV_per_A
        Force on every atom (and generalised force on the cell) at which the relaxation has converged.
    relax_cell
        Whether the cell is relaxed too.
    max_steps
        Steps after which the relaxation stops unconverged, and says so.

    Raises
    ------
    InputError
        A potential that is not there, or that gives no stress where the cell is to be relaxed.
    PotentialError
        If the potential or the code failed.
    """
    if isinstance(settings, VaspSettings):
        from superionic.potentials.vasp.relaxation import relax_with_vasp

        return relax_with_vasp(structure, settings, max_force_eV_per_A, relax_cell, max_steps, Path.cwd())
    return _relax_with_fire(structure, settings, max_force_eV_per_A, relax_cell, max_steps)


def _relax_with_fire(
    structure: Structure, settings: PotentialSettings, max_force_eV_per_A: float, relax_cell: bool, max_steps: int
) -> Relaxation:
    from ase import Atoms
    from ase.filters import FrechetCellFilter
    from ase.optimize import FIRE

    from superionic.potentials.calculator import PotentialCalculator
    from superionic.potentials.checks import require_stress
    from superionic.potentials.load import load

    atoms = Atoms(
        numbers=list(structure.atomic_numbers), positions=structure.cart_coords, cell=structure.lattice.matrix, pbc=True
    )
    with closing(load(settings)) as potential:
        if relax_cell:
            require_stress(potential, "the relaxation of a cell (relax_cell)")
        atoms.calc = PotentialCalculator(potential)
        optimiser = FIRE(FrechetCellFilter(atoms) if relax_cell else atoms, logfile=None)
        converged = bool(optimiser.run(fmax=max_force_eV_per_A, steps=max_steps))
        energy, forces = float(atoms.get_potential_energy()), atoms.get_forces()
        stress = atoms.get_stress(voigt=False) if potential.gives_stress else None
    end = Structure(
        atoms.cell.array,
        structure.species,
        atoms.positions,
        coords_are_cartesian=True,
        site_properties=structure.site_properties,
    )
    return Relaxation(end, Evaluation(energy, forces, stress), optimiser.nsteps, converged, potential.reference)
