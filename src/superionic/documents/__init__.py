"""Pydantic models of everything that is stored: the vocabulary of the package."""

from superionic.documents.analysis_settings import AnalysisSettings
from superionic.documents.arrhenius import (
    ArrheniusDocument,
    ArrheniusLine,
    ArrheniusPoint,
    Extrapolation,
    LineExtrapolation,
    MissingRun,
)
from superionic.documents.base import Document
from superionic.documents.comparison import ClassMean, ComparisonDocument, ComparisonMember, Difference
from superionic.documents.cost import Cost
from superionic.documents.cp2k import Cp2kSettings
from superionic.documents.dataset import (
    DatasetDocument,
    ExcludedFrame,
    FrameOrigin,
    LabelReference,
    SplitSettings,
)
from superionic.documents.density import DensityVolume
from superionic.documents.diffusivity import DiffusivityDocument, DiffusivitySummary
from superionic.documents.distributions import MSDCurve, RadialDistribution, VanHoveSelf
from superionic.documents.estimate import Estimate
from superionic.documents.failure import FailureDocument
from superionic.documents.framework_state import FrameworkState
from superionic.documents.host import HostDocument
from superionic.documents.imports import ImportSettings
from superionic.documents.ordering import OrderingClass, OrderingDocument
from superionic.documents.potential import AseSettings, ChgnetSettings, PotentialSettings, PresetSettings, VaspSettings
from superionic.documents.protocol import AimdSet, MDProtocol, MDSet
from superionic.documents.provenance import UNKNOWN, PotentialReference, Provenance, SourceReference
from superionic.documents.quality import Check, CheckName, Quality, Verdict
from superionic.documents.quantities import ComparedQuantity, PartKind
from superionic.documents.recorded_protocol import RecordedProtocol
from superionic.documents.relaxation import RelaxationDocument
from superionic.documents.study import StudyDocument
from superionic.documents.thresholds import VerdictThresholds
from superionic.documents.trajectory import (
    ERROR_TARGET_REACHED,
    LENGTH_REACHED,
    BarostatState,
    BuiltinState,
    LammpsState,
    MDRunDocument,
    MDState,
    RunIdentity,
    TrajectorySegment,
    VaspState,
)
from superionic.documents.transport import (
    BlockAnalysis,
    CollectiveTransport,
    JumpAnalysis,
    JumpCategory,
    JumpCount,
    JumpsWithin,
    MobileSpeciesTransport,
    SiteAnalysis,
    SiteStatistics,
    Vibration,
)

__all__ = [
    "ERROR_TARGET_REACHED",
    "LENGTH_REACHED",
    "UNKNOWN",
    "AimdSet",
    "AnalysisSettings",
    "ArrheniusDocument",
    "ArrheniusLine",
    "ArrheniusPoint",
    "AseSettings",
    "BarostatState",
    "BlockAnalysis",
    "BuiltinState",
    "Check",
    "CheckName",
    "ChgnetSettings",
    "ClassMean",
    "CollectiveTransport",
    "ComparedQuantity",
    "ComparisonDocument",
    "ComparisonMember",
    "Cost",
    "Cp2kSettings",
    "DatasetDocument",
    "DensityVolume",
    "Difference",
    "DiffusivityDocument",
    "DiffusivitySummary",
    "Document",
    "Estimate",
    "ExcludedFrame",
    "Extrapolation",
    "FailureDocument",
    "FrameOrigin",
    "FrameworkState",
    "HostDocument",
    "ImportSettings",
    "JumpAnalysis",
    "JumpCategory",
    "JumpCount",
    "JumpsWithin",
    "LabelReference",
    "LammpsState",
    "LineExtrapolation",
    "MDProtocol",
    "MDRunDocument",
    "MDSet",
    "MDState",
    "MSDCurve",
    "MissingRun",
    "MobileSpeciesTransport",
    "OrderingClass",
    "OrderingDocument",
    "PartKind",
    "PotentialReference",
    "PotentialSettings",
    "PresetSettings",
    "Provenance",
    "Quality",
    "RadialDistribution",
    "RecordedProtocol",
    "RelaxationDocument",
    "RunIdentity",
    "SiteAnalysis",
    "SiteStatistics",
    "SourceReference",
    "SplitSettings",
    "StudyDocument",
    "TrajectorySegment",
    "VanHoveSelf",
    "VaspSettings",
    "VaspState",
    "Verdict",
    "VerdictThresholds",
    "Vibration",
]
