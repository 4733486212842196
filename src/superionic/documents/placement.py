"""Mobile ions placed in frameworks, by electrostatics and by a potential."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from superionic.documents.base import Document, StoredDocument
from superionic.documents.frameworks import SupercellMatrix
from superionic.documents.ordering import OrderingDocument
from superionic.documents.provenance import Provenance


class PlacedCellDocument(Document):
    """One framework with its mobile ions."""

    framework: str = Field(description="Name of the framework")
    rank: int = Field(ge=0, description="Rank of the placement within its framework, 0 is the lowest in energy")
    energy_eV: float = Field(description="Electrostatic energy of the cell in eV, as `energy` of the set says")
    multiplicity: int = Field(description="Placements that the symmetry of the framework makes of this one")
    image: int = Field(
        description="Operation of the supercell's group applied to the framework given (0: none), in the order of "
        "HostSupercell.permutations"
    )
    ordering: OrderingDocument = Field(description="The ordered cell")


class PlacementDocument(StoredDocument):
    """The lowest distinct placements of every framework."""

    kind: Literal["placement"] = Field("placement", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    host: str = Field(description="Name of the host crystal")
    supercell: SupercellMatrix = Field(description="Rows: vectors of the supercell in those of the conventional cell")
    sublattice: Literal["shared", "per_framework"] = Field(
        description="Whether all frameworks have the same mobile sublattice or each its own"
    )
    energy: Literal["shifted-force", "ewald"] = Field(
        description="'shifted-force': repulsion of the mobile ions alone; 'ewald': all ions with formal charges"
    )
    method: Literal["random", "anneal"] = Field(description="How the placements were searched")
    cutoff_A: float | None = Field(None, description="Cutoff of the shifted force in Å")
    n_candidates: int | None = Field(None, description="Random placements drawn for each search")
    n_swaps: int | None = Field(None, description="Swaps proposed in all chains of each search")
    cells: list[PlacedCellDocument] = Field(description="The cells, framework by framework, lowest energy first")
    provenance: Provenance = Field(description="Where the placements came from")

    @property
    def orderings(self) -> list[OrderingDocument]:
        """The lowest ordering of every framework: what MD starts from."""
        return [cell.ordering for cell in self.cells if cell.rank == 0]


class RankedCellDocument(Document):
    """One placement after relaxation with a potential."""

    framework: str = Field(description="Name of the framework")
    rank: int = Field(ge=0, description="Rank by relaxed energy within its framework, 0 is the lowest")
    electrostatic_rank: int = Field(ge=0, description="Rank before relaxation")
    electrostatic_energy_eV: float = Field(description="Electrostatic energy of the cell in eV")
    relaxed_energy_eV: float = Field(description="Energy of the relaxed cell in eV by the potential")
    converged: bool = Field(description="Whether the relaxation reached its force criterion")
    ordering: OrderingDocument = Field(description="The relaxed ordering, with its site labels")


class PlacementRankingDocument(StoredDocument):
    """Placements ranked by a potential."""

    kind: Literal["placement_ranking"] = Field("placement_ranking", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    cells: list[RankedCellDocument] = Field(description="The cells, framework by framework, lowest energy first")
    rank_correlation: dict[str, float | None] = Field(
        description="Framework -> Spearman correlation of electrostatic and relaxed energies; None below 3 placements"
    )
    provenance: Provenance = Field(description="Where the ranking came from, with the potential used")

    @property
    def orderings(self) -> list[OrderingDocument]:
        """The lowest relaxed ordering of every framework: what MD starts from."""
        return [cell.ordering for cell in self.cells if cell.rank == 0]
