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

from superionic.analysis.ion_groups import IonGroups, Positions

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


def bin_starts(n_modes: int) -> list[int]:
    """First mode of each bin of 5 % of the mode number."""
    starts = [0]
    while (after := starts[-1] + max(1, int(_BIN_WIDTH * starts[-1]))) < n_modes:
        starts.append(after)
    return starts


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
        starts = bin_starts(len(spectrum))
        self.count = np.diff([*starts, len(spectrum)])
        self.value = np.add.reduceat(spectrum, starts) / self.count
        self.squared_frequency = np.add.reduceat(squared_frequency, starts) / self.count

    def fit(self, *powers: int) -> SpectrumFit:
        """Maximise the likelihood of a sum of powers of the squared frequency.

        Parameters
        ----------
        powers
            Powers of the squared frequency; the first should be 0, the plateau.
        """
        return self._fit(self._columns(powers))

    def fit_with_memory(self, *powers: int, memory_ps: Floats) -> SpectrumFit:
        """The same with a last term w^2 tau^2 / (1 + w^2 tau^2), for each of several times tau.

        Parameters
        ----------
        powers
            Powers of the squared frequency; the first should be 0, the plateau.
        memory_ps
            The times tau in ps, shape (n_times,): the leading axis of all results.
        """
        y = self.squared_frequency * np.asarray(memory_ps)[:, None] ** 2
        plain = np.broadcast_to(self._columns(powers), (*y.shape, len(powers)))
        return self._fit(np.concatenate([plain, (y / (1 + y))[..., None]], axis=-1))

    def _columns(self, powers: tuple[int, ...]) -> Floats:
        x = self.squared_frequency / self.squared_frequency[-1]
        return np.stack([x**power for power in powers], axis=-1)

    def _fit(self, design: Floats) -> SpectrumFit:
        """Iterated least squares with weights 1 / expected^2.

        That is the maximum of the Whittle likelihood, the one of modes which are independent normal variables.
        """
        mean = max(float(np.average(self.value, weights=self.count)), NOTHING)
        expected = np.full(design.shape[:-1], mean)
        for _ in range(5):
            weighted = design * (self.count / expected**2)[..., None]
            inverse = np.linalg.inv(np.swapaxes(design, -1, -2) @ weighted)
            solve = inverse @ np.swapaxes(weighted, -1, -2)
            parameters = solve @ self.value
            expected = np.maximum(np.einsum("...bp,...p->...b", design, parameters), _FLOOR * mean)
        return SpectrumFit(
            parameters=parameters,
            covariance=np.asarray(inverse, dtype=np.float64),
            weights=np.repeat(solve / self.count, self.count, axis=-1),
            log_likelihood=-np.sum(self.count * (np.log(expected) + self.value / expected), axis=-1),
        )


@dataclass(frozen=True)
class SpectrumFit:
    """Linear model of a spectrum; with several memories, each array has one more leading axis.

    Attributes
    ----------
    parameters
        Best parameters, shape (n_parameters,).
    covariance
        Their covariance per unit of the relative variance of one mode.
    weights
        What each mode contributes to each parameter, shape (n_parameters, n_modes).
    log_likelihood
        Whittle likelihood times the relative variance of one mode.
    """

    parameters: Floats
    covariance: Floats
    weights: Floats
    log_likelihood: Floats
