"""Site labels and oxidation states, carried to structures that have lost them and read off structures from files.

CIF and POSCAR keep neither, ``Structure.replace`` drops site properties, and CHGNet's optimiser returns bare elements.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure
from scipy.optimize import linear_sum_assignment

from superionic.documents.frameworks import SupercellMatrix
from superionic.errors import InputError
from superionic.structures.crystal import ion_name
from superionic.structures.enumeration import EMPTY
from superionic.structures.host import Host, read_crystal
from superionic.structures.supercell import HostSupercell, supercell_matrix

_MAX_STRAIN = 0.1
_MAX_TILT_DEG = 5.0
_MAX_HOP_A = 2.0  # of a mobile ion from its site in a cell that was relaxed
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

    Mobile ions of the structure are ignored: they are to be placed. Anions that no configuration moves are the host's;
    their number is compared.

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
        Framework ion on every site of the supercell but those of fixed anions, an empty string where there is none.

    Raises
    ------
    InputError
        If the cell is no supercell of the host, an ion has no oxidation state, is on no named site, or has another
        number than the host allows.
    """
    if not structure.is_ordered:
        raise InputError("the structure has partial occupancies; enumerate its orderings first")
    refusal: InputError | None = None
    for matrix in _matrices_of(host, structure):
        cell = HostSupercell(host, matrix)
        try:
            return cell, _located(cell, structure)
        except InputError as error:
            refusal = refusal or error
    assert refusal is not None  # noqa: S101 - there is at least one matrix
    raise refusal


def on_named_sites(host: Host, structure: Structure) -> tuple[HostSupercell, Structure]:
    """An ordered cell with its mobile ions, as it is, with the named sites and the charges of its atoms.

    Parameters
    ----------
    host
        The crystal.
    structure
        An ordered cell of it, from a file; strained by less than 10 %.

    Returns
    -------
    cell
        The supercell.
    structure
        The same atoms at the same places, with oxidation states and the site property ``site_label``.

    Raises
    ------
    InputError
        If the cell is none of the host's, a mobile ion is near no free site of its own, or the charge does not balance.
    """
    cell, framework = framework_on_host(host, structure)
    species = list(framework)
    takes = {site.label: host.mobile_species in site.allowed_species for site in host.sites}
    free = np.array([i for i, ion in enumerate(species) if not ion and takes[str(cell.labels[i])]])
    mobile = np.array([site.frac_coords for site in structure if site.specie.symbol == host.mobile_species])
    if len(mobile) and len(free):
        deltas = mobile[:, None, :] - cell.frac_coords[free][None, :, :]
        squares = (((deltas - np.rint(deltas)) @ structure.lattice.matrix) ** 2).sum(axis=-1)
        rows, columns = linear_sum_assignment(squares)
        if len(rows) < len(mobile) or squares[rows, columns].max() > _MAX_HOP_A**2:
            raise InputError(
                f"{host.mobile_species} of the structure {structure.formula} is on no free site of host {host.name}; "
                "add sites to a host file, or take the host of this structure"
            )
        for column in columns:
            species[free[column]] = host.mobile_species
    labelled = carry_site_properties(cell.structure(species), structure)
    if abs(labelled.charge) > 1e-6:
        raise InputError(f"the structure {structure.formula} has charge {labelled.charge:+g} e: it has to be neutral")
    return cell, labelled.get_sorted_structure(key=lambda site: (site.specie.X, site.properties["site_label"]))


def _located(cell: HostSupercell, structure: Structure) -> tuple[str, ...]:
    host = cell.host
    fixed = Counter(str(anion) for anion in cell.anions if anion)
    varied = {
        ion for site in host.sites for ion in site.allowed_species if not cell.anions[cell.sites_of([site.label])[0]]
    }
    named = [(ion_name(site.specie, host.oxidation_states), site.frac_coords) for site in structure]
    ions = [
        (ion, position) for ion, position in named if ion != host.mobile_species and (ion not in fixed or ion in varied)
    ]
    if not ions and not fixed:
        raise InputError(f"the structure {structure.formula} has no framework of host {host.name}")
    still = Counter(ion for ion, _ in named if ion in fixed and ion not in varied)
    if still and any(still[ion] != count for ion, count in fixed.items() if ion not in varied):
        raise InputError(
            f"the structure {structure.formula} has {dict(still)} where host {host.name} has {dict(fixed)}: give the "
            "host of this structure"
        )
    species = [EMPTY] * len(cell.labels)
    if not ions:
        return tuple(species)
    sites, distances = cell.nearest_sites(np.array([position for _, position in ions]))
    for (ion, position), site, distance in zip(ions, sites, distances, strict=True):
        cell.charge(ion)
        if cell.anions[site] == ion and distance <= _MAX_DISTANCE_A:
            continue
        if distance > _MAX_DISTANCE_A or cell.anions[site] or species[site]:
            raise InputError(
                f"{ion} at {np.round(position, 3).tolist()} is on no free named site of host {host.name} "
                f"(the nearest, {cell.labels[site]}, is {distance:.2f} Å away); use the origin and setting of the host"
            )
        species[site] = ion
    return tuple(species)


def _matrices_of(host: Host, structure: Structure) -> list[SupercellMatrix]:
    """Supercell matrices between the lattices: in their own orientations, in the standard one, else in any."""
    ours, theirs = host.structure.lattice, structure.lattice
    standard = [Lattice.from_parameters(*lattice.parameters) for lattice in (theirs, ours)]
    found: list[SupercellMatrix] = []
    for large, small in ((theirs, ours), standard):
        ratio = large.matrix @ np.linalg.inv(small.matrix)
        whole = np.rint(ratio)
        if (
            np.abs(ratio - whole).max() < _MAX_STRAIN * max(1.0, np.abs(whole).max())
            and round(np.linalg.det(whole)) >= 1
        ):
            found.append(supercell_matrix(whole.astype(int).tolist()))
    if not found:
        mappings = ours.find_all_mappings(theirs, ltol=_MAX_STRAIN, atol=_MAX_TILT_DEG, skip_rotation_matrix=True)
        found = [supercell_matrix(scale.tolist()) for _, _, scale in mappings if round(np.linalg.det(scale)) >= 1]
    if not found:
        raise InputError(
            f"the structure's cell {np.round(theirs.parameters, 3).tolist()} is no supercell of host {host.name} "
            f"{np.round(ours.parameters, 3).tolist()}; build it with superionic enumerate or superionic decorate"
        )
    return list(dict.fromkeys(found))


def read_framework(path: Path) -> Structure:
    """Read an ordered structure from a CIF or POSCAR file.

    Raises
    ------
    InputError
        If the file is missing, of another format, or holds no ordered structure.
    """
    return read_crystal(path).structure
