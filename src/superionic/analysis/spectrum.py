"""Displacement modes: the one representation in which every diffusion coefficient is estimated.

The positions of one run, written in cosine modes (DCT-II), turn a random walk seen through localisation noise into
*independent* numbers: the covariance of its increments is tridiagonal Toeplitz and these modes diagonalise it
exactly, for any length, without the leakage of a Fourier series (Vestergaard, Blainey and Flyvbjerg, Phys. Rev. E
89, 022726 (2014)). Scaled as here, the mean square of mode k is

    S(f_k) = 2 D + s2 (2 pi f_k)^2 + ...,     f_k = k / (2 t_run),

a plateau 2 D whose first correction, from vibration and finite transit, is quadratic in frequency. Fitting this is
generalised least squares on the mean squared displacement with its full covariance, in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from superionic.analysis.motion import IonGroups, Positions

Floats = NDArray[np.float64]

MIN_MODES = 5
MAX_FREQUENCY_THZ = 2.0
NOTHING = 1e-30  # in Å^2/ps: ions that never move
_FLOOR = 0.05
_BIN_WIDTH = 0.05
_CHUNK_VALUES = 600_000
_SCATTER_MODES = 300


def displacement_modes(positions_A: Positions, frame_interval_ps: float, n_modes: int | None = None) -> Floats:
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
    if isinstance(positions_A, IonGroups):
        parts = [displacement_modes(group, frame_interval_ps, n_modes) for _, group in positions_A.groups()]
        return np.concatenate(parts, axis=1)
    series = positions_A.reshape(n_frames, -1)
    modes = np.empty((n_modes, series.shape[1]))
    width = max(1, _CHUNK_VALUES // n_frames)  # a few walkers at a time, so that memory stays that of the positions
    for start in range(0, series.shape[1], width):
        part = series[:, start : start + width]
        modes[:, start : start + width] = dct(part - part[0], type=2, axis=0)[1 : n_modes + 1]
    k = np.arange(1, n_modes + 1)[:, None]
    modes *= np.sin(np.pi * k / (2 * n_frames)) * np.sqrt(2 / (n_frames * frame_interval_ps))
    return modes.reshape(n_modes, *positions_A.shape[1:])


def squared_frequencies(n_frames: int, frame_interval_ps: float, n_modes: int) -> Floats:
    """Squared angular frequency of each mode in ps^-2, in the discrete form 4 sin^2(w dt / 2) / dt^2."""
    k = np.arange(1, n_modes + 1)
    return (2 * np.sin(np.pi * k / (2 * n_frames)) / frame_interval_ps) ** 2


def local_scatter(spectrum: Floats) -> float:
    """Relative variance of one value of a smooth spectrum, from the differences of neighbours.

    Ions that move together are fewer walkers than they are ions; this sees it.
    """
    slow = np.maximum(spectrum[:_SCATTER_MODES], NOTHING)
    return float(0.5 * np.mean(np.diff(slow) ** 2 / (0.5 * (slow[1:] + slow[:-1])) ** 2))


class BinnedSpectrum:
    """A spectrum averaged over bins of 5 % of the mode number: single modes where it counts, few numbers in all.

    Parameters
    ----------
    spectrum
        Mean square of each mode, shape (n_modes,).
    squared_frequency
        Squared angular frequency of each mode in ps^-2, shape (n_modes,).

    Attributes
    ----------
    value, squared_frequency
        Means of each bin.
    count
        Modes in each bin.
    """

    def __init__(self, spectrum: Floats, squared_frequency: Floats) -> None:
        edges = [0]
        while edges[-1] < len(spectrum):
            edges.append(min(len(spectrum), edges[-1] + max(1, int(_BIN_WIDTH * edges[-1]))))
        self.count = np.diff(edges)
        self.value = np.add.reduceat(spectrum, edges[:-1]) / self.count
        self.squared_frequency = np.add.reduceat(squared_frequency, edges[:-1]) / self.count

    def fit(self, *powers: int, memory_ps: float = 0.0) -> SpectrumFit:
        """Maximise the likelihood of powers of the squared frequency and, if wanted, of a memory.

        Iterated least squares with weights 1 / expected^2 is the maximum of the Whittle likelihood, that of modes
        which are independent normal variables.

        Parameters
        ----------
        powers
            Powers of the squared frequency; the first should be 0, the plateau.
        memory_ps
            Time tau of a last term w^2 tau^2 / (1 + w^2 tau^2); 0 for none.
        """
        x = self.squared_frequency / self.squared_frequency[-1]
        columns = [x**power for power in powers]
        if memory_ps > 0:
            y = self.squared_frequency * memory_ps**2
            columns.append(y / (1 + y))
        design = np.stack(columns, axis=1)
        mean = max(float(np.average(self.value, weights=self.count)), NOTHING)
        expected = np.full_like(self.value, mean)
        for _ in range(5):
            weighted = design * (self.count / expected**2)[:, None]
            inverse = np.linalg.inv(design.T @ weighted)
            parameters = inverse @ (weighted.T @ self.value)
            solve = inverse @ weighted.T
            expected = np.maximum(design @ parameters, _FLOOR * mean)
        likelihood = -float(np.sum(self.count * (np.log(expected) + self.value / expected)))
        return SpectrumFit(
            parameters,
            np.asarray(inverse, dtype=np.float64),
            np.repeat(solve / self.count, self.count, axis=1),
            expected,
            likelihood,
        )


@dataclass(frozen=True)
class SpectrumFit:
    """Linear model of a spectrum.

    Attributes
    ----------
    parameters
        Best parameters, shape (n_parameters,).
    covariance
        Their covariance per unit of the relative variance of one mode.
    weights
        What each mode contributes to each parameter, shape (n_parameters, n_modes).
    expected
        The model in each bin.
    log_likelihood
        Whittle likelihood times the relative variance of one mode.
    """

    parameters: Floats
    covariance: Floats
    weights: Floats
    expected: Floats
    log_likelihood: float
