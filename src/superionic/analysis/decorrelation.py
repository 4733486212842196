"""Frames of a run that are independent of each other: where it has settled, two autocorrelation times apart."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from superionic.analysis.equilibration import settled
from superionic.analysis.frames import first_analysed_frame
from superionic.analysis.spectral.blocks import autocorrelation_time, squared_displacement_series
from superionic.errors import InputError
from superionic.trajectories.trajectory import Trajectory

DISPLACEMENT_LAG_PS = 1.0
"""The squared displacement over this time tells how ions diffuse, not how they vibrate."""
_LEAST_FRAMES = 8


@dataclass(frozen=True)
class Independence:
    """Which frames of a run are independent.

    Attributes
    ----------
    first
        Frame where the run has settled.
    spacing
        Frames from one independent frame to the next.
    autocorrelation_time_ps
        The longer of the autocorrelation times of energy and squared displacement in ps.
    """

    first: int
    spacing: int
    autocorrelation_time_ps: float


def independent_frames(trajectory: Trajectory) -> Independence:
    """Autocorrelation time of a run: the longer one of potential energy and squared displacement of the mobile ions.

    Parameters
    ----------
    trajectory
        The run. Without energies, its displacements alone tell.

    Raises
    ------
    InputError
        If it is too short after its equilibration.
    """
    start, _ = settled(trajectory)
    first = first_analysed_frame(start)
    n_left = trajectory.n_frames - first
    if n_left < _LEAST_FRAMES:
        raise InputError(
            f"run {trajectory.run_id} has {n_left} frames after its equilibration: {_LEAST_FRAMES} are needed to tell "
            "how far apart independent ones are; run longer, store more frames, or give spacing_ps"
        )
    interval = trajectory.frame_interval_ps
    lag = min(max(1, round(DISPLACEMENT_LAG_PS / interval)), n_left // 4)
    positions = trajectory.positions_A[first:]
    times = [autocorrelation_time(squared_displacement_series(positions[:, trajectory.mobile], lag))]
    if trajectory.potential_energies_eV is not None:
        times.append(autocorrelation_time(np.asarray(trajectory.potential_energies_eV, dtype=np.float64)[first:]))
    return Independence(first, max(1, ceil(2 * max(times))), max(times) * interval)
