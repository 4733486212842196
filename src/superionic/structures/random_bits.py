"""Random bits inside compiled loops, where a numpy Generator costs more than the physics."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True, inline="always")  # type: ignore[untyped-decorator]
def next_bits(state: NDArray[np.uint64]) -> np.uint64:
    """Next 64 bits of the SplitMix64 generator, whose state is one number in an array of length one.

    (G. L. Steele, D. Lea, C. H. Flood, OOPSLA 2014, 453.)
    """
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    bits = state[0]
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
