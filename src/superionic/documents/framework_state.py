"""What became of the framework in a run."""

from __future__ import annotations

from enum import StrEnum


class FrameworkState(StrEnum):
    """Where the ions of the framework are at the end of a run, against its start."""

    INTACT = "intact"
    HOPPING = "hopping"
    """The lattice is there, but some ions left their sites for others."""
    MELTED = "melted"
    """The lattice itself is gone."""
    TOO_SHORT = "too short"
    """Vibration cannot be told from melting yet."""
    NONE = "none"
    """There is no framework."""

    @property
    def is_known(self) -> bool:
        """Whether there is a framework, and the run long enough to tell."""
        return self not in {FrameworkState.TOO_SHORT, FrameworkState.NONE}
