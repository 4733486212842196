"""Placement of the mobile ions of one framework, or of one sublattice shared by several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from monty.json import MSONable
from numpy.typing import NDArray

from superionic.errors import InputError
from superionic.structures.composition import n_mobile_ions
from superionic.structures.electrostatics import QuadraticForm, ewald_matrix, mobile_form, shifted_force_matrix
from superionic.structures.enumeration import EMPTY
from superionic.structures.search import Placements, anneal, random_search
from superionic.structures.supercell import HostSupercell

ALTERNATIVE_PENALTY_eV = 30.0

Method = Literal["random", "anneal"]
Energy = Literal["shifted-force", "ewald"]
Species = tuple[str, ...]


@dataclass(frozen=True)
class PlacementSearch(MSONable):
    """How mobile ions are placed.

    Attributes
    ----------
    energy
        'shifted-force': repulsion of the mobile ions alone; 'ewald': all ions with their formal charges.
    method
        'random': the lowest of `n_candidates` random placements; 'anneal': annealed swaps.
    keep
        Number of distinct placements to return.
    seed
        Seed of the search.
    n_candidates
        Number of random placements.
    n_swaps, n_chains
        Swaps proposed in each annealing chain, and number of chains.
    cutoff_A
        Cutoff of the shifted force in Å.
    site_labels
        Labels the mobile ions may take; by default those that hold cations in the crystal as it was read.
    n_threads
        Threads of the search; no result depends on it.
    """

    energy: Energy = "ewald"
    method: Method = "anneal"
    keep: int = 10
    seed: int = 0
    n_candidates: int = 30_000
    n_swaps: int = 4_000_000
    n_chains: int = 24
    cutoff_A: float = 10.0
    site_labels: tuple[str, ...] | None = None
    n_threads: int = 2

    def __post_init__(self) -> None:
        if self.site_labels is not None:
            object.__setattr__(self, "site_labels", tuple(self.site_labels))
        for name, value, known in (
            ("energy", self.energy, ("shifted-force", "ewald")),
            ("method", self.method, ("random", "anneal")),
        ):
            if value not in known:
                raise InputError(f"{name} {value!r} is unknown; use one of {list(known)}")

    def lowest(self, form: QuadraticForm, n_ions: int) -> Placements:
        """Run the search on a quadratic form."""
        if self.method == "random":
            return random_search(form, n_ions, self.n_candidates, self.keep, self.seed, self.n_threads)
        return anneal(form, n_ions, self.n_swaps, self.keep, self.seed, self.n_chains, self.n_threads)


@dataclass(frozen=True)
class PlacedCell:
    """A framework with its mobile ions.

    Attributes
    ----------
    species
        Cation on every site of the supercell, an empty string where there is none.
    energy_eV
        Energy of the cell by the search's own energy.
    multiplicity
        Number of placements that the symmetry left by the framework (all of them, if shared) makes of this one.
    image
        Operation of the supercell's group that was applied to the framework given; 0 leaves it as it is.
    """

    species: Species
    energy_eV: float
    multiplicity: int
    image: int


@dataclass(frozen=True)
class MobileSites:
    """Energies of placements in one supercell; the pair energies are computed once for all frameworks."""

    cell: HostSupercell
    search: PlacementSearch

    @cached_property
    def pair_energies(self) -> NDArray[np.float64]:
        """Energies in eV of unit charges on all sites of the supercell, shape (sites, sites)."""
        lattice, coords = self.cell.lattice.matrix, self.cell.frac_coords
        if self.search.energy == "ewald":
            return ewald_matrix(lattice, coords)
        return shifted_force_matrix(lattice, coords, self.search.cutoff_A)

    @cached_property
    def allowed(self) -> NDArray[np.intp]:
        """Sites that mobile ions may take where no framework cation sits."""
        mobile = self.cell.host.mobile_species
        labels = self.search.site_labels
        if labels is None:
            labels = tuple(
                label
                for label, row in self.cell.occupancies().items()
                if row and mobile in self.cell.host.site(label).allowed_species
            )
        if any(self.cell.anions[self.cell.sites_of([label])[0]] for label in labels):
            raise InputError(f"site_labels {list(labels)} hold anions; name other sites for {mobile}")
        return self.cell.sites_of(labels)

    def form(self, framework: Species, candidates: NDArray[np.intp]) -> QuadraticForm:
        """Energy of placements on the candidate sites."""
        fixed = np.zeros(len(framework))
        if self.search.energy == "ewald":
            both = [cation or anion for cation, anion in zip(framework, self.cell.anions, strict=True)]
            fixed = np.array([self.cell.charge(element) if element else 0.0 for element in both])
        return mobile_form(self.pair_energies, candidates, self.cell.charge(self.cell.host.mobile_species), fixed)

    def _pairs(self, candidates: NDArray[np.intp]) -> NDArray[np.intp]:
        """Positions among the candidates of which one ion at most takes one, shape (pairs, 2)."""
        at = {int(site): index for index, site in enumerate(candidates)}
        pairs = [(at[a], at[b]) for a, b in self.cell.alternatives.tolist() if a in at and b in at]
        return np.array(pairs, dtype=np.intp).reshape(-1, 2)

    def lowest(self, form: QuadraticForm, candidates: NDArray[np.intp], n_ions: int) -> Placements:
        """The lowest placements that the search finds, none with an ion on each of two alternatives.

        Where none of those found is free of them (random ones rarely are), an annealing looks for some.

        Raises
        ------
        InputError
            If the ions do not fit.
        """
        pairs = self._pairs(candidates)
        if not len(pairs):
            return self.search.lowest(form, n_ions)
        interaction = form.interaction.copy()
        for first, second in (pairs.T, pairs.T[::-1]):
            interaction[first, second] += ALTERNATIVE_PENALTY_eV
        penalised = QuadraticForm(form.constant, form.field, interaction)
        thorough = replace(self.search, method="anneal", n_swaps=max(self.search.n_swaps, 20_000))
        for search in (self.search, thorough):
            found = search.lowest(penalised, n_ions)
            taken = np.zeros((len(found.occupied), len(candidates)), dtype=bool)
            np.put_along_axis(taken, found.occupied, values=True, axis=1)
            fits = ~(taken[:, pairs[:, 0]] & taken[:, pairs[:, 1]]).any(axis=1)
            if fits.any():
                return Placements(found.energies_eV[fits], found.occupied[fits], found.n_evaluated)
        raise InputError(
            f"{n_ions} {self.cell.host.mobile_species} do not fit on {len(candidates)} sites without taking two split "
            "positions at once: allow more site labels"
        )

    def free(self, frameworks: Sequence[Species]) -> NDArray[np.intp]:
        """Allowed sites that none of the frameworks takes, nor an alternative of one it takes."""
        taken = np.any([[bool(element) for element in framework] for framework in frameworks], axis=0)
        taken |= self.cell.anions != EMPTY
        barred = taken.copy()
        for first, second in self.cell.alternatives:
            barred[first] |= taken[second]
            barred[second] |= taken[first]
        return self.allowed[~barred[self.allowed]]

    def stabiliser(self, frameworks: Sequence[Species]) -> NDArray[np.int64]:
        """Operations that leave every one of the frameworks as it is."""
        group = self.cell.permutations
        keeps = np.ones(len(group), dtype=bool)
        for framework in frameworks:
            names = np.array(framework)
            keeps &= (names[group] == names).all(axis=1)
        return np.asarray(group[keeps])

    def with_mobile(self, framework: Species, sites: NDArray[np.integer]) -> Species:
        """The framework with mobile ions on these sites."""
        filled = list(framework)
        for site in sites:
            filled[site] = self.cell.host.mobile_species
        return tuple(filled)


def place(mobile: MobileSites, framework: Species) -> list[PlacedCell]:
    """Place the mobile ions of one framework.

    Parameters
    ----------
    mobile
        The supercell and the search.
    framework
        Framework cation on every site of the supercell, an empty string where there is none.

    Returns
    -------
    list[PlacedCell]
        Lowest energy first, ties and symmetry images removed.

    Raises
    ------
    InputError
        If the charge cannot balance or the ions do not fit on the sites.
    """
    sites = mobile.free([framework])
    found = mobile.lowest(mobile.form(framework, sites), sites, n_mobile_ions(mobile.cell, framework))
    symmetry = mobile.stabiliser([framework])
    return [
        PlacedCell(mobile.with_mobile(framework, sites[ions]), float(energy), _n_images(sites[ions], symmetry), 0)
        for energy, ions in zip(found.energies_eV, found.occupied, strict=True)
    ]


def place_shared(
    mobile: MobileSites, frameworks: Sequence[Species], lowest_image: bool = True
) -> list[list[PlacedCell]]:
    """Place one sublattice of mobile ions for several frameworks: the lowest in the mean of their energies.

    Once the mobile ions are fixed, the symmetry images of a framework are no longer equivalent.

    Parameters
    ----------
    mobile
        The supercell and the search.
    frameworks
        Frameworks that need the same number of mobile ions.
    lowest_image
        Turn the frameworks so that they take as few different sites as possible, place the mobile ions, then take for
        each framework the image of lowest energy among those that leave the mobile ions their sites. Else keep the
        frameworks as they are given.

    Returns
    -------
    list[list[PlacedCell]]
        For every framework its cells, one for each sublattice kept, in the same order for all.

    Raises
    ------
    InputError
        If the frameworks need different numbers of mobile ions, or the ions do not fit.
    """
    needed = [n_mobile_ions(mobile.cell, framework) for framework in frameworks]
    aligned = _aligned(mobile.cell, frameworks) if lowest_image else list(frameworks)
    if len(set(needed)) != 1:
        raise InputError(
            f"a shared sublattice needs frameworks of equal charge, but these take {needed} mobile ions each"
        )
    sites = mobile.free(aligned)
    forms = [mobile.form(framework, sites) for framework in aligned]
    mean = QuadraticForm(
        float(np.mean([form.constant for form in forms])),
        np.mean([form.field for form in forms], axis=0),
        forms[0].interaction,
    )
    found = mobile.lowest(mean, sites, needed[0])
    symmetry = mobile.stabiliser(aligned)
    return [
        [_beside(mobile, framework, sites[ions], symmetry, lowest_image) for ions in found.occupied]
        for framework in frameworks
    ]


def _aligned(cell: HostSupercell, frameworks: Sequence[Species]) -> list[Species]:
    """Image of every framework that takes the fewest sites which those before it do not take."""
    aligned = [frameworks[0]]
    taken = np.array([bool(element) for element in frameworks[0]])
    for framework in frameworks[1:]:
        images = [image_of(framework, permutation) for permutation in cell.permutations]
        unions = [taken | np.array([bool(element) for element in image]) for image in images]
        fewest = int(np.argmin([union.sum() for union in unions]))
        aligned.append(images[fewest])
        taken = unions[fewest]
    return aligned


def _beside(
    mobile: MobileSites, framework: Species, ions: NDArray[np.intp], symmetry: NDArray[np.int64], lowest_image: bool
) -> PlacedCell:
    """One framework beside fixed mobile ions, in the image wanted."""
    group = mobile.cell.permutations if lowest_image else mobile.cell.permutations[:1]
    occupied = np.ones((1, len(ions)), dtype=bool)
    best: PlacedCell | None = None
    energies: dict[Species, float] = {}
    for operation, permutation in enumerate(group):
        image = image_of(framework, permutation)
        if image in energies or any(image[site] != EMPTY for site in ions):
            continue
        energies[image] = float(mobile.form(image, ions).energies(occupied)[0])
        if best is None or energies[image] < best.energy_eV - 1e-9:
            multiplicity = _n_images(ions, symmetry)
            best = PlacedCell(mobile.with_mobile(image, ions), energies[image], multiplicity, operation)
    assert best is not None  # noqa: S101 - the image that the sites were kept free for fits
    return best


def image_of(species: Species, permutation: NDArray[np.integer]) -> Species:
    """The decoration after an operation has moved every ion."""
    moved = np.empty(len(species), dtype=object)
    moved[permutation] = species
    return tuple(moved)


def _n_images(ions: NDArray[np.intp], symmetry: NDArray[np.int64]) -> int:
    """Number of different images of a set of sites."""
    return len(np.unique(np.sort(symmetry[:, ions], axis=1), axis=0))
