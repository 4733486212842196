"""The named sites of a host in the cell of a run: where they lie, and how large they are.

The run's cell may be any supercell of the host, in any orientation and with any origin: the integer matrix between
the two is found from lengths and angles, the origin from the anions, and what remains ambiguous from the labels that
the run carries or from the framework cations.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from superionic.analysis.frames import first_analysed_frame, frames_in_mean_cell, mean_cell
from superionic.analysis.periodic import nearest_distances
from superionic.analysis.sites.placement import Placement, laid_out, place_host
from superionic.documents import JumpsWithin, OrderingClass
from superionic.errors import InputError
from superionic.structures.host import Host
from superionic.structures.ordering_class import ordering_class
from superionic.trajectories.trajectory import Trajectory

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sites:
    """Named sites in one cell.

    Attributes
    ----------
    cell_A
        Cell vectors as rows in Å, shape (3, 3).
    frac_coords
        Fractional coordinates, shape (n_sites, 3), in [0, 1).
    labels
        Name of each site.
    layers
        Layer of each site, None where the host has none.
    passage
        True for sites that ions pass through on the way between others (tetrahedra among octahedra), shape
        (n_sites,).
    layer_normal
        Cartesian unit vector along which the layers are stacked, shape (3,); None without layers.
    """

    cell_A: Floats
    frac_coords: Floats
    labels: list[str]
    layers: list[str | None]
    passage: NDArray[np.bool_]
    layer_normal: Floats | None = None

    @cached_property
    def names(self) -> list[str]:
        """The labels, each once, in order of first appearance."""
        return list(dict.fromkeys(self.labels))

    @cached_property
    def first_of_name(self) -> list[int]:
        """Index of the first site of each name in `names`."""
        return [self.labels.index(name) for name in self.names]

    @cached_property
    def label_index(self) -> NDArray[np.int64]:
        """Index of each site's label in `names`."""
        return np.array([self.names.index(label) for label in self.labels], dtype=np.int64)

    @cached_property
    def layer_names(self) -> NDArray[np.str_]:
        """Layer of each site; `JumpsWithin.CRYSTAL` where the host has none."""
        return np.array([layer or JumpsWithin.CRYSTAL.value for layer in self.layers])

    @cached_property
    def cartesian_A(self) -> Floats:
        """Cartesian coordinates in Å."""
        return self.frac_coords @ self.cell_A

    def vector_A(self, source: NDArray[np.int64], target: NDArray[np.int64], image: NDArray[np.int64]) -> Floats:
        """Vectors from sites to the given periodic images of others."""
        return np.asarray((self.frac_coords[target] + image - self.frac_coords[source]) @ self.cell_A)

    @cached_property
    def with_images(self) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
        """All sites in a 3 x 3 x 3 block of cells: positions in Å, index of the site, image."""
        images = np.stack(np.meshgrid(*[np.arange(-1, 2)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
        positions = (self.frac_coords[None] + images[:, None]) @ self.cell_A
        index = np.tile(np.arange(len(self.labels)), len(images))
        return positions.reshape(-1, 3), index, np.repeat(images, len(self.labels), axis=0)

    @cached_property
    def label_distances_A(self) -> Floats:
        """Shortest distance between two different sites of each pair of labels, shape (n_names, n_names)."""
        positions, index, _ = self.with_images
        pairs = cKDTree(self.cartesian_A).sparse_distance_matrix(cKDTree(positions), 12.0, output_type="coo_matrix")
        apart = pairs.data > 1e-3
        shortest = np.full((len(self.names), len(self.names)), 12.0)
        rows, columns = self.label_index[pairs.row[apart]], self.label_index[index[pairs.col[apart]]]
        np.minimum.at(shortest, (rows, columns), pairs.data[apart])
        return np.minimum(shortest, shortest.T)

    def check_radii(self, radii_A: dict[str, float]) -> Floats:
        """Radius of each label in the order of `names`.

        Raises
        ------
        InputError
            If a radius is missing or not positive, or two sites overlap.
        """
        for name in self.names:
            if not radii_A.get(name, 0.0) > 0:
                raise InputError(f"radii_A of site {name!r} is {radii_A.get(name)}: give a positive radius in Å")
        radii = np.array([radii_A[name] for name in self.names])
        overlap = radii[:, None] + radii[None] - self.label_distances_A
        if overlap.max() > 1e-6:
            a, b = np.unravel_index(int(overlap.argmax()), overlap.shape)
            raise InputError(
                f"sites {self.names[a]!r} and {self.names[b]!r} are {self.label_distances_A[a, b]:.2f} Å apart but "
                f"their radii_A add up to {radii[a] + radii[b]:.2f} Å: give smaller radii"
            )
        return radii

    def capped_radii(self, wanted_A: dict[str, float]) -> dict[str, float]:
        """The wanted radii, cut to half the distance to the nearest site so that none overlap."""
        half = 0.5 * self.label_distances_A.min(axis=1)
        return {name: float(min(wanted_A[name], half[n])) for n, name in enumerate(self.names)}


def host_sites(
    host: Host, trajectory: Trajectory, species: str | None = None, placement: Placement | None = None
) -> Sites:
    """Sites of the host that a species may occupy, in the cell of a run.

    Parameters
    ----------
    host
        The crystal and its named sites.
    trajectory
        The run.
    species
        Element symbol; the mobile species by default. Sites of any cation are kept for it if the host lists none.
    placement
        How the host lies in the run, if :func:`place_host` has found it already.

    Raises
    ------
    InputError
        If the run's cell or framework is not that of the host.
    """
    return sites_in_cell(
        host, mean_cell(trajectory), species or trajectory.mobile_species, placement or place_host(host, trajectory)
    )


def sites_in_cell(host: Host, cell_A: Floats, species: str, placement: Placement) -> Sites:
    """Sites of the host that a species may occupy, in a cell that it fills.

    Parameters
    ----------
    host
        The crystal and its named sites.
    cell_A
        Cell vectors as rows in Å.
    species
        Element symbol. Sites of any cation are kept for it if the host lists none.
    placement
        How the host lies in that cell.

    Raises
    ------
    InputError
        If the host has no site for the species.
    """
    allowed = [site for site in host.sites if species in site.allowed_species]
    if not allowed:
        raise InputError(f"host {host.name} has no site for {species!r}: use one of its species or another host")
    coordinations = {site.coordination for site in allowed}
    passage_labels = {s.label for s in allowed if s.coordination == "tetrahedral" and "octahedral" in coordinations}
    frac, labels, layers = [], [], []
    for site in allowed:
        frac.append(laid_out(site.frac_coords, placement))
        labels += [site.label] * len(frac[-1])
        layers += [site.layer] * len(frac[-1])
    return Sites(
        cell_A=cell_A,
        frac_coords=np.concatenate(frac) % 1.0,
        labels=labels,
        layers=layers,
        passage=np.array([label in passage_labels for label in labels]),
        layer_normal=_layer_normal(host, np.linalg.inv(placement[0]) @ cell_A),
    )


def ordering_class_of_run(host: Host, trajectory: Trajectory) -> OrderingClass:
    """Class of the ordering that a run starts from, by the site nearest to each framework ion in its first frame.

    Anions count where they share sites with other anions or vacancies.

    Raises
    ------
    InputError
        If the run's cell or framework is not that of the host.
    """
    placement, cell = place_host(host, trajectory), mean_cell(trajectory)
    species = np.asarray(trajectory.species)
    frame = first_analysed_frame(trajectory)
    cations = np.flatnonzero(~np.isin(species, [*host.all_mobile, *host.anion_species]))
    ions: list[tuple[str, str]] = []
    for atoms, anionic in ((cations, False), (np.flatnonzero(np.isin(species, host.anion_species)), True)):
        if not len(atoms) or (anionic and not host.has_shared_anions):
            continue
        sites = [site for site in host.sites if bool(set(site.allowed_species) & set(host.anion_species)) is anionic]
        _, first = next(frames_in_mean_cell(trajectory, frame, frame + 1, atoms))
        places = [laid_out(site.frac_coords, placement) @ cell for site in sites]
        nearest = np.stack([nearest_distances(first[0], place, cell) for place in places]).argmin(axis=0)
        ions += [(sites[n].label, str(element)) for n, element in zip(nearest, species[atoms], strict=True)]
    return ordering_class(host, ions, round(abs(np.linalg.det(placement[0]))))


def without_passages(sites: Sites) -> Sites:
    """The sites that ions stay on."""
    kept = np.flatnonzero(~sites.passage)
    return Sites(
        sites.cell_A,
        sites.frac_coords[kept],
        [sites.labels[k] for k in kept],
        [sites.layers[k] for k in kept],
        sites.passage[kept],
        sites.layer_normal,
    )


def _layer_normal(host: Host, cell_A: Floats) -> Floats | None:
    """The host's stacking direction in the orientation of the run; `cell_A` is the host's cell there."""
    if host.layer_normal is None:
        return None
    vectors = np.linalg.inv(cell_A).T if host.layer_normal.endswith("*") else cell_A
    vector = vectors["abc".index(host.layer_normal[0])]
    return np.asarray(vector / np.linalg.norm(vector))
