"""CHGNet: fast evaluator, calculator."""

from superionic.potentials.errors import IsolatedAtomError, PotentialError
from superionic.potentials.evaluator import Evaluation, Potential, Session, System, load_chgnet
from superionic.potentials.shared import SharedPotential

__all__ = [
    "Evaluation",
    "IsolatedAtomError",
    "Potential",
    "PotentialError",
    "Session",
    "SharedPotential",
    "System",
    "load_chgnet",
]
