"""An ordered cell by filling whole sites of a host, or from an ordered CIF."""

from __future__ import annotations

from dataclasses import dataclass

from jobflow import Job, Maker, job
from pymatgen.core import Structure

from superionic.documents import OrderingDocument, Provenance
from superionic.structures.carry import on_named_sites
from superionic.structures.distances import require_distances
from superionic.structures.host import Host
from superionic.structures.host_document import host_document
from superionic.structures.ordering_class import ordering_class
from superionic.structures.supercell import HostSupercell
from superionic.structures.supercell_search import Supercell, SupercellRequest, chosen_cell


@dataclass
class OrderingMaker(Maker):
    """Turn a host crystal into one ordered supercell.

    Attributes
    ----------
    name
        Name of the job.
    label
        Label of the ordering, for example 'O'.
    filling
        Site label -> element symbol; the host's own filling named `label` if None.
    supercell
        Repeats of the conventional cell along a, b, c, or a request for the smallest cell that is thick enough.
    tags
        Free words to find the ordering by.
    structure
        An ordered cell of the host with its mobile ions, as from a file, instead of `filling` and `supercell`: it is
        taken as it is, and named sites are found for its atoms.
    """

    name: str = "order cell"
    label: str = "O"
    filling: dict[str, str] | None = None
    supercell: Supercell = (1, 1, 1)
    tags: tuple[str, ...] = ()
    structure: Structure | None = None

    def __post_init__(self) -> None:
        """Give back the tuples that JSON turns into lists."""
        if not isinstance(self.supercell, SupercellRequest | dict):
            self.supercell = tuple(self.supercell)  # type: ignore[assignment]
        self.tags = tuple(self.tags)

    def ordered(self, host: Host) -> Structure:
        """The ordered cell itself, without a job.

        Raises
        ------
        InputError
            If the filling does not fit the host.
        """
        return self._in_cell(host)[1]

    def _in_cell(self, host: Host) -> tuple[HostSupercell, Structure]:
        if self.structure is not None:
            cell, structure = on_named_sites(host, self.structure)
        else:
            cell = chosen_cell(host, self.supercell)
            structure = host.ordered(self.filling or host.named_filling(self.label), cell.repeats or cell.matrix)
        require_distances(structure)
        return cell, structure

    @job(output_schema=OrderingDocument)
    def make(self, host: Host) -> Job:
        """Job that stores the ordered cell as an OrderingDocument."""
        cell, structure = self._in_cell(host)
        labels = structure.site_properties["site_label"]
        elements = [site.specie.symbol for site in structure]
        return OrderingDocument(
            label=self.label,
            formula=structure.composition.element_composition.reduced_formula,
            structure=structure,
            host=host.name,
            host_crystal=host_document(host),
            ordering_class=ordering_class(host, zip(labels, elements, strict=True), cell.n_cells),
            supercell=cell.repeats or cell.matrix,
            site_labels=labels,
            mobile_species=host.mobile_species,
            other_mobile_species=list(host.other_mobile_species),
            tags=list(self.tags),
            provenance=Provenance(),
        )
