"""Framework enumeration as a job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from jobflow import Job, Maker, job

from superionic.documents.frameworks import ClusterDocument, FrameworkDocument, FrameworkSetDocument
from superionic.documents.provenance import Provenance
from superionic.structures.counting import count_decorations, count_distinct
from superionic.structures.descriptors import FrameworkGeometry
from superionic.structures.enumeration import EMPTY, Decoration, enumerate_distinct, sample_distinct
from superionic.structures.frameworks import Move, n_displaced, pools_from_moves, pools_from_occupancies
from superionic.structures.host import Host
from superionic.structures.labels import framework_label, summary
from superionic.structures.supercell import HostSupercell, supercell_matrix


@dataclass
class DisorderMaker(Maker):
    """Every symmetry-distinct framework of a disordered host.

    Attributes
    ----------
    name
        Name of the job.
    supercell
        Repeats of the conventional cell along a, b, c, or a 3 x 3 matrix whose rows are the new vectors.
    moves
        Moves away from the ordered crystal, as ``In:2b:4g:1``; None takes the crystal's own partial occupancies.
    occupancy_tolerance
        Largest change of an occupancy that makes the number of ions whole; for partial occupancies only.
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
    supercell: Sequence[int] | Sequence[Sequence[int]] = (1, 1, 1)
    moves: Sequence[str] | None = None
    occupancy_tolerance: float = 0.0
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
        cell = HostSupercell(host, supercell_matrix(self.supercell))
        occupancies = None
        if self.moves is None:
            pools, occupancies = pools_from_occupancies(cell, self.occupancy_tolerance)
        else:
            pools = pools_from_moves(cell, [Move.parse(move) for move in self.moves])
        if self.n_samples is None:
            found = enumerate_distinct(cell.permutations, pools, self.max_distinct)
        else:
            found = sample_distinct(cell.permutations, pools, self.n_samples, self.seed)
        n_distinct = count_distinct(cell.permutations, pools)
        complete = len(found) == n_distinct
        if self.with_ordered:
            filling = cell.framework_filling()
            found = [Decoration(tuple(filling.get(str(label), EMPTY) for label in cell.labels), 1), *found]
        return FrameworkSetDocument(
            host=host.name,
            supercell=cell.matrix,
            moves=None if self.moves is None else list(self.moves),
            occupancies=occupancies,
            group_order=len(cell.permutations),
            n_configurations=count_decorations(pools),
            n_distinct=n_distinct,
            complete=complete,
            frameworks=_documents(cell, found),
            provenance=Provenance(seed=None if self.n_samples is None else self.seed),
        )

    @job(output_schema=FrameworkSetDocument)
    def make(self, host: Host) -> Job:
        """Job that stores the frameworks as a FrameworkSetDocument."""
        return self.frameworks(host)


def _documents(cell: HostSupercell, decorations: Sequence[Decoration]) -> list[FrameworkDocument]:
    geometry = FrameworkGeometry(cell)
    described = [geometry.describe(decoration.species) for decoration in decorations]
    displaced = [n_displaced(cell, decoration.species) for decoration in decorations]
    labels = [
        framework_label(cell.host.label_rules, summary(descriptors, moved))
        for descriptors, moved in zip(described, displaced, strict=True)
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
