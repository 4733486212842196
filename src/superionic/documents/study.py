"""What is asked of a study after it was run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from superionic.documents.analysis_settings import AnalysisSettings
from superionic.documents.base import StoredDocument


class StudyDocument(StoredDocument):
    """How all runs of a study are to be analysed, whatever was stored with each of them."""

    kind: Literal["study"] = Field("study", description="What this document is")
    schema_version: Literal[1] = Field(1, description="Version of the shape of this kind of document")
    study: str = Field(description="Name of the study; empty for all runs that belong to none")
    analysis: AnalysisSettings = Field(description="How its runs are to be analysed")
