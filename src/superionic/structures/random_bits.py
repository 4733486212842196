"""Random bits inside compiled loops, where a numpy Generator costs more than the physics."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True, inline="always")
def next_bits(state: NDArray[np.uint64]) -> np.uint64:
    """Next 64 bits of the SplitMix64 generator, whose state is one number in an array of length one.

    (G. L. Steele, D. Lea, C. H. Flood, OOPSLA 2014, 453.)
    """
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    bits = state[0]
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@numba.njit(cache=True, inline="always")
def index_pair(bits: np.uint64, n_first: int, n_second: int) -> tuple[np.int64, np.int64]:
    """Two random indices below `n_first` and `n_second` from 64 random bits."""
    half = np.uint64(32)
    first = ((bits & np.uint64(0xFFFFFFFF)) * np.uint64(n_first)) >> half
    second = ((bits >> half) * np.uint64(n_second)) >> half
    return np.int64(first), np.int64(second)


@numba.njit(cache=True, inline="always")
def unit_float(bits: np.uint64) -> np.float64:
    """A number in [0, 1) from 64 random bits."""
    return np.float64(bits >> np.uint64(11)) * 2.0**-53
