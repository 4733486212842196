"""Error of a mean against block length, autocorrelation time, and frames far enough apart to be independent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from superionic.analysis.ion_groups import Positions, groups_of
from superionic.errors import InputError

Floats = NDArray[np.float64]

_SOKAL_WINDOW = 5.0


def squared_displacement_series(positions_A: Positions, lag: int) -> Floats:
    """Squared displacement over a lag, averaged over ions, for every time origin, in Å^2, shape (n_frames - lag,).

    Raises
    ------
    InputError
        If the lag, in frames, is not within the run.
    """
    if not 0 < lag < len(positions_A):
        raise InputError(f"lag = {lag} frames is not within a run of {len(positions_A)} frames: give a shorter one")
    series = np.zeros(len(positions_A) - lag)
    for _, group in groups_of(positions_A):
        for start in range(0, len(series), 4096):
            stop = min(start + 4096, len(series))
            step = group[start + lag : stop + lag] - group[start:stop]
            series[start:stop] += np.einsum("tia,tia->t", step, step) / positions_A.shape[1]
    return series


def block_bootstrap_error(series: Floats, block_length: int) -> float:
    """Standard error of the mean of a series by block bootstrapping, with the resampling done in closed form.

    Drawing blocks with replacement from all overlapping ones gives a mean whose variance is that of the block means
    over the number of blocks (Künsch, Ann. Stat. 17, 1217 (1989)); infinitely many resamplings are the exact sum
    below.

    Parameters
    ----------
    series
        The series, shape (n,).
    block_length
        Length of a block.

    Raises
    ------
    InputError
        If fewer than two blocks fit.
    """
    n = len(series)
    if not 1 <= block_length <= n // 2:
        raise InputError(f"block_length = {block_length} does not fit twice into {n} values: give a shorter one")
    total = np.concatenate([[0.0], np.cumsum(series - series.mean())])
    means = (total[block_length:] - total[:-block_length]) / block_length
    return float(np.sqrt(means.var() * block_length / n))


def autocorrelation_time(series: Floats) -> float:
    """Integrated autocorrelation time in samples: the mean of a series of n has n / (2 tau) independent values.

    The sum stops at five autocorrelation times (Sokal, Functional Integration 1997, p. 131). White noise gives 0.5.
    """
    n = len(series)
    centred = np.asarray(series, dtype=np.float64) - np.mean(series)
    if n < 4 or not np.any(centred):
        return 0.5
    padded = next_fast_len(2 * n, real=True)
    transform = rfft(centred, padded)
    correlation = irfft(transform.real**2 + transform.imag**2, padded)[:n] / np.arange(n, 0, -1)
    tau = 0.5 + np.cumsum(correlation[1 : n // 2] / correlation[0])
    window = np.arange(1, n // 2)
    stop = np.flatnonzero(window >= _SOKAL_WINDOW * tau)
    return float(max(0.5, tau[stop[0]] if stop.size else tau[-1]))


def decorrelated_frames(series: Floats, first: int = 0) -> NDArray[np.int64]:
    """Frames two autocorrelation times apart: as many as the series has independent values.

    Parameters
    ----------
    series
        A slow quantity per frame, for example the potential energy or the squared displacement, shape (n_frames,).
    first
        Frames to leave out at the start.
    """
    spacing = max(1, int(np.ceil(2 * autocorrelation_time(series[first:]))))
    return np.arange(first, len(series), spacing, dtype=np.int64)


def equilibrated_frame(series: Floats, n_candidates: int = 40) -> int:
    """First frame from which on a series is stationary: where the number of independent values left is largest.

    Source: Chodera, J. Chem. Theory Comput. 12, 1799 (2016).

    Parameters
    ----------
    series
        A quantity that relaxes, such as the potential energy, shape (n_frames,).
    n_candidates
        Starting points tried, over the first three quarters of the series.
    """
    n = len(series)
    candidates = np.unique(np.linspace(0, 3 * n // 4, n_candidates).astype(int))
    independent = [(n - start) / (2 * autocorrelation_time(series[start:])) for start in candidates]
    return int(candidates[int(np.argmax(independent))])
