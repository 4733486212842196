"""CHGNet, fast."""

from superionic.potentials.chgnet.evaluator import ChgnetPotential, ChgnetSession, System, load_chgnet
from superionic.potentials.chgnet.shared import SharedPotential

__all__ = ["ChgnetPotential", "ChgnetSession", "SharedPotential", "System", "load_chgnet"]
