"""Cation sites decorated with a high-entropy composition."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pymatgen.core import Structure

from superionic.documents.base import Document, StoredDocument
from superionic.documents.frameworks import ExactCount, SupercellMatrix
from superionic.documents.provenance import Provenance


class OrderValues(Document):
    """One value for each order parameter; None where it is not defined or left free."""

    in_plane: float | None = Field(
        None, description="Warren-Cowley parameter of like pairs in a plane (1 none, 0 as by chance, negative more)"
    )
    between_planes: float | None = Field(
        None, description="Warren-Cowley parameter of like pairs in adjacent planes (1 none, 0 as by chance)"
    )
    plane_order: float | None = Field(
        None,
        description="1 when every plane holds one species only, 0 as by chance, negative when planes are more alike",
    )


class DecorationDocument(Document):
    """One decoration, with the order it was meant to have and the order it has."""

    name: str = Field(description="Arrangement and number, for example 'dispersed-1'")
    arrangement: Literal["layered", "clustered", "dispersed", "random"] = Field(description="What was looked for")
    target: OrderValues | None = Field(None, description="Order parameters that define the arrangement; None if random")
    reached: OrderValues = Field(description="Order parameters of the decoration, corrected for the finite cell")
    z_scores: OrderValues = Field(description="Order parameters in units of their spread over random decorations")
    typical_of_random: bool = Field(description="Whether every z-score is below 2 in size")
    warren_cowley_in_plane: dict[str, float] = Field(description="Species pair -> Warren-Cowley parameter in planes")
    warren_cowley_between_planes: dict[str, float] = Field(description="The same between adjacent planes")
    structure: Structure = Field(
        description="Framework cations and anions without mobile ions; site properties site_label, wyckoff, layer; Å"
    )


class DecorationSetDocument(StoredDocument):
    """Decorations of one composition."""

    kind: Literal["decoration_set"] = Field("decoration_set", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    host: str = Field(description="Name of the host crystal")
    supercell: SupercellMatrix = Field(description="Rows: vectors of the supercell in those of the conventional cell")
    composition: dict[str, int] = Field(description="Ions of each species on the decorated sites")
    site_labels: list[str] = Field(description="Labels of the decorated sites")
    n_mobile_ions: int = Field(description="Mobile ions that balance the charge")
    n_mobile_vacancies: int = Field(
        description="Mobile ions fewer (negative: more) than in the ordered crystal of the same supercell"
    )
    formula: str = Field(description="Reduced formula with the mobile ions")
    entropy_R: float = Field(description="Configurational entropy per decorated site in units of the gas constant R")
    entropy_class: Literal["low", "medium", "high"] = Field(description="'high' from 1.5 R, 'medium' from 1 R")
    group_order: int = Field(description="Operations of the crystal's space group modulo the supercell")
    n_distinct: ExactCount = Field(description="Number of symmetry-distinct decorations, by Pólya's theorem")
    random_spread: OrderValues = Field(
        description="Standard deviations of the order parameters over random decorations"
    )
    decorations: list[DecorationDocument] = Field(description="The decorations")
    provenance: Provenance = Field(description="Where the decorations came from")
