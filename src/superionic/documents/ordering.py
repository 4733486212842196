"""An ordered cell of a disordered crystal: the starting point of every run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pymatgen.core import Structure

from superionic.documents.base import StoredDocument
from superionic.documents.frameworks import IntegerVector, SupercellMatrix
from superionic.documents.host import HostDocument
from superionic.documents.provenance import Provenance

OrderingClass = Literal["ordered", "disordered", "medium entropy", "high entropy"]


class OrderingDocument(StoredDocument):
    """One ordered supercell, with the named sites its ions were put on."""

    kind: Literal["ordering"] = Field("ordering", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    label: str = Field(description="Short name of the ordering, for example 'O' or 'ELC'")
    formula: str = Field(description="Reduced formula")
    structure: Structure = Field(description="The ordered cell, with oxidation states; lengths in Å")
    host: str = Field(description="Name of the host crystal whose named sites the ions occupy")
    host_crystal: HostDocument | None = Field(None, description="That crystal; None if it was not kept yet")
    ordering_class: OrderingClass | None = Field(
        None, description="By where the framework cations sit (superionic.structures.ordering_class); None if unknown"
    )
    supercell: IntegerVector | SupercellMatrix = Field(
        description="Repeats of the host's conventional cell along a, b, c; rows of a matrix for another shape"
    )
    site_labels: list[str] = Field(description="Named site of each atom at the start, in the order of the atoms")
    mobile_species: str = Field(description="Element symbol of the mobile ion")
    other_mobile_species: list[str] = Field(default_factory=list, description="Element symbols of further mobile ions")
    tags: list[str] = Field(default_factory=list, description="Free words to find the ordering by")
    energy_eV: float | None = Field(None, description="Relaxed energy of the cell in eV, if it was relaxed")
    provenance: Provenance = Field(description="Where the ordering came from")
