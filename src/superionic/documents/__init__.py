"""Pydantic models of everything that is stored: the vocabulary of the package."""

from superionic.documents.arrhenius import ArrheniusDocument, ArrheniusPoint
from superionic.documents.base import Document
from superionic.documents.diffusivity import DiffusivityDocument, Estimate, MSDCurve
from superionic.documents.ordering import OrderingDocument
from superionic.documents.potential import PotentialSettings
from superionic.documents.protocol import MDProtocol, MDSet
from superionic.documents.provenance import PotentialReference, Provenance, SourceReference
from superionic.documents.quality import Check, Quality, Verdict
from superionic.documents.relaxation import RelaxationDocument
from superionic.documents.trajectory import MDRunDocument, MDState, RunIdentity, TrajectorySegment

__all__ = [
    "ArrheniusDocument",
    "ArrheniusPoint",
    "Check",
    "DiffusivityDocument",
    "Document",
    "Estimate",
    "MDProtocol",
    "MDRunDocument",
    "MDSet",
    "MDState",
    "MSDCurve",
    "OrderingDocument",
    "PotentialReference",
    "PotentialSettings",
    "Provenance",
    "Quality",
    "RelaxationDocument",
    "RunIdentity",
    "SourceReference",
    "TrajectorySegment",
    "Verdict",
]
