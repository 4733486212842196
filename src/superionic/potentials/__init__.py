"""CHGNet: fast evaluator, calculator."""

from superionic.potentials.chgnet.evaluator import Evaluation, Potential, Session, System, load_chgnet
from superionic.potentials.chgnet.shared import SharedPotential
from superionic.potentials.errors import IsolatedAtomError, PotentialError

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
