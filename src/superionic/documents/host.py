"""A host crystal with its named sites as it is stored with the runs of it, so that a database needs no files."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from superionic.documents.base import Document, Matrix3, Vector3


class CrystalSite(Document):
    """Positions of the crystal that the same ions share."""

    ions: list[tuple[str, float]] = Field(description="Ion with its charge, for example 'In3+', and its occupancy")
    frac_coords: list[Vector3] = Field(description="Fractional coordinates in the conventional cell")


class HostSite(Document):
    """All positions of the conventional cell that have one name."""

    label: str = Field(description="Name of the site")
    wyckoff: str = Field(description="Wyckoff position")
    layer: str | None = Field(description="Layer; None if the host names none")
    coordination: str | None = Field(description="Coordination; None if it is not known")
    allowed_species: list[str] = Field(description="Element symbols that may sit here")
    frac_coords: list[Vector3] = Field(description="Fractional coordinates in the conventional cell, in [0, 1)")


class HostDocument(Document):
    """A crystal with partial occupancies and its named sites: all of superionic.structures.host.Host."""

    name: str = Field(description="Name of the host, or path of the CIF it was read from")
    lattice_A: Matrix3 = Field(description="Vectors of the conventional cell as rows in Å")
    crystal: list[CrystalSite] = Field(description="The crystal as in its CIF, partial occupancies kept")
    sites: list[HostSite] = Field(description="The named sites")
    mobile_species: str = Field(description="Element symbol of the mobile ion")
    other_mobile_species: list[str] = Field(default_factory=list, description="Element symbols of further mobile ions")
    anion_species: list[str] = Field(description="Element symbols of the anions")
    oxidation_states: dict[str, float] = Field(description="Charge of each element in elementary charges")
    layer_normal: str | None = Field(description="Axis that layers are stacked along, 'a' ... 'c*'; None if unknown")
    fillings: dict[str, list[tuple[str, str]]] = Field(description="Named ordered arrangements: site label, element")
    label_rules: dict[str, Any] = Field(description="Rules by which descriptors of frameworks become labels")
