"""What is stored in place of a document that could not be built."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from superionic.documents.base import DerivedDocument
from superionic.documents.provenance import Provenance
from superionic.documents.trajectory import RunIdentity


class FailureDocument(DerivedDocument):
    """Why a document could not be built; it bears the key of that document in its place, and is tried again."""

    kind: Literal["failure"] = Field("failure", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    analysis_version: int = Field(1, ge=1, description="Version of what the numbers mean; a failure has none")
    run_id: str | None = Field(None, description="UUID of the run that has no diffusivity")
    group: str | None = Field(None, description="Key of the group that has no Arrhenius fit")
    comparison: str | None = Field(None, description="Key of the comparison that could not be made")
    validation: str | None = Field(None, description="Key of the validation that could not be judged")
    identity: RunIdentity | None = Field(None, description="What the runs behind it have in common; None if not known")
    reason: str = Field(description="Why it could not be built")
    provenance: Provenance = Field(description="Sources and software")

    @property
    def name(self) -> str:
        """What there is no document of."""
        found = {field: getattr(self, field) for field in ("run_id", "group", "comparison", "validation")}
        return next(f"{field} {value}" for field, value in found.items() if value is not None)

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"
