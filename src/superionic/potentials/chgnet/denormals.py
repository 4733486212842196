"""Numbers below 1e-38, which cost time and say nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["denormals_flushed"]


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Treat numbers below 1e-38 as zero in this thread while the network runs.

    CHGNet 0.3.0's pre-activations reach +-500, so the tails of its activations are denormal, which many
    processors compute a hundred times slower and which no result can see. Outside the network, where a user's
    float64 lives, the setting is as it was. Threads that torch starts within inherit it.
    """
    smallest = 5e-324
    already = smallest * 1.0 == 0.0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        if not already:
            torch.set_flush_denormal(False)
