"""Where a run has settled: analysis starts there, later than the equilibration that was given if need be."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from superionic.analysis.frames import first_analysed_frame
from superionic.analysis.spectral.blocks import autocorrelation_time, equilibrated_frame
from superionic.trajectories.trajectory import Trajectory

Floats = NDArray[np.float64]

SIGNIFICANT_Z = 3.0
LARGEST_SHARE = 0.7
"""Of the run that may be left out; what settles later has not settled."""
_MIN_ENERGIES = 40
_MAX_VALUES = 2000
_LEAST_STEP = 20  # at least a twentieth of what is left


@dataclass(frozen=True)
class Settling:
    """When the potential energy of a run settled.

    Attributes
    ----------
    given_ps
        Equilibration that was given in ps.
    frames
        Frames after it until the energy settled; those after which nothing is left to analyse if it never did.
    n_frames
        Frames after the equilibration that was given.
    interval_ps
        Time between frames in ps.
    """

    given_ps: float
    frames: int
    n_frames: int
    interval_ps: float

    @property
    def found(self) -> bool:
        """Whether enough of the run is left after it."""
        return self.frames / self.n_frames <= LARGEST_SHARE


def settled(trajectory: Trajectory) -> tuple[Trajectory, Settling | None]:
    """The run with its start moved to where the potential energy has settled.

    While the energy drifts, the start moves to where the number of independent values left is largest (Chodera,
    J. Chem. Theory Comput. 12, 1799 (2016)). Without energies nothing is known.

    Parameters
    ----------
    trajectory
        The run.

    Returns
    -------
    The run to analyse, and what was found, None if nothing is known. If nothing that has settled is left, the start
    stays where it was given.
    """
    if trajectory.potential_energies_eV is None:
        return trajectory, None
    first = first_analysed_frame(trajectory)
    energies = np.asarray(trajectory.potential_energies_eV, dtype=np.float64)[first:]
    if len(energies) < _MIN_ENERGIES or not np.isfinite(energies).all():
        return trajectory, None
    stride = -(-len(energies) // _MAX_VALUES)
    late = _settling(energies[: len(energies) // stride * stride].reshape(-1, stride).mean(axis=1)) * stride
    settling = Settling(trajectory.equilibration_ps, late, len(energies), trajectory.frame_interval_ps)
    if late and settling.found:
        trajectory = replace(trajectory, equilibration_ps=(first + late) * trajectory.frame_interval_ps)
    return trajectory, settling


def _settling(series: Floats) -> int:
    """First value from which on a series does not drift; one beyond `LARGEST_SHARE` if there is none."""
    start = 0
    while start <= LARGEST_SHARE * len(series):
        rest = series[start:]
        candidate = equilibrated_frame(rest)
        quarter = len(rest) // 4
        drifts = _difference_z(rest[:candidate], rest[candidate:]), _difference_z(rest[:quarter], rest[2 * quarter :])
        if max(abs(z) for z in drifts) <= SIGNIFICANT_Z:
            break
        start += max(candidate, len(rest) // _LEAST_STEP)
    return start


def _difference_z(before: Floats, after: Floats) -> float:
    """Difference of two means in units of its error, the scatter being that of the later part.

    Source: Geweke, Bayesian Statistics 4, 169 (1992).
    """
    if len(before) == 0 or not after.any():
        return 0.0
    correlated = 2 * autocorrelation_time(after)
    variance = float(after.var()) * correlated * (1 / max(len(before), correlated) + 1 / len(after))
    return float((before.mean() - after.mean()) / np.sqrt(variance)) if variance > 0 else 0.0
