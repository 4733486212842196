"""Potentials: what gives energy, forces and stress. Importing this loads no torch."""

from superionic.potentials.interface import Evaluation, IsolatedAtomError, Potential, PotentialError, Session

__all__ = ["Evaluation", "IsolatedAtomError", "Potential", "PotentialError", "Session"]
