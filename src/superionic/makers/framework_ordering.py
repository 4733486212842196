"""One ordered cell of a disordered or high-entropy host, from frameworks to mobile ions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from jobflow import Flow, Job, Maker, job
from pymatgen.core import Structure

from superionic.documents.ordering import OrderingDocument
from superionic.documents.placement import PlacementRankingDocument
from superionic.errors import InputError
from superionic.makers.disorder import DisorderMaker
from superionic.makers.high_entropy import HighEntropyMaker
from superionic.makers.placement import PlacementMaker, structures_by_name
from superionic.structures.host import Host


@dataclass
class FrameworkOrderingMaker(Maker):
    """The ordering of one framework, or the lowest in energy of all frameworks.

    Attributes
    ----------
    label
        Label of the ordering.
    frameworks_maker
        Gives the frameworks or decorations.
    placement_maker
        Places the mobile ions; its `relax_maker`, if any, decides which cell is the lowest.
    framework
        Name of the framework wanted; None takes the one whose cell is lowest in energy.
    tags
        Free words to find the ordering by.
    name
        Name of the job or flow.
    """

    label: str
    frameworks_maker: DisorderMaker | HighEntropyMaker
    placement_maker: PlacementMaker = field(default_factory=PlacementMaker)
    framework: str | None = None
    tags: tuple[str, ...] = ()
    name: str = "order cell"

    def ordered(self, host: Host) -> Structure:
        """A cell of the same ions with mobile ions at random: what checks and cost estimates need.

        Raises
        ------
        InputError
            If the request does not fit the host.
        """
        return replace(self, placement_maker=self.placement_maker.at_random()).ordering(host).structure

    def ordering(self, host: Host) -> OrderingDocument:
        """The ordering itself by electrostatic energy, without a job.

        Raises
        ------
        InputError
            If the request does not fit the host or has no such framework.
        """
        maker = self.frameworks_maker
        frameworks = maker.frameworks(host) if isinstance(maker, DisorderMaker) else maker.decorations(host)
        structures = structures_by_name(frameworks)
        if self.framework is not None and self.framework not in structures:
            raise InputError(f"framework {self.framework!r} is unknown; there are {list(structures)}")
        if self.framework is not None and self.placement_maker.sublattice == "per_framework":
            structures = {self.framework: structures[self.framework]}
        cells = self.placement_maker.placements(structures, host).cells
        if self.framework is not None:
            cells = [cell for cell in cells if cell.framework == self.framework]
        lowest = min(cells, key=lambda cell: cell.energy_eV if self.framework is None else cell.rank)
        return self.named(lowest.ordering, lowest.framework)

    def make(self, host: Host) -> Job | Flow:
        """Job, or flow where cells are relaxed to compare them, whose output is an OrderingDocument."""
        if self.placement_maker.relax_maker is None:
            return order_framework(self, host)
        frameworks = self.frameworks_maker.make(host)
        placement = self.placement_maker.make(frameworks.output, host)
        chosen = choose_ordering(self, placement.output)
        for member in (frameworks, *placement.jobs, chosen):
            member.append_name(f" {self.label}")
        return Flow([frameworks, placement, chosen], output=chosen.output, name=self.name)

    def named(self, ordering: OrderingDocument, framework: str) -> OrderingDocument:
        """The ordering under this maker's label, its framework noted as a tag."""
        tags = [*self.tags, f"framework {framework}", *ordering.tags]
        return ordering.model_copy(update={"label": self.label, "tags": tags})


@job(name="order framework", output_schema=OrderingDocument)
def order_framework(maker: FrameworkOrderingMaker, host: Host) -> OrderingDocument:
    """Job that enumerates, places and picks by electrostatic energy."""
    return maker.ordering(host)


@job(name="choose ordering", output_schema=OrderingDocument)
def choose_ordering(maker: FrameworkOrderingMaker, ranking: PlacementRankingDocument) -> OrderingDocument:
    """Job that picks the cell of lowest relaxed energy."""
    cells = [cell for cell in ranking.cells if maker.framework in {None, cell.framework}]
    lowest = min(cells, key=lambda cell: cell.relaxed_energy_eV)
    return maker.named(lowest.ordering, lowest.framework)
