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
MISFIT_Z = 2.5
BACK_OFF = 2.0
_SLOWEST_CORRELATION_MODE = 4.0
_N_CORRELATION_TIMES = 16
_AMPLITUDE_PRIOR = 0.5
_CORRELATED_PRIOR = 1 / 3
_CHUNK_VALUES = 600_000
_SCATTER_MODES = 300
_NOTHING = 1e-30  # in Å^2/ps: ions that never move
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


@dataclass(frozen=True)
class PlateauModel:
    """What may lie between zero frequency and the end of the diffusive band.

    Hypothesis 0 is a plateau with a quadratic correction. In the others jumps remember each other over a time tau,
    which adds A w^2 tau^2 / (1 + w^2 tau^2): at short lags the MSD grows faster (or slower) than at long ones.

    Attributes
    ----------
    time_ps
        Memory tau of each hypothesis, 0 for none.
    probability
        Posterior probability of each; they sum to 1.
    shrinkage
        Posterior over least-squares estimate of A.
    relative_spread
        Variance of the plateau relative to its square that the prior of A leaves open.
    """

    time_ps: Floats
    probability: Floats
    shrinkage: Floats
    relative_spread: float

    @property
    def correlation_time_ps(self) -> float:
        """Longest memory that is likelier than not, 0 if none is."""
        longest_first = np.argsort(-self.time_ps)
        likelier = np.cumsum(self.probability[longest_first]) > 0.5
        return float(self.time_ps[longest_first[int(np.argmax(likelier))]])

    def weights(self, spectrum: Floats, squared_frequency: Floats) -> Floats:
        """Weights w with sum_k w_k S_k = S(0) under each hypothesis, shape (n_hypotheses, n_modes).

        Parameters
        ----------
        spectrum
            Mean square of each mode, which sets how much each is worth, shape (n_modes,).
        squared_frequency
            Squared angular frequency of each mode, shape (n_modes,).
        """
        band = Band(spectrum, squared_frequency)
        rows = [band.plateau]
        for time, shrinkage in zip(self.time_ps[1:], self.shrinkage[1:], strict=True):
            functional, effect, _ = band.amplitude(float(time))
            rows.append(band.plateau + shrinkage * effect * functional)
        return np.stack(rows)


class Band:
    """Generalised least squares of plateau and quadratic term on one band of modes."""

    def __init__(self, spectrum: Floats, squared_frequency: Floats) -> None:
        self.squared_frequency = squared_frequency
        self.design = np.stack([np.ones_like(squared_frequency), squared_frequency / squared_frequency[-1]], axis=1)
        self.parameters, inverse, expected = _fit(self.design, spectrum)
        self.importance = expected**-2.0
        self.solve = inverse @ (self.design * self.importance[:, None]).T
        self.plateau = self.solve[0]

    def amplitude(self, time_ps: float) -> tuple[Floats, float, float]:
        """Functional that gives A, change of the plateau per unit of A, and variance of A per relative variance."""
        x = self.squared_frequency * time_ps**2
        shape = x / (1 + x)
        residual = shape - self.design @ (self.solve @ shape)
        norm = float(np.sum(self.importance * residual**2))
        return self.importance * residual / norm, -float(self.plateau @ shape), 1 / norm


