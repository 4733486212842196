"""Framework enumeration as a job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jobflow import Job, Maker, job

from superionic.documents.frameworks import ClusterDocument, FrameworkDocument, FrameworkSetDocument
from superionic.documents.provenance import Provenance
from superionic.errors import InputError
from superionic.structures.composition import check_ions, check_room, ions_of
from superionic.structures.counting import count_decorations, count_distinct
from superionic.structures.descriptors import FrameworkGeometry
from superionic.structures.enumeration import EMPTY, Decoration, enumerate_distinct, sample_distinct
from superionic.structures.frameworks import Move, n_displaced, pools_from_moves, pools_from_occupancies
from superionic.structures.host import Host
from superionic.structures.labels import framework_label, sharing_label, summary
from superionic.structures.pools import Pool
from superionic.structures.supercell import HostSupercell
from superionic.structures.supercell_search import Supercell, chosen_cell


@dataclass
class DisorderMaker(Maker):
    """Every symmetry-distinct framework of a disordered host.

    Attributes
    ----------
    name
        Name of the job.
    supercell
        Repeats of the conventional cell along a, b, c, a 3 x 3 matrix whose rows are the new vectors, or a request for
        the smallest cell that is thick enough and realises the occupancies.
    moves
        Moves away from the ordered crystal, as ``In:2b:4g:1``; None takes the crystal's own partial occupancies.
    occupancy_tolerance
        Largest change of an occupancy that makes the number of ions whole; for partial occupancies only.
    composition_tolerance
        Share by which the number of mobile ions that make the cell neutral may differ from the crystal's; for partial
        occupancies only.
    max_distinct
        Largest number of frameworks to enumerate; a larger request is refused with the count.
    n_samples
        Draw so many distinct frameworks at random instead of enumerating all of them.
    seed
        Seed of the draw.
    with_ordered
        List the ordered crystal too, before the others.
    """

    name: str = "enumerate frameworks"
    supercell: Supercell = (1, 1, 1)
    moves: Sequence[str] | None = None
    occupancy_tolerance: float = 0.0
    composition_tolerance: float = 0.02
    max_distinct: int = 1000
    n_samples: int | None = None
    seed: int = 0
    with_ordered: bool = False

    def frameworks(self, host: Host) -> FrameworkSetDocument:
        """The frameworks themselves, without a job.

        Raises
        ------
        InputError
            If the request does not fit the host or the supercell, or there are more than `max_distinct` frameworks.
        """
        cell = chosen_cell(host, self.supercell, self._pools)
        pools, occupancies, ions = self._pools(cell)
        if self.n_samples is None:
            found = enumerate_distinct(cell.permutations, pools, self.max_distinct, cell.alternatives)
        else:
            found = sample_distinct(cell.permutations, pools, self.n_samples, self.seed, cell.alternatives)
        n_distinct = count_distinct(cell.permutations, pools, cell.alternatives)
        complete = len(found) == n_distinct
        if self.with_ordered:
            found = _with_ordered(cell, found)
        return FrameworkSetDocument(
            host=host.name,
            supercell=cell.matrix,
            moves=None if self.moves is None else list(self.moves),
            occupancies=occupancies,
            ions=ions,
            group_order=len(cell.permutations),
            n_configurations=count_decorations(pools, cell.alternatives),
            n_distinct=n_distinct,
            complete=complete,
            frameworks=_documents(cell, found),
            provenance=Provenance(seed=None if self.n_samples is None else self.seed),
        )

    def _pools(
        self, cell: HostSupercell
    ) -> tuple[list[Pool], dict[str, dict[str, tuple[float, float]]] | None, dict[str, tuple[float, int]] | None]:
        """Pools, occupancies and ions of one supercell; refused where it cannot hold what is asked for."""
        if self.moves is not None:
            pools = pools_from_moves(cell, [Move.parse(move) for move in self.moves])
            try:
                return pools, None, ions_of(cell, _totals(pools))
            except InputError:  # placing the mobile ions will say so
                return pools, None, None
        pools, occupancies = pools_from_occupancies(cell, self.occupancy_tolerance)
        ions = ions_of(cell, _totals(pools))
        check_ions(cell, ions, self.occupancy_tolerance, self.composition_tolerance)
        check_room(cell, pools, ions[cell.host.mobile_species][1])
        return pools, occupancies, ions

    @job(output_schema=FrameworkSetDocument)
    def make(self, host: Host) -> Job:
        """Job that stores the frameworks as a FrameworkSetDocument."""
        return self.frameworks(host)


def _totals(pools: Sequence[Pool]) -> Counter[str]:
    totals: Counter[str] = Counter()
    for pool in pools:
        totals.update(pool.counts)
    return totals


def _with_ordered(cell: HostSupercell, found: list[Decoration]) -> list[Decoration]:
    """The ordered crystal first, unless it is one of those found."""
    filling = cell.framework_filling()
    ordered = np.array([filling.get(str(label), EMPTY) for label in cell.labels], dtype=object)
    for index, decoration in enumerate(found):
        if (ordered[cell.permutations] == np.array(decoration.species, dtype=object)).all(axis=1).any():
            return [decoration, *found[:index], *found[index + 1 :]]
    return [Decoration(tuple(ordered), 1), *found]


def _documents(cell: HostSupercell, decorations: Sequence[Decoration]) -> list[FrameworkDocument]:
    geometry = FrameworkGeometry(cell)
    described = [geometry.describe(decoration.species) for decoration in decorations]
    displaced = [n_displaced(cell, decoration.species) for decoration in decorations]
    labels = [
        (None if cell.host.label_rules else sharing_label(cell, decoration.species))
        or framework_label(cell.host.label_rules, summary(descriptors, moved))
        for decoration, descriptors, moved in zip(decorations, described, displaced, strict=True)
    ]
    return [
        FrameworkDocument(
            label=label,
            name=name,
            multiplicity=decoration.multiplicity,
            displaced=moved,
            ions_per_layer=None if descriptors.ions_per_layer is None else list(descriptors.ions_per_layer),
            parity=descriptors.parity,
            clusters=[ClusterDocument(size=c.size, stacked=c.stacked) for c in descriptors.clusters],
            structure=cell.structure(decoration.species),
        )
        for decoration, descriptors, moved, label, name in zip(
            decorations, described, displaced, labels, numbered(labels), strict=True
        )
    ]


def numbered(labels: Sequence[str]) -> list[str]:
    """Number the labels that occur more than once: O, ELC-1, ELC-2."""
    totals, seen = Counter(labels), Counter[str]()
    names = []
    for label in labels:
        seen[label] += 1
        names.append(f"{label}-{seen[label]}" if totals[label] > 1 else label)
    return names
