"""Block errors and autocorrelation times against an autoregressive series of known truth."""

import numpy as np
import pytest
from scipy.signal import lfilter

from superionic.analysis.distributions.displacement import mean_squared_displacement
from superionic.analysis.spectral.blocks import (
    autocorrelation_time,
    block_bootstrap_error,
    decorrelated_frames,
    equilibrated_frame,
    squared_displacement_series,
)
from superionic.errors import InputError


def autoregressive(rng, n=200_000, phi=0.9):
    return lfilter([1.0], [1.0, -phi], rng.normal(size=n))


def test_autocorrelation_time_of_an_autoregressive_series(rng):
    assert autocorrelation_time(autoregressive(rng)) == pytest.approx(0.5 + 0.9 / 0.1, rel=0.1)
    assert autocorrelation_time(rng.normal(size=10000)) == pytest.approx(0.5, abs=0.1)


def test_block_error_rises_to_the_true_one(rng):
    series = autoregressive(rng)
    truth = 10.0 / np.sqrt(len(series))
    naive = series.std() / np.sqrt(len(series))
    assert block_bootstrap_error(series, 1) == pytest.approx(naive, rel=0.01)
    assert block_bootstrap_error(series, 1000) == pytest.approx(truth, rel=0.15)


def test_block_error_equals_a_bootstrap_with_resampling(rng):
    series = autoregressive(rng, 400)
    blocks = np.array([series[s : s + 20] for s in range(381)])
    means = [blocks[rng.integers(0, 381, 20)].mean() for _ in range(4000)]
    assert block_bootstrap_error(series, 20) == pytest.approx(np.std(means), rel=0.05)


def test_frames_are_two_autocorrelation_times_apart(rng):
    frames = decorrelated_frames(autoregressive(rng), first=100)
    assert frames[0] == 100
    assert np.diff(frames).min() == pytest.approx(19, abs=3)


def test_equilibration_is_found(rng):
    series = autoregressive(rng, 4000, 0.5)
    series[:1000] += 20 * np.exp(-np.arange(1000) / 150)
    assert 300 < equilibrated_frame(series) < 1200
    assert equilibrated_frame(autoregressive(rng, 4000, 0.5)) < 1000


def test_squared_displacements_average_to_the_msd(rng):
    walk = np.cumsum(rng.normal(size=(300, 4, 3)), axis=0)
    series = squared_displacement_series(walk, 7)
    assert series.mean() == pytest.approx(np.trace(mean_squared_displacement(walk)[7]))
    with pytest.raises(InputError, match="lag = 300"):
        squared_displacement_series(walk, 300)
    with pytest.raises(InputError, match="block_length = 200"):
        block_bootstrap_error(series, 200)
