"""Displacement modes: the one representation in which every diffusion coefficient is estimated.

The positions of one run, written in cosine modes (DCT-II), turn a random walk seen through localisation noise into
*independent* numbers: the covariance of its increments is tridiagonal Toeplitz and these modes diagonalise it
exactly, for any length, without the leakage of a Fourier series (Vestergaard, Blainey and Flyvbjerg, Phys. Rev. E
89, 022726 (2014)). Scaled as here, the mean square of mode k is

    S(f_k) = 2 D + s2 (2 pi f_k)^2 + ...,     f_k = k / (2 t_run),

a plateau 2 D whose first correction, from vibration, finite transit and correlated jumps, is quadratic in frequency.
Fitting this is generalised least squares on the mean squared displacement with its full covariance, in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

Floats = NDArray[np.float64]

MIN_MODES = 5
MAX_FREQUENCY_THZ = 2.0
MISFIT_Z = 3.0
BACK_OFF = 3.0
_MISFITS_TO_STOP = 3  # in a row: one alone is as likely chance, a true one grows with the band


def displacement_modes(positions_A: Floats, frame_interval_ps: float, n_modes: int | None = None) -> Floats:
    """Cosine modes of positions along the first axis.

    Parameters
    ----------
    positions_A
        Unwrapped positions, shape (n_frames, ...).
    frame_interval_ps
        Time between frames in ps.
    n_modes
        How many of the slowest modes to return; all n_frames - 1 by default.

    Returns
    -------
    Modes 1, 2, ... in Å ps^-1/2, shape (n_modes, ...); the mean product of components a and b is 2 D_ab + O(f^2).
    """
    n_frames = len(positions_A)
    n_modes = n_frames - 1 if n_modes is None else min(n_modes, n_frames - 1)
    modes = dct(positions_A - positions_A[0], type=2, axis=0)[1 : n_modes + 1]
    k = np.arange(1, n_modes + 1).reshape(-1, *[1] * (positions_A.ndim - 1))
    return modes * (np.sin(np.pi * k / (2 * n_frames)) * np.sqrt(2 / (n_frames * frame_interval_ps)))


def squared_frequencies(n_frames: int, frame_interval_ps: float, n_modes: int) -> Floats:
    """Squared angular frequency of each mode in ps^-2, in the discrete form 4 sin^2(w dt / 2) / dt^2."""
    k = np.arange(1, n_modes + 1)
    return (2 * np.sin(np.pi * k / (2 * n_frames)) / frame_interval_ps) ** 2


def plateau_weights(spectrum: Floats, squared_frequency: Floats) -> Floats:
    """Weights w with sum_k w_k S_k = S(0), for S = s0 + s2 w^2, modes weighted by their own variance (~ S^2).

    Parameters
    ----------
    spectrum
        Mean square of each mode, shape (n_modes,).
    squared_frequency
        Squared angular frequency of each mode, shape (n_modes,).
    """
    design = np.stack([np.ones_like(squared_frequency), squared_frequency / squared_frequency[-1]], axis=1)
    _, inverse, expected = _fit(design, spectrum)
    return (inverse @ (design / expected[:, None] ** 2).T)[0]


@dataclass(frozen=True)
class Regime:
    """The diffusive part of the spectrum."""

    n_modes: int
    """Number of slowest modes in which the plateau and its quadratic correction describe the data."""
    found: bool
    """Whether a plateau was found at all; False if even the slowest modes do not lie on one."""


def diffusive_regime(spectrum: Floats, squared_frequency: Floats, relative_variance: float) -> Regime:
    """Find up to which mode a plateau with a quadratic correction describes the spectrum.

    The band grows by fifths until the fit fails and is then cut to a third, so that what is not yet visible in the
    data at that band (a quartic term, falling as the fourth power, or the flank of a Lorentzian) is far below the
    error of the plateau.

    Parameters
    ----------
    spectrum
        Mean square of each mode over all ions and axes, shape (n_modes,).
    squared_frequency
        Squared angular frequency of each mode, shape (n_modes,).
    relative_variance
        Variance of one value of the spectrum relative to its squared mean (2/3N for N isotropic ions).
    """
    n_all = len(spectrum)
    n_modes = min(2 * MIN_MODES, n_all)
    misfits: list[int] = []
    while True:
        misfit = _misfit_z(spectrum[:n_modes], squared_frequency[:n_modes], relative_variance)
        misfits = [*misfits, n_modes] if misfit > MISFIT_Z else []
        if len(misfits) == _MISFITS_TO_STOP or (misfits and n_modes == n_all):
            cut = int(misfits[0] / BACK_OFF)
            return Regime(max(cut, min(MIN_MODES, n_all)), cut >= MIN_MODES)
        if n_modes == n_all:
            return Regime(n_all, n_all >= MIN_MODES)
        n_modes = min(n_all, 1 + int(n_modes * 1.2))


def _misfit_z(spectrum: Floats, squared_frequency: Floats, relative_variance: float) -> float:
    """Largest deviation from plateau and quadratic term, in units of its error.

    Two questions: is there a quartic term, and do the slowest 2, 4, 8, ... modes lie off the fit to all?
    """
    n_modes = len(spectrum)
    if n_modes < 4:
        return 0.0
    x = squared_frequency / squared_frequency[-1]
    quartic, inverse, _ = _fit(np.stack([np.ones_like(x), x, x * x], axis=1), spectrum)
    _, covariance, expected = _fit(np.stack([np.ones_like(x), x], axis=1), spectrum)
    largest = abs(quartic[2]) / np.sqrt(inverse[2, 2] * relative_variance)
    slowest = 2
    while slowest <= n_modes // 3:
        first = slice(0, slowest)
        deviation = np.mean(spectrum[first] / expected[first] - 1)
        mean_design = np.array([np.mean(1 / expected[first]), np.mean(x[first] / expected[first])])
        variance = relative_variance * (1 / slowest - mean_design @ covariance @ mean_design)
        largest = max(largest, abs(deviation) / np.sqrt(max(variance, 1e-6 * relative_variance)))
        slowest *= 2
    return float(largest)


def _fit(design: Floats, spectrum: Floats) -> tuple[Floats, Floats, Floats]:
    """Least squares with weights 1 / expected^2: parameters, inverse normal matrix, expected spectrum."""
    expected = np.full_like(spectrum, spectrum.mean())
    for _ in range(4):
        weighted = design / expected[:, None] ** 2
        inverse = np.linalg.inv(design.T @ weighted)
        parameters = inverse @ (weighted.T @ spectrum)
        expected = np.maximum(design @ parameters, 0.05 * spectrum.mean())
    return parameters, np.asarray(inverse, dtype=np.float64), expected
