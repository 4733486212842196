"""The density of a run's mobile ions as a file to look at, among the mean places of its framework."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Chgcar, Poscar

from superionic.analysis import Density
from superionic.analysis.distributions.density import anchored_density
from superionic.analysis.frames import mean_cell, thinned
from superionic.analysis.motion import analysed_positions
from superionic.documents import DiffusivityDocument
from superionic.errors import InputError
from superionic.trajectories import Trajectory

Floats = NDArray[np.float64]

_FRAMES = 200
_POINTS_AT_CENTRES = (0.5, 0.5, 0.5)


def write_density(trajectory: Trajectory, document: DiffusivityDocument, path: Path) -> None:
    """Write the density that a document holds as CHGCAR, with the framework that the run has on average.

    Parameters
    ----------
    trajectory
        The run.
    document
        Its document; the density is taken from the run if an older version made it.
    path
        New file.

    Raises
    ------
    InputError
        If the file exists already.
    """
    if path.exists():
        raise InputError(f"{str(path)!r} exists already: choose another name with --out")
    run = replace(trajectory, equilibration_ps=document.equilibration_ps)
    if document.density is None:
        positions = analysed_positions(run, run.mobile)
        density = anchored_density(positions, mean_cell(run), run.temperature_K, document.settings.density_spacing_A)
    else:
        density = Density.from_document(document.density)
    sample = thinned(run, _FRAMES)
    framework = analysed_positions(sample, run.framework, continuous=False).mean(axis=0)
    framework = framework @ np.linalg.inv(mean_cell(sample)) @ mean_cell(run)
    chgcar(density, [run.species[atom] for atom in run.framework], framework).write_file(str(path))


def chgcar(density: Density, species: list[str], positions_A: Floats) -> Chgcar:
    """The density and ions at the given Cartesian positions in Å as a CHGCAR: ions / Å^3 x volume of the cell.

    The points of its grid are the centres of the voxels; ions are moved as the grid is, by less than a voxel, and so
    lie where they are in the density.
    """
    values, off_A = density.from_origin(_POINTS_AT_CENTRES)
    order = np.argsort(species, kind="stable")  # one block an element
    crystal = Structure(
        Lattice(density.cell_A),
        [species[ion] for ion in order],
        positions_A[order] - off_A,
        coords_are_cartesian=True,
        to_unit_cell=True,
    )
    return Chgcar(Poscar(crystal, comment="density of the mobile ions"), {"total": values * crystal.volume})
