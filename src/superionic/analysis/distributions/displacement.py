"""Mean squared displacement over all time origins."""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from superionic.analysis.ion_groups import Positions, groups_of
from superionic.errors import InputError

Floats = NDArray[np.float64]

_CHUNK_VALUES = 300_000
_AXIS_PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))


def mean_squared_displacement(positions_A: Positions, lags: Sequence[int] | None = None) -> Floats:
    """Mean displacement tensor over all ions and all time origins.

    Parameters
    ----------
    positions_A
        Unwrapped Cartesian positions in Å, shape (n_frames, n_ions, 3).
    lags
        Lags in frames; 0 .. n_frames - 1 by default.

    Returns
    -------
    <dr_a dr_b> in Å^2 at each lag, shape (n_lags, 3, 3); its trace is the mean squared displacement.

    Raises
    ------
    InputError
        If a lag is longer than the run.

    Notes
    -----
    The Fourier form of Calandrini et al., Collection SFN 12, 201 (2011), with all sums in float64: in float32 short
    lags of long runs drown in the cancellation.
    """
    n_frames, n_ions, _ = positions_A.shape
    lag = np.arange(n_frames) if lags is None else np.asarray(lags, dtype=np.int64)
    for bad in lag[(lag < 0) | (lag >= n_frames)]:
        raise InputError(f"lag = {bad} frames is not within a run of {n_frames} frames: choose 0 to {n_frames - 1}")
    products, power, padded = _sums(positions_A, int(lag.max()))
    tensor = np.empty((len(lag), 3, 3))
    for pair, (a, b) in enumerate(_AXIS_PAIRS):  # one at a time: a long run has as many lags as frames
        total = np.concatenate([[0.0], np.cumsum(products[pair])])
        squares = total[-1] - total[lag] + total[n_frames - lag]
        squares -= 2 * irfft(power[pair], padded)[lag]
        tensor[:, a, b] = tensor[:, b, a] = squares / ((n_frames - lag) * n_ions)
    tensor[lag == 0] = 0.0
    return tensor


def _sums(positions_A: Positions, max_lag: int) -> tuple[Floats, Floats, int]:
    """Products of components in every frame, their cross spectra, both summed over ions, and the padded length."""
    n_frames = len(positions_A)
    padded = next_fast_len(n_frames + max_lag, real=True)
    products = np.zeros((6, n_frames))
    power = np.zeros((6, padded // 2 + 1))
    at_once = max(1, _CHUNK_VALUES // (3 * padded))
    for _, group in groups_of(positions_A):
        for start in range(0, group.shape[1], at_once):
            series = np.ascontiguousarray(group[:, start : start + at_once].transpose(2, 1, 0), dtype=np.float64)
            series -= series.mean(axis=2, keepdims=True)
            _add_products(series, products)
            _add_cross_spectra(rfft(series, padded, axis=2, overwrite_x=True), power)
            del series  # before the next ones are made
    return products, power, padded


@numba.njit(cache=True)
def _add_products(series, products):  # type: ignore[no-untyped-def]
    """Add the six products of the components of every ion, in the order of `_AXIS_PAIRS`."""
    for i in range(series.shape[1]):
        for t in range(series.shape[2]):
            x, y, z = series[0, i, t], series[1, i, t], series[2, i, t]
            products[0, t] += x * x
            products[1, t] += y * y
            products[2, t] += z * z
            products[3, t] += x * y
            products[4, t] += x * z
            products[5, t] += y * z


@numba.njit(cache=True)
def _add_cross_spectra(transform, power):  # type: ignore[no-untyped-def]
    """The same for the real parts of the products of one component and the conjugate of another."""
    for i in range(transform.shape[1]):
        for f in range(transform.shape[2]):
            x, y, z = transform[0, i, f], transform[1, i, f], transform[2, i, f]
            power[0, f] += x.real * x.real + x.imag * x.imag
            power[1, f] += y.real * y.real + y.imag * y.imag
            power[2, f] += z.real * z.real + z.imag * z.imag
            power[3, f] += x.real * y.real + x.imag * y.imag
            power[4, f] += x.real * z.real + x.imag * z.imag
            power[5, f] += y.real * z.real + y.imag * z.imag
