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


def difference(integers: NDArray[np.int32], order: int) -> NDArray[np.uint32]:
    """Differences of an order along the first axis, exact modulo 2^32, their sign moved to the lowest bit.

    The first rows, for which there is no difference of that order, hold those of the orders below.
    """
    out = integers.copy()
    for first in range(order):
        out[first + 1 :] -= out[first:-1].copy()
    return ((out << 1) ^ (out >> 31)).view(np.uint32)


@numba.njit(cache=True)
def restore(stored, frames, atoms, order, unit, out, rows, columns):  # type: ignore[no-untyped-def]
    """Inverse of :func:`difference` for one chunk, at some frames (in rising order) and atoms.

    Parameters
    ----------
    stored
        Differences, shape (n_atoms, 3, n_frames).
    frames, atoms
        What is wanted of them, counted from the start of the chunk.
    order
        Of the differences.
    unit
        Factor to what `out` holds.
    out
        Where to write, shape (n_rows, n_columns, 3).
    rows, columns
        Where in `out` each of `frames` and `atoms` belongs.
    """
    for i in range(len(atoms)):
        for a in range(3):
            levels = np.zeros(HIGHEST_ORDER + 1, dtype=np.int32)  # differences of every order in the frame before
            wanted = 0
            for t in range(frames[-1] + 1):
                highest = min(t, order)
                value = np.int64(stored[atoms[i], a, t])
                levels[highest] = (value >> 1) ^ -(value & 1)
                for k in range(highest - 1, -1, -1):
                    levels[k] += levels[k + 1]
                while wanted < len(frames) and frames[wanted] == t:
                    out[rows[wanted], columns[i], a] = levels[0] * unit
                    wanted += 1


def best_order(integers: NDArray[np.int32]) -> int:
    """Order of the differences that are smallest, of 0 to ``HIGHEST_ORDER``."""
    sizes = [difference(integers, order)[order:].sum(dtype=np.float64) for order in range(HIGHEST_ORDER + 1)]
    return int(np.argmin(sizes)) if len(integers) > HIGHEST_ORDER else 0
