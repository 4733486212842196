"""Site labels and oxidation states, carried to structures that have lost them and read off structures from files.

CIF and POSCAR keep neither, ``Structure.replace`` drops site properties, and CHGNet's optimiser returns bare elements.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure
from scipy.optimize import linear_sum_assignment

from superionic.documents.frameworks import SupercellMatrix
from superionic.errors import InputError
from superionic.structures.enumeration import EMPTY
from superionic.structures.host import Host
from superionic.structures.supercell import HostSupercell, supercell_matrix

_MAX_STRAIN = 0.1
_MAX_DISTANCE_A = 1.2  # well below the distance between neighbouring sites, well above a relaxation


def carry_site_properties(labelled: Structure, bare: Structure, max_displacement_A: float = 3.0) -> Structure:
    """Give the atoms of a structure the site properties and oxidation states of the atoms they come from.

    Atoms are matched element by element so that the sum of squared displacements is smallest, after a
    common drift has been taken out; their order does not matter.

    Parameters
    ----------
    labelled
        The structure before, with site properties and oxidation states.
    bare
        The same atoms after a relaxation, a sorting or a round trip through a file.
    max_displacement_A
        Largest displacement in Å at which two atoms are still taken for the same one.

    Returns
    -------
    Structure
        A copy of `bare`, in its own order.

    Raises
    ------
    InputError
        If the compositions differ or an atom would have moved too far.
    """
    before = np.array([site.specie.symbol for site in labelled])
    after = np.array([site.specie.symbol for site in bare])
    if sorted(before) != sorted(after):
        raise InputError(
            f"structures {labelled.formula} and {bare.formula} have different atoms; labels cannot be carried"
        )
    matrix = bare.lattice.matrix
    source, distances = _assigned(labelled.frac_coords, bare.frac_coords, before, after, matrix)
    shifts = bare.frac_coords - labelled.frac_coords[source]
    drift = np.median(shifts - np.rint(shifts), axis=0)
    source, distances = _assigned(labelled.frac_coords + drift, bare.frac_coords, before, after, matrix)
    if distances.max() > max_displacement_A:
        raise InputError(
            f"an atom would have moved {distances.max():.2f} Å, more than max_displacement_A {max_displacement_A:g}; "
            "these are not the same cell"
        )
    properties = {name: [values[index] for index in source] for name, values in labelled.site_properties.items()}
    return Structure(
        bare.lattice,
        [labelled[int(index)].specie for index in source],
        bare.frac_coords,
        site_properties={**bare.site_properties, **properties},
    )


def _assigned(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    elements_before: NDArray[np.str_],
    elements_after: NDArray[np.str_],
    lattice: NDArray[np.float64],
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Atom before that each atom after comes from, and the distance between the two in Å."""
    source = np.empty(len(after), dtype=np.intp)
    for element in np.unique(elements_after):
        old, new = np.flatnonzero(elements_before == element), np.flatnonzero(elements_after == element)
        deltas = after[new][:, None, :] - before[old][None, :, :]
        squares = (((deltas - np.rint(deltas)) @ lattice) ** 2).sum(axis=-1)
        rows, columns = linear_sum_assignment(squares)
        source[new[rows]] = old[columns]
    deltas = after - before[source]
    return source, np.linalg.norm((deltas - np.rint(deltas)) @ lattice, axis=1)


def framework_on_host(host: Host, structure: Structure) -> tuple[HostSupercell, tuple[str, ...]]:
    """Find the supercell of the host and the named site of every framework cation of a structure.

    Mobile ions and anions of the structure are ignored: the mobile ones are to be placed, the anions are the host's.

    Parameters
    ----------
    host
        The crystal.
    structure
        An ordered cell of it, from a file or a document; strained by less than 10 %.

    Returns
    -------
    cell
        The supercell.
    species
        Framework cation on every site of the supercell, an empty string where there is none.

    Raises
    ------
    InputError
        If the cell is no supercell of the host, a cation has no oxidation state, or it is on no named site.
    """
    cell = HostSupercell(host, _matrix_of(host, structure))
    species = [EMPTY] * len(cell.labels)
    skip = {host.mobile_species, *host.anion_species}
    if not structure.is_ordered:
        raise InputError("the structure has partial occupancies; enumerate its orderings first")
    cations = [site for site in structure if site.specie.symbol not in skip]
    if not cations:
        raise InputError(f"the structure {structure.formula} has no framework cations of host {host.name}")
    sites, distances = cell.nearest_sites(np.array([site.frac_coords for site in cations]))
    for cation, site, distance in zip(cations, sites, distances, strict=True):
        element = cation.specie.symbol
        cell.charge(element)
        if distance > _MAX_DISTANCE_A or cell.anions[site] or species[site]:
            raise InputError(
                f"{element} at {np.round(cation.frac_coords, 3).tolist()} is on no free named site of host {host.name} "
                f"(the nearest, {cell.labels[site]}, is {distance:.2f} Å away); use the origin and setting of the host"
            )
        species[site] = element
    return cell, tuple(species)


def _matrix_of(host: Host, structure: Structure) -> SupercellMatrix:
    """Supercell matrix between the lattices, in their own orientations or in the standard one."""
    ours, theirs = host.structure.lattice, structure.lattice
    standard = [Lattice.from_parameters(*lattice.parameters) for lattice in (theirs, ours)]
    for large, small in ((theirs, ours), standard):
        ratio = large.matrix @ np.linalg.inv(small.matrix)
        whole = np.rint(ratio)
        if (
            np.abs(ratio - whole).max() < _MAX_STRAIN * max(1.0, np.abs(whole).max())
            and round(np.linalg.det(whole)) >= 1
        ):
            return supercell_matrix(whole.astype(int).tolist())
    raise InputError(
        f"the structure's cell {np.round(theirs.parameters, 3).tolist()} is no supercell of host {host.name} "
        f"{np.round(ours.parameters, 3).tolist()}; build it with superionic enumerate or superionic decorate"
    )


def read_framework(path: Path) -> Structure:
    """Read an ordered structure from a CIF, POSCAR or pymatgen JSON file.

    Raises
    ------
    InputError
        If the file is missing or not readable as a structure.
    """
    if not path.is_file():
        raise InputError(f"structure file {str(path)!r} does not exist")
    try:
        return Structure.from_file(path)
    except (ValueError, KeyError, IndexError, AssertionError, AttributeError) as error:
        raise InputError(f"structure file {str(path)!r} is not readable: {error}") from error
