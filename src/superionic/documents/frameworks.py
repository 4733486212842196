"""The symmetry-distinct frameworks of a disordered host."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PlainSerializer
from pymatgen.core import Structure

from superionic.documents.base import Document, StoredDocument
from superionic.documents.provenance import Provenance

IntegerVector = tuple[int, int, int]
SupercellMatrix = tuple[IntegerVector, IntegerVector, IntegerVector]

ExactCount = Annotated[int, PlainSerializer(lambda count: count if count < 2**63 else str(count))]
"""A whole number of any size: stored as text where a database's 64 bits do not hold it."""


class ClusterDocument(Document):
    """Framework cations connected by shared edges of their polyhedra."""

    size: int = Field(description="Number of cations; neighbours have two or more anions in common")
    stacked: int | None = Field(
        None, description="Cations of the cluster with a framework cation directly above or below; None without layers"
    )


class FrameworkDocument(Document):
    """One framework: the representative of an orbit under the supercell's space group."""

    label: str = Field(description="Label computed from the descriptors by the host's rules, for example 'ELC'")
    name: str = Field(description="The label, numbered where several frameworks bear it, for example 'ELC-2'")
    multiplicity: int = Field(description="Number of configurations that are symmetry images of this one")
    displaced: int = Field(description="Framework ions that are not where the ordered crystal has them")
    ions_per_layer: list[int] | None = Field(None, description="Framework cations in each layer, ascending")
    parity: Literal["even", "odd", "mixed"] | None = Field(
        None, description="Whether every layer holds an even or every layer an odd number of framework cations"
    )
    clusters: list[ClusterDocument] = Field(description="Edge-sharing clusters of two or more cations, largest first")
    structure: Structure = Field(
        description="Framework cations and anions without mobile ions; site properties site_label, wyckoff, layer; Å"
    )


class FrameworkSetDocument(StoredDocument):
    """The frameworks that a request for disorder leads to."""

    kind: Literal["framework_set"] = Field("framework_set", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    host: str = Field(description="Name of the host crystal")
    supercell: SupercellMatrix = Field(description="Rows: vectors of the supercell in those of the conventional cell")
    moves: list[str] | None = Field(
        None, description="Moves as SPECIES:FROM:TO:COUNT; None for the crystal's occupancies"
    )
    occupancies: dict[str, dict[str, tuple[float, float]]] | None = Field(
        None, description="Site label -> element -> (occupancy of the crystal, occupancy realised)"
    )
    ions: dict[str, tuple[float, int]] | None = Field(
        None,
        description="Ion -> (amount in as much of the crystal as the cell holds, number in the cell, with the "
        "mobile ions that make it neutral); None if it cannot be neutral, or an older version made the document",
    )
    group_order: int = Field(description="Operations of the crystal's space group modulo the supercell")
    n_configurations: ExactCount = Field(description="Number of configurations before symmetry")
    n_distinct: ExactCount = Field(description="Number of symmetry-distinct configurations, by Burnside's lemma")
    complete: bool = Field(description="Whether all distinct frameworks are listed, or only a random sample")
    frameworks: list[FrameworkDocument] = Field(description="The frameworks")
    provenance: Provenance = Field(description="Where the frameworks came from")
