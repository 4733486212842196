"""The result of a relaxation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from superionic.documents.base import StoredDocument
from superionic.documents.cost import Cost
from superionic.documents.ordering import OrderingDocument
from superionic.documents.provenance import Provenance


class RelaxationDocument(StoredDocument):
    """A relaxed ordering with the figures that tell whether the relaxation can be trusted."""

    kind: Literal["relaxation"] = Field("relaxation", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    ordering: OrderingDocument = Field(description="The ordering with its relaxed structure and energy")
    energy_eV_per_atom: float = Field(description="Energy at the end in eV/atom")
    max_force_eV_per_A: float = Field(description="Largest force on an atom at the end in eV/Å")
    pressure_GPa: float | None = Field(description="Pressure at the end in GPa")
    volume_change: float = Field(description="Relative change of the volume")
    n_steps: int = Field(ge=0, description="Steps taken by the optimiser")
    converged: bool = Field(description="Whether the force criterion was reached")
    cost: Cost | None = Field(None, description="What it cost; None if from before costs were recorded")
    provenance: Provenance = Field(description="Where the result came from")
