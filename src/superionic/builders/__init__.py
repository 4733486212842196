"""maggma Builders: stored trajectories to documents."""

from superionic.builders.all import Built, build_documents
from superionic.builders.arrhenius import ArrheniusBuilder
from superionic.builders.comparison import ComparisonBuilder
from superionic.builders.diffusivity import DiffusivityBuilder
from superionic.builders.validation import ValidationBuilder
from superionic.builders.validity import ValidityBuilder

__all__ = [
    "ArrheniusBuilder",
    "Built",
    "ComparisonBuilder",
    "DiffusivityBuilder",
    "ValidationBuilder",
    "ValidityBuilder",
    "build_documents",
]
