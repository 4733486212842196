"""A supercell of a host as a list of named sites, full or empty, and the group that permutes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pymatgen.core import Lattice, Species, Structure
from scipy.spatial import cKDTree

from superionic.documents.frameworks import SupercellMatrix
from superionic.errors import InputError
from superionic.structures.alternatives import ALTERNATIVE_A, alternative_pairs
from superionic.structures.crystal import Host, bare_element, ion_name
from superionic.structures.distances import require_distances
from superionic.structures.enumeration import EMPTY
from superionic.structures.symmetry import SAME_SITE_A, space_group


def supercell_matrix(supercell: Sequence[int] | Sequence[Sequence[int]]) -> SupercellMatrix:
    """Rows are the supercell's vectors in those of the conventional cell; three repeats mean a diagonal matrix.

    Raises
    ------
    InputError
        If the matrix is singular, left-handed, or not of whole numbers.
    """
    try:
        given = np.array(supercell, dtype=float)
    except (TypeError, ValueError):
        given = np.zeros(0)
    matrix = np.diag(given) if given.shape == (3,) else given
    if matrix.shape != (3, 3) or not np.allclose(matrix, np.rint(matrix)):
        raise InputError(f"supercell = {supercell!r} is not three whole repeats or a 3 x 3 matrix of whole numbers")
    whole = np.rint(matrix).astype(int)
    if round(np.linalg.det(whole)) < 1 or (given.shape == (3,) and given.min() < 1):
        raise InputError(f"supercell = {whole.tolist()} is singular or left-handed: its determinant must be at least 1")
    return tuple(tuple(int(value) for value in row) for row in whole)  # type: ignore[return-value]


def lattice_points(matrix: ArrayLike) -> NDArray[np.int64]:
    """Lattice points of the small cell inside the supercell `matrix`, in vectors of the small one, shape (|det|, 3)."""
    rows = np.asarray(matrix)
    reach = np.abs(rows).sum(axis=0)
    points = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1).reshape(-1, 3)
    fractional = points @ np.linalg.inv(rows)
    return np.asarray(points[((fractional > -1e-8) & (fractional < 1 - 1e-8)).all(axis=1)])


_FULL = 1e-6  # an occupancy this near to 1 is 1


@dataclass(frozen=True)
class HostSupercell:
    """All named sites of a host in a supercell, in a fixed order.

    Sites run over the host's named sites, the positions of each, and the lattice points of the supercell.

    Parameters
    ----------
    host
        The crystal.
    matrix
        Rows are the supercell's vectors in those of the conventional cell.
    """

    host: Host
    matrix: SupercellMatrix

    @cached_property
    def lattice(self) -> Lattice:
        """Lattice of the supercell."""
        return Lattice(np.array(self.matrix) @ self.host.structure.lattice.matrix)

    @property
    def repeats(self) -> tuple[int, int, int] | None:
        """Repeats along a, b, c; None for a cell of another shape."""
        (a, ab, ac), (ba, b, bc), (ca, cb, c) = self.matrix
        return None if any((ab, ac, ba, bc, ca, cb)) else (a, b, c)

    @property
    def n_cells(self) -> int:
        """Conventional cells in the supercell."""
        return round(np.linalg.det(np.array(self.matrix)))

    @cached_property
    def _translations(self) -> NDArray[np.float64]:
        """Fractional supercell coordinates of the conventional lattice points, shape (det, 3)."""
        return np.asarray(lattice_points(self.matrix) @ np.linalg.inv(self.matrix))

    @cached_property
    def labels(self) -> NDArray[np.str_]:
        """Label of every site."""
        per_site = len(self._translations)
        return np.concatenate([np.repeat(s.label, len(s.frac_coords) * per_site) for s in self.host.sites])

    @cached_property
    def frac_coords(self) -> NDArray[np.float64]:
        """Fractional coordinates in the supercell, shape (sites, 3), in [0, 1)."""
        conventional = np.concatenate([site.frac_coords for site in self.host.sites])
        coords = (conventional @ np.linalg.inv(self.matrix))[:, None, :] + self._translations
        return np.asarray(np.round(coords.reshape(-1, 3), 10) % 1.0)

    @cached_property
    def anions(self) -> NDArray[np.str_]:
        """The anion on every site that no configuration leaves to another: empty on all other sites.

        Sites that take several kinds of ions, or that the crystal leaves empty in part, are filled by configuration.
        """
        occupancies = self.occupancies()
        fixed = {
            site.label: site.allowed_species[0]
            for site in self.host.sites
            if len(site.allowed_species) == 1
            and site.allowed_species[0] in self.host.anion_species
            and sum(occupancies[site.label].values() or [1.0]) > 1 - _FULL
        }
        return np.array([fixed.get(str(label), EMPTY) for label in self.labels])

    @cached_property
    def is_anion_site(self) -> NDArray[np.bool_]:
        """Whether a site takes anions, mobile ones too, and nothing else."""
        charges = self.host.oxidation_states
        anionic = {
            site.label for site in self.host.sites if all(charges.get(ion, 0) < 0 for ion in site.allowed_species)
        }
        return np.isin(self.labels, sorted(anionic))

    def sites_of(self, labels: Iterable[str]) -> NDArray[np.intp]:
        """Indices of the sites with one of these labels.

        Raises
        ------
        InputError
            If the host has no such label.
        """
        wanted = [self.host.site(label).label for label in labels]
        return np.flatnonzero(np.isin(self.labels, wanted))

    @cached_property
    def _operations(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Rotations and translations of the conventional cell, centrings included."""
        return space_group(self.host.structure)

    @cached_property
    def lattice_vectors(self) -> NDArray[np.float64]:
        """Fractional supercell coordinates of all lattice translations of the crystal, centrings included."""
        rotations, translations = self._operations
        centrings = translations[(np.abs(rotations - np.eye(3)) < 1e-8).all(axis=(1, 2))]
        vectors = (centrings @ np.linalg.inv(self.matrix))[:, None, :] + self._translations
        return np.asarray(np.round(vectors.reshape(-1, 3), 10) % 1.0)

    @cached_property
    def permutations(self) -> NDArray[np.int64]:
        """The space group of the crystal modulo the supercell's translations, as permutations of the sites.

        Operations that do not map the supercell's lattice onto itself are left out.

        Returns
        -------
        NDArray[np.int64]
            Shape (operations, sites): operation ``g`` takes the ion on site ``i`` to site ``permutations[g, i]``.
            The first one is the identity.
        """
        to_supercell = np.linalg.inv(self.matrix)
        images = [
            self._matched((self.frac_coords @ np.array(self.matrix) @ rotation.T + translation) @ to_supercell)
            for rotation, translation in zip(*self._operations, strict=True)
            if _is_whole(np.array(self.matrix) @ rotation.T @ to_supercell)
        ]
        shifts = [self._matched(self.frac_coords + translation) for translation in self._translations]
        group = np.array([shift[image] for image in images for shift in shifts])
        identity = int(np.flatnonzero((group == np.arange(len(self.labels))).all(axis=1))[0])
        return np.concatenate([group[[identity]], np.delete(group, identity, axis=0)])

    def _matched(self, coords: NDArray[np.float64]) -> NDArray[np.int64]:
        """Index of the site at each position."""
        sites, distances = self.nearest_sites(coords)
        if distances.max() > SAME_SITE_A or len(np.unique(sites)) < len(self.labels):
            raise InputError(
                f"the named sites of host {self.host.name} are not closed under its space group: "
                f"an image lies {distances.max():.2f} Å from the nearest site; correct the positions of the sites"
            )
        return sites

    @cached_property
    def _tree(self) -> cKDTree:
        """Search tree of the sites in fractional coordinates; exact enough for positions that nearly coincide."""
        return cKDTree(self.frac_coords % 1.0, boxsize=1.0)

    def nearest_sites(self, frac_coords: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Site nearest to each position (fractional, in the supercell) and its distance in Å."""
        n_near = min(8, len(self.labels))
        _, candidates = self._tree.query(frac_coords % 1.0, k=n_near)
        candidates = np.reshape(candidates, (len(frac_coords), n_near))
        deltas = self.frac_coords[candidates] - frac_coords[:, None, :]
        distances = np.linalg.norm((deltas - np.rint(deltas)) @ self.lattice.matrix, axis=-1)
        best = distances.argmin(axis=1)
        rows = np.arange(len(frac_coords))
        return candidates[rows, best].astype(np.int64), distances[rows, best]

    def structure(self, species: Sequence[str]) -> Structure:
        """Ordered cell with these elements on the sites, and the fixed anions on theirs.

        Parameters
        ----------
        species
            Element symbol for every site; an empty string leaves a site empty.

        Returns
        -------
        Structure
            With oxidation states, atoms sorted by electronegativity as VASP input sets do, and the site properties
            ``site_label``, ``wyckoff`` and, of hosts with layers, ``layer``.

        Raises
        ------
        InputError
            If a species has no oxidation state in the host, two split positions are both taken, or two atoms are closer
            than any bond.
        """
        filled = [anion or ion for anion, ion in zip(self.anions, species, strict=True)]
        for first, second in self.alternatives.tolist():
            if filled[first] and filled[second]:
                raise InputError(
                    f"{filled[first]} on {self.labels[first]} and {filled[second]} on {self.labels[second]} are split "
                    f"positions less than {ALTERNATIVE_A:g} Å apart, of which one at most is taken: the ions do not fit"
                )
        occupied = [index for index, element in enumerate(filled) if element]
        named = {site.label: site for site in self.host.sites}
        rows = [named[str(self.labels[index])] for index in occupied]
        layers = {} if all(site.layer is None for site in rows) else {"layer": [site.layer for site in rows]}
        structure = Structure(
            self.lattice,
            [self.ion(filled[index]) for index in occupied],
            self.frac_coords[occupied],
            site_properties={
                "site_label": [site.label for site in rows],
                "wyckoff": [site.wyckoff for site in rows],
                **layers,
            },
        ).get_sorted_structure()
        require_distances(structure, placed={self.host.mobile_species})
        return structure

    def ion(self, element: str) -> Species:
        """The element with its oxidation state in the host."""
        return Species(bare_element(element), self.charge(element))

    def charge(self, element: str) -> float:
        """Charge of an element in elementary charges.

        Raises
        ------
        InputError
            If the host gives it none.
        """
        if element not in self.host.oxidation_states:
            raise InputError(
                f"species {element!r} has no oxidation state in host {self.host.name}: add it to oxidation_states"
            )
        return self.host.oxidation_states[element]

    def framework_filling(self) -> dict[str, str]:
        """Label -> element of the framework where the crystal itself has most of it, without the fixed anions.

        Taken from the host's first named filling, else from the species with the largest occupancy on each label.
        """
        fixed = {str(label) for label, anion in zip(self.labels, self.anions, strict=True) if anion}
        if self.host.fillings:
            filling = next(iter(self.host.fillings.values()))
        else:
            filling = {label: max(row, key=row.__getitem__) for label, row in self.occupancies().items() if row}
        return {
            label: element
            for label, element in filling.items()
            if label not in fixed and element != self.host.mobile_species
        }

    def occupancies(self) -> dict[str, dict[str, float]]:
        """Occupancy of every label by every ion in the crystal as it was read; empty where it has no atom."""
        crystal = self.host.structure
        positions = np.concatenate([site.frac_coords[:1] for site in self.host.sites])
        distances = crystal.lattice.get_all_distances(positions, crystal.frac_coords)
        found: dict[str, dict[str, float]] = {}
        for site, row_of_distances in zip(self.host.sites, distances, strict=True):
            row: dict[str, float] = {}
            for atom in np.flatnonzero(row_of_distances < SAME_SITE_A):
                for ion, occupancy in crystal[int(atom)].species.items():
                    name = ion_name(ion, self.host.oxidation_states)
                    row[name] = row.get(name, 0.0) + occupancy
            found[site.label] = row
        return found

    def crystal_ions(self) -> dict[str, float]:
        """Ions that as much of the crystal as this cell holds: name -> amount."""
        amounts: dict[str, float] = {}
        for label, row in self.occupancies().items():
            for ion, occupancy in row.items():
                amounts[ion] = amounts.get(ion, 0.0) + occupancy * len(self.sites_of([label]))
        return amounts

    @cached_property
    def alternatives(self) -> NDArray[np.intp]:
        """Pairs of sites of which one ion at most takes one, shape (pairs, 2): see :func:`alternative_pairs`."""
        totals = {label: sum(row.values()) for label, row in self.occupancies().items()}
        labels = self.labels.tolist()
        with_hydrogen = {
            site.label: "H" in {bare_element(ion) for ion in site.allowed_species} for site in self.host.sites
        }
        return alternative_pairs(
            self.lattice,
            self.frac_coords,
            np.array([totals[label] for label in labels]),
            np.array([with_hydrogen[label] for label in labels]),
        )


def _is_whole(matrix: NDArray[np.float64]) -> bool:
    return bool(np.allclose(matrix, np.rint(matrix), atol=1e-6))
