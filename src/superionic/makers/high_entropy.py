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
from superionic.errors import InputError
from superionic.structures.arrangements import ArrangedSites, Arrangement, arrange, target
from superionic.structures.composition import configurational_entropy, entropy_class, n_mobile_ions, parse_composition
from superionic.structures.counting import count_distinct
from superionic.structures.enumeration import EMPTY
from superionic.structures.host import Host
from superionic.structures.pools import Pool
from superionic.structures.short_range_order import OrderParameters, ShortRangeOrder, pair_weights, warren_cowley
from superionic.structures.supercell import HostSupercell
from superionic.structures.supercell_search import Supercell, chosen_cell


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
        Repeats of the conventional cell along a, b, c, a 3 x 3 matrix whose rows are the new vectors, or a request for
        the smallest cell that is thick enough.
    arrangements
        What to look for: 'layered', 'clustered', 'dispersed', 'random'; one that is named twice is looked for twice.
    n_each
        Number of decorations of each arrangement, no two of them symmetry images.
    seed
        Seed of the search.
    site_labels
        Labels of the sites to decorate; all other framework ions stay where the ordered crystal has them. None takes
        the sites of the framework's cations if they are of one element, and is refused where they are of several.
    """

    composition: str
    name: str = "decorate sites"
    supercell: Supercell = (1, 1, 1)
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
        cell = chosen_cell(host, self.supercell)
        labels = list(self.site_labels or _one_sublattice(cell))
        sites = cell.sites_of(labels)
        counts = parse_composition(self.composition, len(sites))
        kept = _kept(cell, labels)
        some = _fill(kept, sites, [element for element, count in counts.items() for _ in range(count)])
        n_mobile = n_mobile_ions(cell, some)
        entropy = configurational_entropy(counts)
        weights = pair_weights(cell.lattice.matrix, cell.frac_coords[sites], host.layer_normal_vector)
        order = ShortRangeOrder(weights, tuple(counts.values()))
        images = np.searchsorted(sites, cell.permutations[:, sites])
        documents = [
            _document(cell, kept, sites, order, arrangement, number, found)
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


def _one_sublattice(cell: HostSupercell) -> list[str]:
    """Labels of the framework's cations in the ordered crystal, if they are of one element."""
    cations = {label: ion for label, ion in cell.framework_filling().items() if cell.charge(ion) > 0}
    if len(set(cations.values())) != 1:
        named = ", ".join(f"{label} ({ion})" for label, ion in cations.items())
        raise InputError(f"the framework has several sublattices: name the site labels to decorate among {named}")
    return list(cations)


def _kept(cell: HostSupercell, decorated: Sequence[str]) -> tuple[str, ...]:
    """Framework ions on all other sites: those of the ordered crystal, which has to be ordered there."""
    filling = {label: ion for label, ion in cell.framework_filling().items() if label not in decorated}
    if not cell.host.fillings:
        for label, row in cell.occupancies().items():
            framework = {ion: share for ion, share in row.items() if ion != cell.host.mobile_species}
            if label in filling and (len(framework) > 1 or min(framework.values()) < 1 - 1e-3):
                shares = ", ".join(f"{ion} {share:g}" for ion, share in row.items())
                raise InputError(
                    f"site label {label!r} is disordered too ({shares}): decorate it with the others, or write "
                    "a host file with an ordered filling"
                )
    full = [str(cell.labels[site]) for site in cell.sites_of(decorated) if cell.anions[site]]
    if full:
        raise InputError(f"site label {full[0]!r} takes one anion alone: allow more species there in a host file")
    return tuple(filling.get(str(label), EMPTY) for label in cell.labels)


def _fill(kept: Sequence[str], sites: NDArray[np.intp], elements: Sequence[str]) -> tuple[str, ...]:
    species = list(kept)
    for site, element in zip(sites, elements, strict=True):
        species[site] = element
    return tuple(species)


def _n_mobile_ordered(cell: HostSupercell) -> int:
    """Mobile ions beside the framework of the ordered crystal."""
    filling = cell.framework_filling()
    return n_mobile_ions(cell, [filling.get(str(label), EMPTY) for label in cell.labels])


def _document(
    cell: HostSupercell,
    kept: Sequence[str],
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
        structure=cell.structure(_fill(kept, sites, found.species)),
    )


def _values(parameters: OrderParameters) -> OrderValues:
    return OrderValues(**asdict(parameters))
