"""Do the statistics of a run suffice? One check per question."""

from __future__ import annotations

import numpy as np

from superionic.analysis.frames import first_analysed_frame
from superionic.analysis.spectral.diffusion import DiffusionEstimate
from superionic.documents import Check, Estimate
from superionic.trajectories.trajectory import Trajectory

HOPS_PER_ION = 3.0
RELATIVE_ERROR = 0.25
RELATIVE_ERROR_BY_HOP_COUNT = 0.35
RUN_PER_ONSET = 10.0
MEMORY_UNSEEN = 0.5
"""Probability of a memory whose end is not in a tenth of the run, from which on the run is too short."""
RELATIVE_TEMPERATURE = 0.03


def hops_check(hops_per_ion: float, hop_length_A: float) -> Check:
    """Enough hops per ion to call it diffusion."""
    return Check(
        name="hops per ion",
        passed=hops_per_ion >= HOPS_PER_ION,
        value=hops_per_ion,
        threshold=HOPS_PER_ION,
        reason=f"{hops_per_ion:.2g} effective hops of {hop_length_A:.2g} Å per ion; {HOPS_PER_ION:g} are needed",
    )


def error_check(diffusivity: Estimate) -> Check:
    """Relative error of D small enough for an Arrhenius plot."""
    relative = diffusivity.standard_error / diffusivity.value if diffusivity.value > 0 else None
    return Check(
        name="relative error of D",
        passed=relative is not None and relative <= RELATIVE_ERROR,
        value=relative,
        threshold=RELATIVE_ERROR,
        reason=(
            "no diffusion was seen: D is an upper limit"
            if relative is None
            else f"the standard error of D is {relative:.0%} of it; at most {RELATIVE_ERROR:.0%} is asked for"
        ),
    )


def relative_error_by_hop_count(hops: float) -> float | None:
    """Relative standard deviation of D by the number of effective hops of all ions; None without hops.

    He, Zhu and Mo, npj Comput. Mater. 4, 18 (2018), from ab initio runs of many conductors.
    """
    return 3.43 / float(np.sqrt(hops)) + 0.04 if hops > 0 else None


def hop_count_check(relative_error: float | None) -> Check:
    """Enough hops in all by experience with many conductors, whatever this run says of its own error."""
    return Check(
        name="relative error by hop count",
        passed=relative_error is not None and relative_error <= RELATIVE_ERROR_BY_HOP_COUNT,
        value=relative_error,
        threshold=RELATIVE_ERROR_BY_HOP_COUNT,
        reason=(
            "no hop was seen"
            if relative_error is None
            else f"runs with as few hops scatter by {relative_error:.0%} (He, Zhu and Mo); at most "
            f"{RELATIVE_ERROR_BY_HOP_COUNT:.0%} is asked for"
        ),
    )


def linear_check(estimate: DiffusionEstimate) -> Check:
    """The mean squared displacement is linear over long enough a range of lags, and no memory may outlast that."""
    onset, length = estimate.lag_range_ps
    ratio = length / onset
    unseen = estimate.model.memory_beyond(length / RUN_PER_ONSET / np.pi)
    if not estimate.regime.found:
        reason = f"no linear part of the MSD was found within the {length:.3g} ps analysed: make the run longer"
    elif unseen > MEMORY_UNSEEN:
        reason = (
            f"jumps may remember each other for so long (probability {unseen:.0%}) that the {length:.3g} ps analysed "
            "are too short to see the end of it, and D may be lower: make the run longer"
        )
    else:
        reason = (
            f"the MSD is linear from {onset:.3g} ps; the run is {ratio:.3g} times as long, {RUN_PER_ONSET:g} are needed"
        )
    return Check(
        name="linear MSD",
        passed=estimate.regime.found and ratio >= RUN_PER_ONSET and unseen <= MEMORY_UNSEEN,
        value=ratio,
        threshold=RUN_PER_ONSET,
        reason=reason,
    )


def mean_temperature_K(trajectory: Trajectory) -> float | None:
    """Mean kinetic temperature over the analysed frames in K, None if unknown."""
    if trajectory.temperatures_K is None:
        return None
    return float(np.mean(trajectory.temperatures_K[first_analysed_frame(trajectory) :]))


def temperature_check(trajectory: Trajectory) -> Check:
    """The run was at the temperature that it stands for."""
    mean = mean_temperature_K(trajectory)
    target = trajectory.temperature_K
    if mean is None or not np.isfinite(mean):
        return Check(
            name="mean temperature",
            passed=False,
            threshold=RELATIVE_TEMPERATURE,
            reason="the run recorded no temperatures",
        )
    deviation = abs(mean / target - 1)
    return Check(
        name="mean temperature",
        passed=deviation <= RELATIVE_TEMPERATURE,
        fatal=deviation > 0.5,
        value=deviation,
        threshold=RELATIVE_TEMPERATURE,
        reason=f"the mean temperature was {mean:.1f} K, {deviation:.1%} from the target of {target:.1f} K",
    )
