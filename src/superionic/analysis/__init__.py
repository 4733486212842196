"""Pure functions from trajectories to numbers with errors that hold."""

from superionic.analysis.distributions.density import Density
from superionic.analysis.run import diffusivity
from superionic.analysis.temperature.comparison import comparison
from superionic.analysis.temperature.temperatures import arrhenius

__all__ = ["Density", "arrhenius", "comparison", "diffusivity"]
