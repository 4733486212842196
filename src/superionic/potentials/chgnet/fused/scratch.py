"""Memory for the arrays of one evaluation, kept from step to step: fresh pages cost more than filling them.

At 1,280 atoms an evaluation fills 300 MB. Taken from the system and given back at every step they would cost 20,000
page faults, up to a third of the time; kept, a step costs the same an atom in small cells and large ones.
"""

from __future__ import annotations

import math
import threading

import numpy as np
from numpy.typing import NDArray

__all__ = ["Matrix", "empty", "restart", "zeros"]

Matrix = NDArray[np.float32]

_ALIGNMENT, _GROWTH = 16, 1.2


class _Scratch(threading.local):
    """One block a thread, handed out from its start to its end; what does not fit is counted for the next block."""

    def __init__(self) -> None:
        self.block: Matrix = np.empty(0, np.float32)
        self.used = 0

    def restart(self) -> None:
        if self.used > len(self.block):
            self.block = np.empty(int(_GROWTH * self.used), np.float32)
        self.used = 0

    def empty(self, shape: tuple[int, ...]) -> Matrix:
        size = math.prod(shape)
        start, self.used = self.used, self.used + -(-size // _ALIGNMENT) * _ALIGNMENT
        if self.used > len(self.block):
            return np.empty(shape, np.float32)
        return self.block[start : start + size].reshape(shape)


_scratch = _Scratch()


def restart() -> None:
    """Begin an evaluation: arrays that this thread was given before are no longer its own."""
    _scratch.restart()


def empty(*shape: int) -> Matrix:
    """Make an array to fill, valid until this thread's next `restart`."""
    return _scratch.empty(shape)


def zeros(*shape: int) -> Matrix:
    """Make an array to add to, valid until this thread's next `restart`."""
    array = _scratch.empty(shape)
    array.fill(0.0)
    return array
