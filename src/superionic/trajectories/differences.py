"""Positions as integers, and the differences in time that are stored of them."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from superionic.errors import StoreError

HIGHEST_ORDER = 4


def to_integers(positions_A: NDArray[np.float64], precision_A: float | None) -> NDArray[np.int32]:
    """Positions as multiples of the precision, or as the bits of float32 if that is None.

    Raises
    ------
    StoreError
        If a position is not finite or too far out for the precision.
    """
    if precision_A is None:
        return positions_A.astype(np.float32).view(np.int32)
    scaled = np.rint(positions_A / precision_A)
    if not np.all(np.abs(scaled) < 2**31):
        raise StoreError(
            f"positions reach {np.nanmax(np.abs(positions_A)):.3g} Å or are not finite and cannot be stored "
            f"at precision_A = {precision_A}: check that the run did not explode"
        )
    return scaled.astype(np.int32)


def from_integers(integers: NDArray[np.int32], precision_A: float | None) -> NDArray[np.float64]:
    """Inverse of :func:`to_integers`."""
    if precision_A is None:
        return integers.view(np.float32).astype(np.float64)
    return integers * np.float64(precision_A)


def difference(integers: NDArray[np.int32], order: int) -> NDArray[np.uint32]:
    """Differences of an order along the first axis, exact modulo 2^32, their sign moved to the lowest bit.

    The first rows, for which there is no difference of that order, hold those of the orders below.
    """
    out = integers.copy()
    for first in range(order):
        out[first + 1 :] -= out[first:-1].copy()
    return ((out << 1) ^ (out >> 31)).view(np.uint32)


@numba.njit(cache=True)
def restore(stored, frames, atoms, chunk_frames, order):  # type: ignore[no-untyped-def]
    """Inverse of :func:`difference` for whole chunks, at some frames (in rising order) and atoms.

    Parameters
    ----------
    stored
        Differences of consecutive chunks, each of `chunk_frames` but the last, shape (n, n_atoms, 3).
    frames, atoms
        What is wanted of them.
    chunk_frames, order
        How they were made.
    """
    out = np.empty((len(frames), len(atoms), 3), dtype=np.int32)
    levels = np.zeros((len(atoms), 3, order + 1), dtype=np.int32)  # differences of every order in the frame before
    row = 0
    for t in range(len(stored)):
        if row == len(frames):
            break
        highest = min(t % chunk_frames, order)
        for i in range(len(atoms)):
            for a in range(3):
                value = np.int64(stored[t, atoms[i], a])
                levels[i, a, highest] = (value >> 1) ^ -(value & 1)
                for k in range(highest - 1, -1, -1):
                    levels[i, a, k] += levels[i, a, k + 1]
        if frames[row] == t:
            out[row] = levels[:, :, 0]
            row += 1
    return out


def best_order(integers: NDArray[np.int32]) -> int:
    """Order of the differences that are smallest, of 0 to ``HIGHEST_ORDER``."""
    sizes = [difference(integers, order)[order:].sum(dtype=np.float64) for order in range(HIGHEST_ORDER + 1)]
    return int(np.argmin(sizes)) if len(integers) > HIGHEST_ORDER else 0
