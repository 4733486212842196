"""Potentials: what gives energy, forces and stress. Importing this loads no torch."""

from superionic.potentials.interface import Evaluation, IsolatedAtomError, Potential, PotentialError, Session
from superionic.potentials.load import load, opened

__all__ = ["Evaluation", "IsolatedAtomError", "Potential", "PotentialError", "Session", "load", "opened"]
