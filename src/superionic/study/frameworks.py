"""What a study file says of disordered and high-entropy hosts, as makers of orderings."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from superionic.documents import Document
from superionic.documents.names import Name
from superionic.errors import InputError
from superionic.makers.disorder import DisorderMaker
from superionic.makers.framework_ordering import FrameworkOrderingMaker
from superionic.makers.high_entropy import HighEntropyMaker
from superionic.makers.placement import PlacementMaker, structures_by_name
from superionic.makers.relax import RelaxMaker
from superionic.structures.arrangements import Arrangement
from superionic.structures.host import Host
from superionic.structures.placement import PlacementSearch
from superionic.structures.supercell_search import SupercellRequest
from superionic.study.plan import PlannedCell, within

SUPERCELL = (
    "Repeats of the conventional cell along a, b, c; or min_length_A (and max_atoms) of the smallest cell that will do"
)


class PlacementEntry(Document):
    """How mobile ions are placed."""

    energy: Literal["shifted-force", "ewald"] = Field("ewald", description="Mobile ions alone, or all ions")
    method: Literal["random", "anneal"] = Field("anneal", description="The lowest of many at random, or annealed swaps")
    sublattice: Literal["shared", "per_framework"] = Field("per_framework", description="One for all frameworks or own")
    n_candidates: int = Field(30_000, ge=1, description="Random placements")
    n_swaps: int = Field(4_000_000, ge=1, description="Swaps of each annealing chain")
    n_chains: int = Field(24, ge=1, description="Annealing chains")
    cutoff_A: float = Field(10.0, gt=0, description="Cutoff of the shifted force in Å")
    site_labels: list[str] | None = Field(None, description="Labels to use; those with cations in the crystal if none")
    keep: int = Field(1, ge=1, description="Placements of each framework that are relaxed to compare them")
    seed: int = Field(0, description="Seed of the search")

    def maker(self, relax_maker: RelaxMaker | None = None) -> PlacementMaker:
        """The Maker of the placement."""
        search = self.model_dump(exclude={"sublattice"})
        return PlacementMaker(search=PlacementSearch(**search), sublattice=self.sublattice, relax_maker=relax_maker)


class DisorderEntry(Document):
    """Every symmetry-distinct framework is one ordering of the study."""

    supercell: tuple[int, int, int] | SupercellRequest = Field((1, 1, 1), description=SUPERCELL)
    moves: list[str] | None = Field(None, description="SPECIES:FROM:TO:COUNT; the crystal's own occupancies if none")
    occupancy_tolerance: float = Field(0.0, ge=0, description="Change of an occupancy to accept")
    composition_tolerance: float = Field(
        0.02, ge=0, description="Share by which the mobile ions may differ from the crystal's"
    )
    with_ordered: bool = Field(True, description="Whether the ordered crystal is run too")
    max_distinct: int = Field(20, ge=1, description="Most frameworks to run; more are refused with the count")
    n_samples: int | None = Field(None, ge=1, description="Draw so many frameworks instead of all")
    seed: int = Field(0, description="Seed of the draw")
    only: list[str] | None = Field(None, description="Names of the frameworks to run; all if none")
    placement: PlacementEntry = Field(default_factory=PlacementEntry, description="The mobile ions")

    def cells(self, host: Host) -> list[PlannedCell]:
        """The cell of every framework, and the Maker of its ordering; they are enumerated once for all of them."""
        with within("disorder"):
            enumeration = DisorderMaker(**self.model_dump(exclude={"placement", "only"}))
            structures = structures_by_name(enumeration.frameworks(host))
            names = self.only or list(structures)
            unknown = set(names) - set(structures)
            if unknown:
                raise InputError(f"only names {sorted(unknown)}, which are none of the frameworks {list(structures)}")
            placement = self.placement.maker()
            if placement.sublattice == "per_framework":
                structures = {name: structures[name] for name in names}
            placed = placement.at_random().placements(structures, host)
        cells = {cell.framework: cell.ordering.structure for cell in placed.cells}
        return [
            PlannedCell(
                f"disorder: {name}", FrameworkOrderingMaker(name, enumeration, placement, framework=name), cells[name]
            )
            for name in names
        ]


class HighEntropyEntry(Document):
    """Of several decorations the one with the lowest relaxed energy is one ordering of the study."""

    label: Name = Field(description="Label of the ordering, for example 'HE5'")
    composition: str = Field(description="Cations on the decorated sites, for example In3Lu3Sc4Yb3Zr3")
    supercell: tuple[int, int, int] | SupercellRequest = Field((1, 1, 1), description=SUPERCELL)
    site_labels: list[str] | None = Field(
        None, description="Labels to decorate; those of the framework's cations if none and they are of one element"
    )
    arrangements: list[Arrangement] = Field(min_length=1, description="What to look for; twice if named twice")
    seed: int = Field(0, description="Seed of the search for decorations")
    placement: PlacementEntry = Field(default_factory=PlacementEntry, description="The mobile ions")

    def cell(self, host: Host, relax_maker: RelaxMaker | None) -> PlannedCell:
        """The cell, and the Maker of its ordering; without `relax_maker` the lowest electrostatic energy decides."""
        decorations = HighEntropyMaker(**self.model_dump(exclude={"placement", "label"}))
        maker = FrameworkOrderingMaker(self.label, decorations, self.placement.maker(relax_maker))
        where = f"high_entropy: {self.label}"
        with within(where):
            return PlannedCell(where, maker, maker.ordered(host))
