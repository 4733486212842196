"""Pure functions from trajectories to numbers with errors that hold."""

from superionic.analysis.run import arrhenius, diffusivity

__all__ = ["arrhenius", "diffusivity"]
