"""The plateau of the displacement spectrum, where jumps may remember each other.

If the dynamics looks the same backwards, jumps that remember each other can only lower the spectrum below its
memory's frequency: S rises from 2 D by A w^2 tau^2 / (1 + w^2 tau^2), A >= 0, one such term per relaxation of the walk
(back-and-forth jumps; D / D_J < 1). A plateau taken where S has risen is too high, and a short run cannot tell. So a
plain plateau and memories of all times that the run can resolve are weighed by their likelihood (Bayesian model
averaging), and what the data leave open is part of the error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from superionic.analysis.spectrum import MIN_MODES, NOTHING, BinnedSpectrum

Floats = NDArray[np.float64]

_MISFIT_Z = 2.5
_BACK_OFF = 2.0
_MISFITS_TO_STOP = 3  # in a row: one alone is as likely chance, a true one grows with the band
_SLOWEST_MODE = 2.5
_FASTEST_MODE_SHARE = 0.25
_TIME_RATIO = 1.4
_MEMORY_PRIOR = 1 / 4
_MEAN_AMPLITUDE = 0.5
_LEAST_PLATEAU = 0.05
_WIDEST_PER_PRIOR = 20.0


def memory_times_ps(n_modes: int, length_ps: float, ratio: float = _TIME_RATIO) -> Floats:
    """Memories that a band of modes can tell from a plateau, evenly in their logarithm, longest first."""
    fastest = _FASTEST_MODE_SHARE * n_modes
    if fastest < _SLOWEST_MODE:
        return np.zeros(0)
    n_times = 1 + int(np.ceil(np.log(fastest / _SLOWEST_MODE) / np.log(ratio)))
    return np.asarray(length_ps / (np.pi * np.geomspace(_SLOWEST_MODE, fastest, n_times)))


@dataclass(frozen=True)
class Regime:
    """The part of the spectrum that hops make."""

    n_modes: int
    """Number of slowest modes that a plateau, one memory and a quadratic correction describe."""
    found: bool
    """Whether there is such a part at all; False if even the slowest modes do not fit."""


def diffusive_regime(spectrum: Floats, squared_frequency: Floats, relative_variance: float, length_ps: float) -> Regime:
    """Find up to which mode plateau, memory and quadratic correction describe the spectrum.

    The band grows by quarters until a quartic term is significant and is then halved, so that what is not yet visible
    in the data at that band (a quartic term, falling as the fourth power) is far below the error of the plateau.

    Parameters
    ----------
    spectrum
        Mean square of each mode over all ions and axes, shape (n_modes,).
    squared_frequency
        Squared angular frequency of each mode, shape (n_modes,).
    relative_variance
        Variance of one value of the spectrum relative to its squared mean (2/3N for N isotropic ions).
    length_ps
        Length of the run.
    """
    n_all = len(spectrum)
    first = n_modes = min(4 * MIN_MODES, n_all)
    misfits: list[int] = []
    while True:
        band = BinnedSpectrum(spectrum[:n_modes], squared_frequency[:n_modes])
        misfit = _quartic_z(band, memory_times_ps(n_modes, length_ps, 2.0), relative_variance) if n_modes > 3 else 0.0
        misfits = [*misfits, n_modes] if misfit > _MISFIT_Z else []
        if len(misfits) == _MISFITS_TO_STOP or (misfits and n_modes == n_all):
            cut = int(misfits[0] / _BACK_OFF)
            return Regime(max(cut, min(MIN_MODES, n_all)), misfits[0] > first)
        if n_modes == n_all:
            return Regime(n_all, n_all >= MIN_MODES)
        n_modes = min(n_all, 1 + int(n_modes * 1.25))


def _quartic_z(band: BinnedSpectrum, times_ps: Floats, relative_variance: float) -> float:
    """Quartic term of the spectrum in units of its error, next to the likeliest memory if there is one."""
    plain = band.fit(0, 1, 2)
    fits = [band.fit(0, 1, 2, memory_ps=float(time)) for time in times_ps]
    best = max(fits, key=lambda fit: fit.log_likelihood, default=plain)
    if best.log_likelihood < plain.log_likelihood + 2 * relative_variance:
        best = plain
    return float(abs(best.parameters[2]) / np.sqrt(best.covariance[2, 2] * relative_variance))


@dataclass(frozen=True)
class PlateauModel:
    """Hypotheses on the memory of jumps, and their probabilities; the first is that there is none.

    Attributes
    ----------
    time_ps
        Memory tau of each hypothesis, 0 for none.
    probability
        Posterior probability of each; they sum to 1.
    shrinkage
        How much of the least-squares amplitude A is believed, 0 to 1.
    scale
        What remains, as a factor: the plateau at the posterior mean of A over that at the shrunk A.
    relative_spread
        Variance of the plateau relative to its square that an uncertain A adds.
    """

    time_ps: Floats
    probability: Floats
    shrinkage: Floats
    scale: Floats
    relative_spread: float

    @property
    def correlation_time_ps(self) -> float:
        """Longest memory that is likelier than not, 0 if none is."""
        longest_first = np.argsort(-self.time_ps)
        likelier = np.cumsum(self.probability[longest_first]) > 0.5
        return float(self.time_ps[longest_first[int(np.argmax(likelier))]])

    def weights(self, spectrum: Floats, squared_frequency: Floats, n_plain: int) -> Floats:
        """Weights w with sum_k w_k S_k = S(0) under each hypothesis, shape (n_hypotheses, n_modes).

        Parameters
        ----------
        spectrum
            Mean square of each mode, which sets how much each is worth, shape (n_modes,).
        squared_frequency
            Squared angular frequency of each mode, shape (n_modes,).
        n_plain
            Modes to use where there is no memory.
        """
        rows = np.zeros((len(self.time_ps), len(spectrum)))
        rows[0, :n_plain] = BinnedSpectrum(spectrum[:n_plain], squared_frequency[:n_plain]).fit(0, 1).weights[0]
        band = BinnedSpectrum(spectrum, squared_frequency)
        for n in range(1, len(rows)):
            fit = band.fit(0, 1, memory_ps=float(self.time_ps[n]))
            slope = fit.covariance[0, 2] / fit.covariance[2, 2]
            rows[n] = self.scale[n] * (fit.weights[0] - (1 - self.shrinkage[n]) * slope * fit.weights[2])
        return rows


def plateau_model(
    spectrum: Floats, squared_frequency: Floats, relative_variance: float, length_ps: float
) -> PlateauModel:
    """Weigh whether, and over what time, jumps remember each other.

    The prior gives a quarter to memory, over times spread evenly in their logarithm, with an exponentially distributed
    amplitude A >= 0 of half the level at high frequency on average. With fixed tau the model
    is linear and the rest follows in closed form.

    Parameters
    ----------
    spectrum
        Mean square of each mode over all ions and axes, shape (n_modes,).
    squared_frequency
        Squared angular frequency of each mode, shape (n_modes,).
    relative_variance
        Variance of one value of the spectrum relative to its squared mean.
    length_ps
        Length of the run.
    """
    times = memory_times_ps(len(spectrum), length_ps)
    band = BinnedSpectrum(spectrum, squared_frequency)
    n_times = len(times)
    log_odds, shrinkage, scale, spread = np.zeros(n_times), np.zeros(n_times), np.ones(n_times), np.zeros(n_times)
    plain = band.fit(0, 1).log_likelihood if n_times else 0.0
    for n, time in enumerate(times):
        fit = band.fit(0, 1, memory_ps=float(time))
        level = max(float(fit.parameters[0] + fit.parameters[2]), NOTHING)
        amplitude, error = float(fit.parameters[2]), float(np.sqrt(fit.covariance[2, 2] * relative_variance))
        slope = fit.covariance[0, 2] / fit.covariance[2, 2]  # of the plateau with A
        mean, variance, log_evidence = _positive_amplitude(amplitude, error, _MEAN_AMPLITUDE * level)
        log_odds[n] = (fit.log_likelihood - plain) / relative_variance + log_evidence
        shrinkage[n] = min(mean / amplitude, 1.0) if amplitude > 0 else 0.0
        least = _LEAST_PLATEAU * level
        shrunk = max(float(fit.parameters[0] - (1 - shrinkage[n]) * slope * amplitude), least)
        believed = max(float(fit.parameters[0] + slope * (mean - amplitude)), least)
        scale[n] = believed / shrunk
        spread[n] = max(slope**2 * (variance - (shrinkage[n] * error) ** 2), 0.0) / believed**2
    odds = np.exp(np.minimum(log_odds, 600.0)) / max(n_times, 1) * _MEMORY_PRIOR / (1 - _MEMORY_PRIOR)
    probability = np.concatenate([[1.0], odds]) / (1 + odds.sum())
    return PlateauModel(
        np.concatenate([[0.0], times]),
        probability,
        np.concatenate([[1.0], shrinkage]),
        np.concatenate([[1.0], scale]),
        float(probability[1:] @ spread),
    )


def _positive_amplitude(best: float, error: float, prior_mean: float) -> tuple[float, float, float]:
    """Posterior mean and variance of an amplitude with an exponential prior, and the logarithm of its evidence.

    The product of the normal likelihood and the prior is a normal distribution cut at zero. The evidence is relative
    to the likelihood at its best.
    """
    wide = min(error, _WIDEST_PER_PRIOR * prior_mean)  # beyond this the data say nothing
    best, error = best * wide / error, wide
    centre = best / error - error / prior_mean
    log_positive = float(special.log_ndtr(centre))
    ratio = float(np.exp(-0.5 * centre**2 - 0.5 * np.log(2 * np.pi) - log_positive))
    mean = error * max(centre + ratio, 0.0)
    variance = error**2 * max(1 - centre * ratio - ratio**2, 0.0)
    occam = 0.5 * np.log(2 * np.pi) + np.log(error / prior_mean)
    return mean, variance, float(occam - best / prior_mean + 0.5 * (error / prior_mean) ** 2 + log_positive)
