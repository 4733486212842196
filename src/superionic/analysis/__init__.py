"""Pure functions from trajectories to numbers with errors that hold."""

from superionic.analysis.comparison import comparison
from superionic.analysis.density import Density
from superionic.analysis.run import diffusivity
from superionic.analysis.temperatures import arrhenius

__all__ = ["Density", "arrhenius", "comparison", "diffusivity"]
