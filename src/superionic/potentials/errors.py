"""What can go wrong while a potential is evaluated."""

from __future__ import annotations

from superionic.errors import InputError, SimulationError

__all__ = ["IsolatedAtomError", "PotentialError"]


class PotentialError(SimulationError):
    """The atoms are where the potential has no meaning: not finite, on top of each other, or exploded."""


class IsolatedAtomError(PotentialError, InputError):
    """An atom has no neighbour within the cutoff: bad input at the first step, an explosion at a later one."""
