"""Attempt frequency from the velocity spectrum, corrected for the time between frames or refused."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft

from superionic.analysis.ion_groups import Positions, groups_of
from superionic.errors import InputError

Floats = NDArray[np.float64]

_BLOCK_FRAMES = 2048
_MAX_BLOCKS = 16
_TOP_SHARE = 0.2
_MAX_POWER_IN_TOP = 0.05


def velocity_spectrum(positions_A: Positions, frame_interval_ps: float) -> tuple[Floats, Floats]:
    """Power spectrum of the velocity, averaged over ions, axes and blocks of frames.

    Differences between frames damp a frequency f by sinc(f dt)^2, which is divided out.

    Parameters
    ----------
    positions_A
        Unwrapped Cartesian positions in Å, shape (n_frames, n_ions, 3).
    frame_interval_ps
        Time between frames in ps.

    Returns
    -------
    Frequencies in THz and power in Å^2/ps, shape (n,) each.
    """
    size = min(_BLOCK_FRAMES, len(positions_A))
    n_blocks = min(_MAX_BLOCKS, len(positions_A) // size)
    starts = np.linspace(0, len(positions_A) - size, n_blocks).astype(int)
    window = np.hanning(size - 1)
    power = np.zeros((size - 1) // 2 + 1)
    for start in starts:
        for _, group in groups_of(positions_A[start : start + size]):
            velocity = np.diff(group, axis=0).reshape(size - 1, -1) / frame_interval_ps
            transform = rfft((velocity - velocity.mean(axis=0)) * window[:, None], axis=0)
            power += np.sum(transform.real**2 + transform.imag**2, axis=1) / (3 * positions_A.shape[1])
    frequency = np.arange(len(power)) / ((size - 1) * frame_interval_ps)
    power *= frame_interval_ps / (n_blocks * np.sum(window**2))
    return frequency, power / np.sinc(frequency * frame_interval_ps) ** 2


def attempt_frequency_THz(positions_A: Positions, frame_interval_ps: float) -> float:
    """Mean frequency of the velocity spectrum in THz.

    Parameters
    ----------
    positions_A
        Unwrapped Cartesian positions in Å, shape (n_frames, n_ions, 3).
    frame_interval_ps
        Time between frames in ps.

    Raises
    ------
    InputError
        If the spectrum has not died away at the highest frequency that the frames resolve, or there are too few of
        them.
    """
    if len(positions_A) < 64:
        raise InputError(f"{len(positions_A)} frames are too few for a vibrational spectrum: give at least 64")
    frequency, power = velocity_spectrum(positions_A, frame_interval_ps)
    if not power.any():
        raise InputError("the ions do not move at all: there is no vibration to take a frequency from")
    top = power[frequency > (1 - _TOP_SHARE) * frequency[-1]].sum() / power.sum()
    if top > _MAX_POWER_IN_TOP:
        raise InputError(
            f"frame_interval_ps = {frame_interval_ps} is too coarse for an attempt frequency: {top:.0%} of the "
            f"power lies in the last fifth below {frequency[-1]:.1f} THz; store frames more often"
        )
    return float(np.sum(frequency * power) / power.sum())
