"""maggma Builders: stored trajectories to documents."""

from superionic.builders.all import Built, build_documents
from superionic.builders.arrhenius import ArrheniusBuilder
from superionic.builders.comparison import ComparisonBuilder
from superionic.builders.diffusivity import DiffusivityBuilder

__all__ = ["ArrheniusBuilder", "Built", "ComparisonBuilder", "DiffusivityBuilder", "build_documents"]
