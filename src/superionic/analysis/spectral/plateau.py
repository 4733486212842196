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

from superionic.analysis.spectral.spectrum import MIN_MODES, NOTHING, BinnedSpectrum, SpectrumFit

Floats = NDArray[np.float64]

_MISFIT_Z = 2.5
_DECISIVE_Z = 4.0  # in the second band in a row: a misfit of chance goes as the band grows, a true one grows with it
_GROWTH = 1.25
_BACK_OFF = 1.75
_SLOWEST_MODE = 2.5
_FASTEST_MODE_SHARE = 0.25
_TIME_RATIO = 1.4
_COARSE_TIME_RATIO = 2.0  # where memory only must not pass for something else
_CONTRADICTION = 7.0
"""Logarithm of the odds above which what the sites tell is dropped."""
_DOUBT = 2.0
"""Prior odds of memory are even, within this factor: the value takes the least, the intervals take the most."""
_ODDS_WHERE_KNOWN = 0.5
"""Prior odds of memory beyond what sites tell, relative to those where they tell nothing."""
_MEAN_AMPLITUDE = 0.5
_LEAST_PLATEAU = 0.05
_WIDEST_PER_PRIOR = 20.0


def memory_times_ps(n_modes: int, length_ps: float, ratio: float) -> Floats:
    """Memories that a band of modes can tell from a plateau, evenly in their logarithm by a ratio, longest first."""
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

    The band grows by quarters until a quartic term is beyond doubt. It is then cut well below where that term first
    was significant, so that what is not yet visible in the data (it falls as the fourth power) is far below the error
    of the plateau.

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
    since = 0  # the band from which on the term has been significant
    while True:
        band = BinnedSpectrum(spectrum[:n_modes], squared_frequency[:n_modes])
        times = memory_times_ps(n_modes, length_ps, _COARSE_TIME_RATIO)
        misfit = _quartic_z(band, times, relative_variance) if n_modes > 3 else 0.0
        since = (since or n_modes) if misfit > _MISFIT_Z else 0
        if (misfit > _DECISIVE_Z and since < n_modes) or (since and n_modes == n_all):
            return Regime(max(int(since / _BACK_OFF), min(MIN_MODES, n_all)), since > first)
        if n_modes == n_all:
            return Regime(n_all, n_all >= MIN_MODES)
        n_modes = min(n_all, 1 + int(n_modes * _GROWTH))


def _quartic_z(band: BinnedSpectrum, times_ps: Floats, relative_variance: float) -> float:
    """Quartic term of the spectrum in units of its error, next to the likeliest memory if there is one."""
    plain = band.fit(0, 1, 2)
    quartic, variance = plain.parameters[2], plain.covariance[2, 2]
    if len(times_ps):
        memory = band.fit_with_memory(0, 1, 2, memory_ps=times_ps)
        best = int(np.argmax(memory.log_likelihood))
        if memory.log_likelihood[best] >= plain.log_likelihood + 2 * relative_variance:
            quartic, variance = memory.parameters[best, 2], memory.covariance[best, 2, 2]
    return float(abs(quartic) / np.sqrt(variance * relative_variance))


def contradicted(
    spectrum: Floats, whitened: Floats, squared_frequency: Floats, relative_variance: float, length_ps: float
) -> bool:
    """Whether a spectrum is far likelier to level off as it is than after division by what should make it level.

    Both may have memory on top.

    Parameters
    ----------
    spectrum, whitened
        Mean square of each mode over all ions and axes, before and after, shape (n_modes,).
    squared_frequency, relative_variance, length_ps
        As in :func:`diffusive_regime`.
    """
    times = memory_times_ps(len(spectrum), length_ps, _COARSE_TIME_RATIO)

    def best(values: Floats) -> float:
        band = BinnedSpectrum(values, squared_frequency)
        likelihoods = [float(band.fit(0, 1).log_likelihood)]
        if len(times):
            memory = band.fit_with_memory(0, 1, memory_ps=times)
            likelihoods += memory.log_likelihood[memory.parameters[:, 2] > 0].tolist()
        return max(likelihoods)

    jacobian = float(np.sum(np.log(np.maximum(spectrum, NOTHING) / np.maximum(whitened, NOTHING))))
    return best(spectrum) - best(whitened) + jacobian > _CONTRADICTION * relative_variance


@dataclass(frozen=True)
class PlateauModel:
    """Hypotheses on the memory of jumps, and their probabilities; the first is that there is none.

    Attributes
    ----------
    time_ps
        Memory tau of each hypothesis, 0 for none.
    probability
        Posterior probability of each from the least prior odds of memory, for the value; they sum to 1.
    probability_in_intervals
        The same from the most prior odds, for intervals: memory that is not seen may still be there.
    shrinkage
        How much of the least-squares amplitude A is believed, 0 to 1.
    scale
        What remains, as a factor: the plateau at the posterior mean of A over that at the shrunk A.
    relative_spread
        Variance of the plateau relative to its square that an uncertain A adds.
    """

    time_ps: Floats
    probability: Floats
    probability_in_intervals: Floats
    shrinkage: Floats
    scale: Floats
    relative_spread: Floats

    @property
    def correlation_time_ps(self) -> float:
        """Longest memory that is likelier than not, 0 if none is."""
        longest_first = np.argsort(-self.time_ps)
        likelier = np.cumsum(self.probability[longest_first]) > 0.5
        return float(self.time_ps[longest_first[int(np.argmax(likelier))]])

    def memory_beyond(self, time_ps: float) -> float:
        """Probability, as in intervals, that jumps remember each other for longer than this."""
        return float(self.probability_in_intervals[self.time_ps > time_ps].sum())

    def weights(self, spectrum: Floats, squared_frequency: Floats) -> Floats:
        """Weights w with sum_k w_k S_k = S(0) under each hypothesis, shape (n_hypotheses, n_modes).

        Parameters
        ----------
        spectrum
            Mean square of each mode, which sets how much each is worth, shape (n_modes,).
        squared_frequency
            Squared angular frequency of each mode, shape (n_modes,).
        """
        band = BinnedSpectrum(spectrum, squared_frequency)
        rows = np.zeros((len(self.time_ps), len(spectrum)))
        rows[0] = band.fit(0, 1).weights[0]
        if len(rows) > 1:
            fit = band.fit_with_memory(0, 1, memory_ps=self.time_ps[1:])
            disbelieved = (1 - self.shrinkage[1:]) * fit.covariance[:, 0, 2] / fit.covariance[:, 2, 2]
            rows[1:] = self.scale[1:, None] * (fit.weights[:, 0] - disbelieved[:, None] * fit.weights[:, 2])
        return rows


