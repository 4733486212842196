"""The fast path on a CPU: hand-written passes in numba."""

from superionic.potentials.fused.network import FusedNetwork

__all__ = ["FusedNetwork"]
