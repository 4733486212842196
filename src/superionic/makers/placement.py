"""Placement of mobile ions as a job, and a re-ranking of the lowest placements with a potential."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from jobflow import Flow, Maker, Response, job
from pymatgen.core import Structure

from superionic.documents.decoration import DecorationSetDocument
from superionic.documents.frameworks import FrameworkSetDocument
from superionic.documents.ordering import OrderingDocument
from superionic.documents.placement import (
    PlacedCellDocument,
    PlacementDocument,
    PlacementRankingDocument,
    RankedCellDocument,
)
from superionic.documents.provenance import Provenance
from superionic.documents.relaxation import RelaxationDocument
from superionic.errors import InputError
from superionic.makers.relax import RelaxMaker
from superionic.structures.carry import framework_on_host
from superionic.structures.host import Host
from superionic.structures.host_document import host_document
from superionic.structures.ordering_class import ordering_class
from superionic.structures.placement import MobileSites, PlacedCell, PlacementSearch, place, place_shared
from superionic.structures.supercell import HostSupercell

Frameworks = FrameworkSetDocument | DecorationSetDocument | Mapping[str, Structure]
Sublattice = Literal["shared", "per_framework"]


@dataclass
class PlacementMaker(Maker):
    """Put the mobile ions into frameworks.

    Attributes
    ----------
    name
        Name of the job.
    search
        Energy, method and effort of the search.
    sublattice
        'per_framework': every framework gets its own mobile ions; 'shared': all get the same ones.
    lowest_image
        For a shared sublattice: choose for each framework its symmetry image of lowest energy, else keep it as given.
    relax_maker
        Relaxes the placements kept and ranks them by relaxed energy; None leaves them in electrostatic order.
    """

    name: str = "place mobile ions"
    search: PlacementSearch = field(default_factory=PlacementSearch)
    sublattice: Sublattice = "per_framework"
    lowest_image: bool = True
    relax_maker: RelaxMaker | None = None

    def at_random(self) -> PlacementMaker:
        """The same ions anywhere on their sites: what checks and cost estimates need."""
        search = replace(self.search, method="random", n_candidates=1, n_swaps=20_000, n_chains=1, keep=1)
        return replace(self, search=search, relax_maker=None)

    def placements(self, frameworks: Frameworks, host: Host) -> PlacementDocument:
        """The placements themselves, without a job.

        Raises
        ------
        InputError
            If a framework does not fit the host, its charge cannot balance, or the ions do not fit on the sites.
        """
        if self.sublattice not in {"shared", "per_framework"}:
            raise InputError(f"sublattice {self.sublattice!r} is unknown; use 'shared' or 'per_framework'")
        located = {
            name: framework_on_host(host, structure) for name, structure in structures_by_name(frameworks).items()
        }
        if not located:
            raise InputError("there are no frameworks to place mobile ions in; give at least one")
        cells = [cell for cell, _ in located.values()]
        if any(cell.matrix != cells[0].matrix for cell in cells):
            raise InputError("the frameworks have different supercells; place their mobile ions separately")
        mobile = MobileSites(cells[0], self.search)
        species = [framework for _, framework in located.values()]
        if self.sublattice == "shared":
            placed = place_shared(mobile, species, self.lowest_image)
        else:
            placed = [place(mobile, framework) for framework in species]
        is_random = self.search.method == "random"
        return PlacementDocument(
            host=host.name,
            supercell=mobile.cell.matrix,
            sublattice=self.sublattice,
            energy=self.search.energy,
            method=self.search.method,
            cutoff_A=self.search.cutoff_A if self.search.energy == "shifted-force" else None,
            n_candidates=self.search.n_candidates if is_random else None,
            n_swaps=None if is_random else self.search.n_swaps * self.search.n_chains,
            cells=[
                self._document(mobile.cell, name, rank, cell)
                for name, ranked in zip(located, placed, strict=True)
                for rank, cell in enumerate(ranked)
            ],
            provenance=Provenance(seed=self.search.seed),
        )

    def _document(self, cell: HostSupercell, name: str, rank: int, placed: PlacedCell) -> PlacedCellDocument:
        return PlacedCellDocument(
            framework=name,
            rank=rank,
            energy_eV=placed.energy_eV,
            multiplicity=placed.multiplicity,
            image=placed.image,
            ordering=_ordering(cell, name, rank, cell.structure(placed.species), self.search.seed),
        )

    def make(self, frameworks: Frameworks, host: Host) -> Flow:
        """Flow that stores a PlacementDocument and, with `relax_maker`, a PlacementRankingDocument.

        Parameters
        ----------
        frameworks
            Output of DisorderMaker or HighEntropyMaker, or structures by name.
        host
            The host crystal.

        Returns
        -------
        Flow
            Its output is that of the last job.
        """
        placed = _place_job(self, frameworks, host)
        placed.name = self.name
        if self.relax_maker is None:
            return Flow([placed], output=placed.output, name=self.name)
        ranked = relax_placements(placed.output, self.relax_maker)
        return Flow([placed, ranked], output=ranked.output, name=self.name)


@job(output_schema=PlacementDocument)
def _place_job(maker: PlacementMaker, frameworks: Frameworks, host: Host) -> PlacementDocument:
    return maker.placements(frameworks, host)


@job(name="relax placements")
def relax_placements(placement: PlacementDocument, relax_maker: RelaxMaker) -> Response:
    """Job that relaxes every placement kept and ranks them."""
    relaxations = []
    for cell in placement.cells:
        relaxation = relax_maker.make(cell.ordering)
        relaxation.name = f"{relax_maker.name} {cell.framework} {cell.rank}"
        relaxations.append(relaxation)
    ranking = rank_placements(placement, [relaxation.output for relaxation in relaxations])
    return Response(replace=Flow([*relaxations, ranking], output=ranking.output))


@job(name="rank placements", output_schema=PlacementRankingDocument)
def rank_placements(placement: PlacementDocument, relaxations: list[RelaxationDocument]) -> PlacementRankingDocument:
    """Job that ranks relaxed placements within each framework by energy."""
    from scipy.stats import spearmanr  # half a second that other jobs and `superionic check` need not wait

    by_framework: dict[str, list[tuple[PlacedCellDocument, RelaxationDocument]]] = {}
    for cell, relaxation in zip(placement.cells, relaxations, strict=True):
        by_framework.setdefault(cell.framework, []).append((cell, relaxation))
    ranked, correlations = [], {}
    for framework, pairs in by_framework.items():
        energies = [_relaxed_energy(relaxation) for _, relaxation in pairs]
        electrostatic = [cell.energy_eV for cell, _ in pairs]
        correlations[framework] = float(spearmanr(electrostatic, energies).statistic) if len(pairs) > 2 else None
        ranked += [
            RankedCellDocument(
                framework=framework,
                rank=rank,
                electrostatic_rank=pairs[index][0].rank,
                electrostatic_energy_eV=electrostatic[index],
                relaxed_energy_eV=energies[index],
                converged=pairs[index][1].converged,
                ordering=pairs[index][1].ordering,
            )
            for rank, index in enumerate(sorted(range(len(pairs)), key=energies.__getitem__))
        ]
    provenance = Provenance(seed=placement.provenance.seed, potential=relaxations[0].provenance.potential)
    return PlacementRankingDocument(cells=ranked, rank_correlation=correlations, provenance=provenance)


def _relaxed_energy(relaxation: RelaxationDocument) -> float:
    return relaxation.energy_eV_per_atom * len(relaxation.ordering.structure)


def structures_by_name(frameworks: Frameworks) -> dict[str, Structure]:
    """Structures of frameworks or decorations by their names."""
    if isinstance(frameworks, FrameworkSetDocument):
        return {framework.name: framework.structure for framework in frameworks.frameworks}
    if isinstance(frameworks, DecorationSetDocument):
        return {decoration.name: decoration.structure for decoration in frameworks.decorations}
    return dict(frameworks)


def _ordering(cell: HostSupercell, name: str, rank: int, structure: Structure, seed: int) -> OrderingDocument:
    labels = structure.site_properties["site_label"]
    elements = [site.specie.symbol for site in structure]
    return OrderingDocument(
        label=name,
        formula=structure.composition.element_composition.reduced_formula,
        structure=structure,
        host=cell.host.name,
        host_crystal=host_document(cell.host),
        ordering_class=ordering_class(cell.host, zip(labels, elements, strict=True), cell.n_cells),
        supercell=cell.repeats or cell.matrix,
        site_labels=labels,
        mobile_species=cell.host.mobile_species,
        other_mobile_species=list(cell.host.other_mobile_species),
        tags=[f"placement rank {rank}"],
        provenance=Provenance(seed=seed),
    )
