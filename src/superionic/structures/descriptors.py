"""What a framework looks like: ions per layer, parity, edge-sharing clusters and how they stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from superionic.structures.supercell import HostSupercell

COORDINATION_NUMBERS = {
    "linear": 2, "trigonal": 3, "tetrahedral": 4, "square planar": 4, "trigonal bipyramidal": 5, "octahedral": 6,
    "trigonal prismatic": 6, "cubic": 8, "cuboctahedral": 12,
}  # fmt: skip
_SHELL_FACTOR = 1.25  # unnamed coordination: anions up to this multiple of the shortest bond
_SAME_PLANE_A = 0.5
_SAME_SITE_A = 0.5

Parity = Literal["even", "odd", "mixed"]


@dataclass(frozen=True)
class Cluster:
    """Framework cations connected by shared edges (two common anions or more).

    Attributes
    ----------
    size
        Number of cations.
    stacked
        Members with a framework cation one stacking vector above or below; None without layers.
    """

    size: int
    stacked: int | None


@dataclass(frozen=True)
class FrameworkDescriptors:
    """Descriptors of one framework.

    Attributes
    ----------
    ions_per_layer
        Framework cations in each layer that can hold some, in ascending order; None without layers.
    parity
        'even' if every layer holds an even number, 'odd' if every one an odd number, else 'mixed'.
    clusters
        Edge-sharing clusters of two or more cations, largest first.
    """

    ions_per_layer: tuple[int, ...] | None
    parity: Parity | None
    clusters: tuple[Cluster, ...]


@dataclass(frozen=True)
class FrameworkGeometry:
    """What the descriptors of all frameworks of one supercell have in common; computed once."""

    cell: HostSupercell

    @cached_property
    def planes(self) -> NDArray[np.int64] | None:
        """Number of the plane along the layer normal that each site lies in; None if the host has no layers."""
        normal = self.cell.host.layer_normal_vector
        if normal is None:
            return None
        heights = self.cell.frac_coords @ self.cell.lattice.matrix @ normal
        return plane_numbers(heights, _height_period(self.cell.lattice.matrix @ normal))

    @cached_property
    def above(self) -> NDArray[np.int64] | None:
        """Site one stacking vector above each site.

        The stacking vector is the shortest lattice translation of the crystal among those with the smallest height
        along the layer normal.
        """
        normal = self.cell.host.layer_normal_vector
        if normal is None:
            return None
        cells = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
        vectors = ((self.cell.lattice_vectors[:, None, :] + cells).reshape(-1, 3)) @ self.cell.lattice.matrix
        heights = vectors @ normal
        upwards = heights > _SAME_PLANE_A
        next_plane = upwards & (heights < heights[upwards].min() + 1e-3)
        lengths = np.where(next_plane, np.linalg.norm(vectors, axis=1), np.inf)
        shift = vectors[lengths.argmin()] @ np.linalg.inv(self.cell.lattice.matrix)
        return self.cell.nearest_sites(self.cell.frac_coords + shift)[0]

    @cached_property
    def edges(self) -> NDArray[np.int64]:
        """Pairs of cation sites whose polyhedra would share an edge or a face, shape (pairs, 2).

        Common anions are counted per periodic image, so a small cell does not make a corner look like an edge.
        """
        bonds = np.concatenate([self._bonds(site) for site in self._cation_sites()])
        order = np.argsort(bonds[:, 1], kind="stable")
        bonds = bonds[order]
        starts = np.flatnonzero(np.diff(bonds[:, 1], prepend=-1))
        pairs = []
        for group in np.split(bonds, starts[1:]):  # all sites around one anion
            first, second = np.triu_indices(len(group), k=1)
            pairs.append(
                np.concatenate([group[first, :1], group[second, :1], group[first, 2:] - group[second, 2:]], axis=1)
            )
        shared = np.concatenate(pairs)
        backwards = shared[:, 0] > shared[:, 1]
        shared[backwards] = np.concatenate([shared[backwards][:, [1, 0]], -shared[backwards][:, 2:]], axis=1)
        distinct, n_common = np.unique(shared, axis=0, return_counts=True)
        own_images = distinct[:, 0] == distinct[:, 1]
        return np.asarray(np.unique(distinct[(n_common >= 2) & ~own_images, :2], axis=0))

    def _cation_sites(self) -> NDArray[np.intp]:
        return np.flatnonzero(~self.cell.is_anion_site)

    def _bonds(self, site: int) -> NDArray[np.int64]:
        """Rows (site, anion site, image of the anion) of the polyhedron around a site."""
        anions, vectors, images = self._anion_vectors
        distances = np.linalg.norm(vectors - self.cell.frac_coords[site] @ self.cell.lattice.matrix, axis=1)
        coordination = self._coordination[str(self.cell.labels[site])]
        number = COORDINATION_NUMBERS.get(coordination or "")
        if number is None:
            number = int((distances < _SHELL_FACTOR * distances.min()).sum())
        nearest = np.argpartition(distances, number - 1)[:number]
        return np.column_stack([np.full(number, site), anions[nearest], images[nearest]])

    @cached_property
    def _coordination(self) -> dict[str, str | None]:
        return {site.label: site.coordination for site in self.cell.host.sites}

    @cached_property
    def _anion_vectors(self) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.int64]]:
        """Anion sites of the cell and its 26 neighbours: site, Cartesian position in Å, image."""
        sites = np.flatnonzero(self.cell.is_anion_site)
        cells = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
        coords = (self.cell.frac_coords[sites][None] + cells[:, None, :]).reshape(-1, 3)
        return np.tile(sites, len(cells)), coords @ self.cell.lattice.matrix, np.repeat(cells, len(sites), axis=0)

    def describe(self, species: Sequence[str]) -> FrameworkDescriptors:
        """Describe one framework.

        Parameters
        ----------
        species
            Framework cation on every site of the supercell, an empty string where there is none.
        """
        occupied = np.array([bool(element) for element in species]) & ~self.cell.is_anion_site
        layers = self._ions_per_layer(occupied)
        return FrameworkDescriptors(layers, None if layers is None else parity(layers), self._clusters(occupied))

    def _ions_per_layer(self, occupied: NDArray[np.bool_]) -> tuple[int, ...] | None:
        if self.planes is None:
            return None
        home = self.cell.sites_of(self.cell.framework_filling())
        planes = np.union1d(self.planes[home], self.planes[occupied])
        return tuple(sorted(int((self.planes[occupied] == plane).sum()) for plane in planes))

    def _clusters(self, occupied: NDArray[np.bool_]) -> tuple[Cluster, ...]:
        n_sites = len(occupied)
        kept = self.edges[occupied[self.edges].all(axis=1)]
        graph = coo_array((np.ones(len(kept)), (kept[:, 0], kept[:, 1])), shape=(n_sites, n_sites))
        _, component = connected_components(graph, directed=False)
        has_neighbour = np.zeros(n_sites, dtype=bool)
        if self.above is not None:
            has_neighbour = occupied[self.above] | occupied[np.argsort(self.above)]
        clusters = []
        for number in np.unique(component[occupied]):
            members = (component == number) & occupied
            if members.sum() > 1:
                stacked = None if self.above is None else int((members & has_neighbour).sum())
                clusters.append(Cluster(int(members.sum()), stacked))
        return tuple(sorted(clusters, key=lambda cluster: (-cluster.size, -(cluster.stacked or 0))))


def parity(ions_per_layer: Sequence[int]) -> Parity:
    """Say whether the layers hold even or odd numbers of ions."""
    odd = {count % 2 for count in ions_per_layer}
    return "mixed" if len(odd) > 1 else ("odd" if odd == {1} else "even")


def plane_numbers(heights: NDArray[np.float64], period: float, tolerance_A: float = _SAME_PLANE_A) -> NDArray[np.int64]:
    """Sort sites into planes by their heights on a circle.

    Parameters
    ----------
    heights
        Heights along the layer normal in Å, shape (sites,).
    period
        Height in Å after which the crystal repeats along the normal.
    tolerance_A
        A gap wider than this separates two planes.

    Returns
    -------
    NDArray[np.int64]
        Number of the plane of each site, counted upwards.
    """
    wrapped = np.asarray(heights) % period
    order = np.argsort(wrapped)
    gaps = np.diff(wrapped[order], prepend=wrapped[order[-1]] - period)
    first = int(np.argmax(gaps > tolerance_A))
    rolled = np.roll(order, -first)  # begin behind a gap, so that no plane straddles the origin
    starts = np.roll(gaps, -first) > tolerance_A
    starts[0] = False
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[rolled] = np.cumsum(starts)
    return numbers


def _height_period(heights_of_vectors: NDArray[np.float64]) -> float:
    """Greatest common divisor of the heights of the lattice vectors (Euclid's algorithm on real numbers)."""
    period = 0.0
    for height in np.abs(heights_of_vectors):
        larger, smaller = max(period, height), min(period, height)
        while smaller > 1e-3:
            larger, smaller = smaller, larger % smaller
            if larger - smaller < 1e-3:  # rounding left almost a whole period
                smaller = 0.0
        period = larger
    return period
