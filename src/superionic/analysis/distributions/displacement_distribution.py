"""How displacements are distributed: van Hove self part and non-Gaussian parameter."""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import NDArray

from superionic.analysis.ion_groups import Positions, groups_of
from superionic.errors import InputError

Floats = NDArray[np.float64]

_MAX_ORIGINS = 5000


def _check_lags(lags: Sequence[int], n_frames: int) -> None:
    for lag in lags:
        if not 0 < lag < n_frames:
            raise InputError(f"lag = {lag} frames is not within a run of {n_frames} frames: choose 1 to {n_frames - 1}")


def non_gaussian_parameter(positions_A: Positions, lags: Sequence[int]) -> Floats:
    """alpha_2 = 3 <r^4> / (5 <r^2>^2) - 1 at each lag; 0 for Gaussian motion.

    Parameters
    ----------
    positions_A
        Unwrapped Cartesian positions in Å, shape (n_frames, n_ions, 3).
    lags
        Lags in frames.

    Raises
    ------
    InputError
        If a lag is not within the run.
    """
    _check_lags(lags, len(positions_A))
    second, fourth = np.zeros(len(lags)), np.zeros(len(lags))
    for _, group in groups_of(positions_A):
        _add_moments(group, np.asarray(lags, dtype=np.int64), _MAX_ORIGINS, second, fourth)
    second, fourth = second / positions_A.shape[1], fourth / positions_A.shape[1]
    moved = second > 0
    return np.where(moved, 3 * fourth / (5 * np.where(moved, second, 1.0) ** 2) - 1, 0.0)


def van_hove_self(positions_A: Positions, lags: Sequence[int], edges_A: Floats) -> Floats:
    """Self part of the van Hove function, 4 pi r^2 G_s(r, t), per Å.

    Parameters
    ----------
    positions_A
        Unwrapped Cartesian positions in Å, shape (n_frames, n_ions, 3).
    lags
        Lags in frames.
    edges_A
        Edges of the bins of r in Å, shape (n_bins + 1,).

    Returns
    -------
    Probability density of the displacement's length, shape (n_lags, n_bins); its integral over all r is 1.
    """
    _check_lags(lags, len(positions_A))
    n_frames, n_ions, _ = positions_A.shape
    result = np.zeros((len(lags), len(edges_A) - 1))
    for _, group in groups_of(positions_A):
        for row, lag in enumerate(lags):
            origins = np.arange(0, n_frames - lag, max(1, (n_frames - lag) // _MAX_ORIGINS))
            lengths = np.linalg.norm(group[origins + lag] - group[origins], axis=2)
            result[row] += np.histogram(lengths, edges_A)[0] / (len(origins) * n_ions * np.diff(edges_A))
    return result


@numba.njit(cache=True)
def _add_moments(positions, lags, max_origins, second, fourth):  # type: ignore[no-untyped-def]
    """Add the mean r^2 and r^4 over time origins, summed over ions."""
    n_frames, n_ions, _ = positions.shape
    for k in range(len(lags)):
        stride = max(1, (n_frames - lags[k]) // max_origins)
        n = (n_frames - lags[k] - 1) // stride + 1
        for t in range(0, n_frames - lags[k], stride):
            for i in range(n_ions):
                squared = 0.0
                for a in range(3):
                    squared += (positions[t + lags[k], i, a] - positions[t, i, a]) ** 2
                second[k] += squared / n
                fourth[k] += squared * squared / n