def plateau_model(
    per_ion: Floats,
    squared_frequency: Floats,
    relative_variance: float,
    length_ps: float,
    hop_length_A: float,
    *,
    sites_known: bool = False,
) -> PlateauModel:
    """Weigh whether, and over what time, jumps remember each other.

    Its amplitude A >= 0 is exponentially distributed, on average half the level at high frequency, but no more than
    an ion makes that goes to and fro over one hop: its mean squared displacement along an axis levels off at A tau =
    l^2 / 6. Amplitudes and logarithms of times are evenly spread over what that leaves, so memories far longer than
    it takes to hop are as improbable as their amplitudes must be small. With fixed tau the model is linear and the
    rest follows in closed form.

    Parameters
    ----------
    per_ion
        Mean square of each mode of each ion over the axes, shape (n_modes, n_ions).
    squared_frequency
        Squared angular frequency of each mode, shape (n_modes,).
    relative_variance
        Variance of one value of the mean spectrum relative to its squared mean.
    length_ps
        Length of the run.
    hop_length_A
        Length of a hop.
    sites_known
        Whether the memory that the sites account for has been taken out.
    """
    times = memory_times_ps(len(per_ion), length_ps, _TIME_RATIO)
    band = BinnedSpectrum(per_ion.mean(axis=1), squared_frequency)
    n_times = len(times)
    log_odds, shrinkage, scale, spread = np.zeros(n_times), np.zeros(n_times), np.ones(n_times), np.zeros(n_times)
    if n_times:
        fits = band.fit_with_memory(0, 1, memory_ps=times)
        noise = max(relative_variance, _variance_of_shape(fits, per_ion))
        log_odds = (fits.log_likelihood - band.fit(0, 1).log_likelihood) / noise
    for n, time in enumerate(times):
        plateau, _, amplitude = fits.parameters[n]
        level = max(float(plateau + amplitude), NOTHING)
        error = float(np.sqrt(fits.covariance[n, 2, 2] * noise))
        slope = fits.covariance[n, 0, 2] / fits.covariance[n, 2, 2]  # of the plateau with A
        prior = min(_MEAN_AMPLITUDE * level, hop_length_A**2 / (6 * time))
        mean, variance, log_evidence = _positive_amplitude(float(amplitude), error, prior)
        log_odds[n] += log_evidence + np.log(prior / (_MEAN_AMPLITUDE * level))
        shrinkage[n] = min(mean / amplitude, 1.0) if amplitude > 0 else 0.0
        least = _LEAST_PLATEAU * level
        shrunk = max(float(plateau - (1 - shrinkage[n]) * slope * amplitude), least)
        believed = max(float(plateau + slope * (mean - amplitude)), least)
        scale[n] = believed / shrunk
        spread[n] = max(slope**2 * (variance - (shrinkage[n] * error) ** 2), 0.0) / believed**2
    odds = np.exp(np.minimum(log_odds, 600.0)) / max(n_times, 1) * (_ODDS_WHERE_KNOWN if sites_known else 1.0)
    return PlateauModel(
        time_ps=np.concatenate([[0.0], times]),
        probability=_probabilities(odds / _DOUBT),
        probability_in_intervals=_probabilities(odds * _DOUBT),
        shrinkage=np.concatenate([[1.0], shrinkage]),
        scale=np.concatenate([[1.0], scale]),
        relative_spread=np.concatenate([[0.0], spread]),
    )


def _probabilities(odds: Floats) -> Floats:
    return np.concatenate([[1.0], odds]) / (1 + odds.sum())


def _variance_of_shape(fits: SpectrumFit, per_ion: Floats) -> float:
    """Relative variance of one mode, as the scatter of the spectrum's shape between ions has it.

    Modes of an ion that makes few hops, or of one that is trapped at times, are not independent normal variables; a
    likelihood that takes them as such is too sharp and must be tempered by the ratio of the true to its own variance
    of a parameter (Pauli, Racugno and Ventura, Stat. Sinica 21, 149 (2011)), here A / (2 D + A).
    """
    n_ions = per_ion.shape[1]
    if n_ions < 2:
        return 0.0
    level = np.maximum(fits.parameters[:, 0] + fits.parameters[:, 2], NOTHING)
    share = np.clip(fits.parameters[:, 2] / level, -1.0, 1.0)
    gradient = np.stack([-share, np.zeros_like(share), 1 - share], axis=1)
    shapes = np.einsum("tp,tpk->tk", gradient, fits.weights) @ per_ion
    own = np.einsum("tp,tpq,tq->t", gradient, fits.covariance, gradient)
    return float(np.mean(shapes.var(axis=1, ddof=1) / n_ions / own))


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