def plateau_model(products: Floats, squared_frequency: Floats, n_walkers: float, length_ps: float) -> PlateauModel:
    """Weigh whether, and over what time, jumps remember each other.

    The prior gives a third to memory, over times spread evenly in their logarithm between those of the fourth mode
    and of half the band, and to A, along each principal axis, a normal distribution half as wide as the plateau.
    With fixed tau the model is linear, so the probabilities follow in closed form (Bayesian model averaging).

    Parameters
    ----------
    products
        Mean product of the modes' components over walkers, shape (n_modes, 3, 3).
    squared_frequency
        Squared angular frequency of each mode, shape (n_modes,).
    n_walkers
        Number of independent walkers that were averaged; fewer than ions if these move together.
    length_ps
        Length of the run.
    """
    n_modes = len(products)
    if n_modes < 2 * _SLOWEST_CORRELATION_MODE:
        return PlateauModel(np.zeros(1), np.ones(1), np.ones(1), 0.0)
    _, axes = np.linalg.eigh(products.mean(axis=0))
    spectra = np.einsum("kab,ax,bx->xk", products, axes, axes)
    band = Band(spectra.mean(axis=0), squared_frequency)
    level = np.maximum(spectra @ band.plateau, np.maximum(0.05 * spectra.mean(axis=1), _NOTHING))
    corner = np.geomspace(_SLOWEST_CORRELATION_MODE, n_modes / 2, _N_CORRELATION_TIMES)
    times = length_ps / (np.pi * corner)
    log_odds, shrinkage, spread = np.zeros((3, len(times)))
    for n, time in enumerate(times):
        functional, effect, variance = band.amplitude(float(time))
        noise = variance * 2 / n_walkers * (level / level.mean()) ** 2
        prior = (_AMPLITUDE_PRIOR * level) ** 2
        share = prior / (prior + noise)
        log_odds[n] = np.sum(0.5 * np.log(1 - share) + 0.5 * share * (spectra @ functional) ** 2 / noise)
        shrinkage[n] = share.mean()
        spread[n] = effect**2 * np.sum(share * (1 - share) * noise) / level.sum() ** 2
    odds = np.exp(np.minimum(log_odds, 600.0)) / len(times) * _CORRELATED_PRIOR / (1 - _CORRELATED_PRIOR)
    probability = np.concatenate([[1.0], odds]) / (1 + odds.sum())
    return PlateauModel(
        np.concatenate([[0.0], times]),
        probability,
        np.concatenate([[1.0], shrinkage]),
        float(probability[1:] @ spread),
    )


def local_scatter(spectrum: Floats) -> float:
    """Relative variance of one value of a smooth spectrum, from the differences of neighbours.

    Ions that move together are fewer walkers than they are ions; this sees it.
    """
    slow = np.maximum(spectrum[:_SCATTER_MODES], _NOTHING)
    return float(0.5 * np.mean(np.diff(slow) ** 2 / (0.5 * (slow[1:] + slow[:-1])) ** 2))


@dataclass(frozen=True)
class Regime:
    """The diffusive part of the spectrum."""

    n_modes: int
    """Number of slowest modes in which the plateau and its quadratic correction describe the data."""
    found: bool
    """Whether a plateau was found at all; False if even the slowest modes do not lie on one."""


def diffusive_regime(spectrum: Floats, squared_frequency: Floats, relative_variance: float) -> Regime:
    """Find up to which mode a plateau with a quadratic correction describes the spectrum.

    The band grows by fifths until a quartic term is significant and is then halved, so that what is not yet visible
    in the data at that band (a quartic term, falling as the fourth power, or the flank of a Lorentzian) is far below
    the error of the plateau.

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
        misfit = _quartic_z(spectrum[:n_modes], squared_frequency[:n_modes], relative_variance) if n_modes > 3 else 0.0
        misfits = [*misfits, n_modes] if misfit > MISFIT_Z else []
        if len(misfits) == _MISFITS_TO_STOP or (misfits and n_modes == n_all):
            cut = int(misfits[0] / BACK_OFF)
            return Regime(max(cut, min(MIN_MODES, n_all)), misfits[0] > 2 * MIN_MODES)
        if n_modes == n_all:
            return Regime(n_all, n_all >= MIN_MODES)
        n_modes = min(n_all, 1 + int(n_modes * 1.2))


def _quartic_z(spectrum: Floats, squared_frequency: Floats, relative_variance: float) -> float:
    """Quartic term of the spectrum in units of its error."""
    x = squared_frequency / squared_frequency[-1]
    parameters, inverse, _ = _fit(np.stack([np.ones_like(x), x, x * x], axis=1), spectrum)
    return float(abs(parameters[2]) / np.sqrt(inverse[2, 2] * relative_variance))


def _fit(design: Floats, spectrum: Floats) -> tuple[Floats, Floats, Floats]:
    """Least squares with weights 1 / expected^2: parameters, inverse normal matrix, expected spectrum."""
    floor = max(0.05 * float(spectrum.mean()), _NOTHING)
    expected = np.full_like(spectrum, max(float(spectrum.mean()), _NOTHING))
    for _ in range(4):
        weighted = design / expected[:, None] ** 2
        inverse = np.linalg.inv(design.T @ weighted)
        parameters = inverse @ (weighted.T @ spectrum)
        expected = np.maximum(design @ parameters, floor)
    return parameters, np.asarray(inverse, dtype=np.float64), expected
