"""High-entropy decorations as a job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from jobflow import Job, Maker, job
from numpy.typing import NDArray
from pymatgen.core import Composition

from superionic.documents.decoration import DecorationDocument, DecorationSetDocument, OrderValues
from superionic.documents.provenance import Provenance
from superionic.structures.arrangements import ArrangedSites, Arrangement, arrange, target
from superionic.structures.composition import configurational_entropy, entropy_class, n_mobile_ions, parse_composition
from superionic.structures.counting import Pool, count_distinct
from superionic.structures.enumeration import EMPTY
from superionic.structures.host import Host
from superionic.structures.short_range_order import OrderParameters, ShortRangeOrder, pair_weights, warren_cowley
from superionic.structures.supercell import HostSupercell, supercell_matrix


@dataclass
class HighEntropyMaker(Maker):
    """Decorate the framework's cation sites with several elements.

    Attributes
    ----------
    name
        Name of the job.
    composition
        The cations that fill the sites, for example ``In3Lu3Sc4Yb3Zr3``.
    supercell
        Repeats of the conventional cell along a, b, c, or a 3 x 3 matrix whose rows are the new vectors.
    arrangements
        What to look for: 'layered', 'clustered', 'dispersed', 'random'; one that is named twice is looked for twice.
    n_each
        Number of decorations of each arrangement, no two of them symmetry images.
    seed
        Seed of the search.
    site_labels
        Labels of the sites to decorate; where the ordered crystal has its framework cations if None.
    """

    composition: str
    name: str = "decorate sites"
    supercell: Sequence[int] | Sequence[Sequence[int]] = (1, 1, 1)
    arrangements: Sequence[Arrangement] = ("layered", "clustered", "dispersed", "random")
    n_each: int = 1
    seed: int = 0
    site_labels: Sequence[str] | None = None

    def decorations(self, host: Host) -> DecorationSetDocument:
        """The decorations themselves, without a job.

        Raises
        ------
        InputError
            If the composition does not fill the sites, its charge cannot balance, or an arrangement is unknown.
        """
        cell = HostSupercell(host, supercell_matrix(self.supercell))
        labels = list(self.site_labels or cell.framework_filling())
        sites = cell.sites_of(labels)
        counts = parse_composition(self.composition, len(sites))
        some = _fill(cell, sites, [element for element, count in counts.items() for _ in range(count)])
        n_mobile = n_mobile_ions(cell, some)
        entropy = configurational_entropy(counts)
        weights = pair_weights(cell.lattice.matrix, cell.frac_coords[sites], host.layer_normal_vector)
        order = ShortRangeOrder(weights, tuple(counts.values()))
        images = np.searchsorted(sites, cell.permutations[:, sites])
        documents = [
            _document(cell, sites, order, arrangement, number, found)
            for arrangement, repeats in Counter(self.arrangements).items()
            for number, found in enumerate(
                arrange(weights, counts, arrangement, self.seed, images, repeats * self.n_each), start=1
            )
        ]
        everything = Counter([element for element in (*some, *cell.anions) if element])
        everything[host.mobile_species] += n_mobile
        return DecorationSetDocument(
            host=host.name,
            supercell=cell.matrix,
            composition=counts,
            site_labels=labels,
            n_mobile_ions=n_mobile,
            n_mobile_vacancies=_n_mobile_ordered(cell) - n_mobile,
            formula=Composition(everything).reduced_formula,
            entropy_R=entropy,
            entropy_class=entropy_class(entropy),
            group_order=len(images),
            n_distinct=count_distinct(images, [Pool(tuple(range(len(sites))), counts)]),
            random_spread=_values(order.random_spread(self.seed)),
            decorations=documents,
            provenance=Provenance(seed=self.seed),
        )

    @job(output_schema=DecorationSetDocument)
    def make(self, host: Host) -> Job:
        """Job that stores the decorations as a DecorationSetDocument."""
        return self.decorations(host)


def _fill(cell: HostSupercell, sites: NDArray[np.intp], elements: Sequence[str]) -> tuple[str, ...]:
    species = [EMPTY] * len(cell.labels)
    for site, element in zip(sites, elements, strict=True):
        species[site] = element
    return tuple(species)


def _n_mobile_ordered(cell: HostSupercell) -> int:
    """Mobile ions beside the framework of the ordered crystal."""
    filling = cell.framework_filling()
    return n_mobile_ions(cell, [filling.get(str(label), EMPTY) for label in cell.labels])


def _document(
    cell: HostSupercell,
    sites: NDArray[np.intp],
    order: ShortRangeOrder,
    arrangement: Arrangement,
    number: int,
    found: ArrangedSites,
) -> DecorationDocument:
    wanted = target(arrangement, order.chance_of_like)
    return DecorationDocument(
        name=f"{arrangement}-{number}",
        arrangement=arrangement,
        target=None if wanted is None else _values(wanted),
        reached=_values(found.reached),
        z_scores=_values(found.z),
        typical_of_random=found.is_typical,
        warren_cowley_in_plane=warren_cowley(order.pair_weights[0], found.species),
        warren_cowley_between_planes=warren_cowley(order.pair_weights[1], found.species),
        structure=cell.structure(_fill(cell, sites, found.species)),
    )


def _values(parameters: OrderParameters) -> OrderValues:
    return OrderValues(**asdict(parameters))
