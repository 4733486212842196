"""Do the statistics of a run suffice? One check per question."""

from __future__ import annotations

import numpy as np

from superionic.analysis.equilibration import LARGEST_SHARE, Settling
from superionic.analysis.framework.integrity import MELTED_SHARE, FrameworkIntegrity
from superionic.analysis.measurement import Measurement
from superionic.analysis.spectral.diffusion import DiffusionEstimate
from superionic.documents import Check, CheckName, Estimate, FrameworkState, Quality, VerdictThresholds

_OTHER_TEMPERATURE = 0.5
"""Relative deviation from the target beyond which a run says nothing of the temperature that it stands for."""


def judge(measured: Measurement, thresholds: VerdictThresholds) -> Quality:
    """The verdict on a run.

    Parameters
    ----------
    measured
        What was measured.
    thresholds
        What is asked of it.
    """
    checks = [
        hops_check(measured.hops_per_ion, measured.hop_length_A, thresholds.hops_per_ion),
        error_check(measured.diffusivity_cm2_per_s, thresholds.relative_error),
        hop_count_check(measured.relative_error_by_hop_count, thresholds.relative_error_by_hop_count),
        linear_check(measured.estimate, thresholds),
        framework_check(measured.framework),
        temperature_check(
            measured.mean_temperature_K, measured.motion.trajectory.temperature_K, thresholds.relative_temperature
        ),
    ]
    if measured.settling is not None:
        checks.append(equilibration_check(measured.settling))
    if measured.on_sites.refused is not None:
        checks.append(Check(name=CheckName.SITES_OF_HOST, passed=False, reason=measured.on_sites.refused))
    return Quality.from_checks(checks)


def hops_check(hops_per_ion: float, hop_length_A: float, least: float) -> Check:
    """Enough hops per ion to call it diffusion."""
    return Check(
        name=CheckName.HOPS_PER_ION,
        passed=hops_per_ion >= least,
        value=hops_per_ion,
        threshold=least,
        reason=f"{hops_per_ion:.2g} effective hops of {hop_length_A:.2g} Å per ion; {least:g} are needed",
    )


def error_check(diffusivity: Estimate, largest: float) -> Check:
    """Relative error of D small enough for an Arrhenius plot."""
    relative = diffusivity.standard_error / diffusivity.value if diffusivity.value > 0 else None
    return Check(
        name=CheckName.RELATIVE_ERROR,
        passed=relative is not None and relative <= largest,
        value=relative,
        threshold=largest,
        reason=(
            "no diffusion was seen: D is an upper limit"
            if relative is None
            else f"the standard error of D is {relative:.0%} of it; at most {largest:.0%} is asked for"
        ),
    )


def hop_count_check(relative_error: float | None, largest: float) -> Check:
    """Enough hops in all by experience with many conductors, whatever this run says of its own error."""
    return Check(
        name=CheckName.ERROR_BY_HOP_COUNT,
        passed=relative_error is not None and relative_error <= largest,
        value=relative_error,
        threshold=largest,
        reason=(
            "no hop was seen"
            if relative_error is None
            else f"runs with as few hops scatter by {relative_error:.0%} (He, Zhu and Mo); at most {largest:.0%} is "
            "asked for"
        ),
    )


def linear_check(estimate: DiffusionEstimate, thresholds: VerdictThresholds) -> Check:
    """The mean squared displacement is linear over long enough a range of lags, and no memory may outlast that."""
    onset, length = estimate.lag_range_ps
    ratio, least = length / onset, thresholds.run_per_onset
    unseen = estimate.model.memory_beyond(length / least / np.pi)
    if not estimate.regime.found:
        reason = f"no linear part of the MSD was found within the {length:.3g} ps analysed: make the run longer"
    elif unseen > thresholds.memory_unseen:
        reason = (
            f"jumps may remember each other for so long (probability {unseen:.0%}) that the {length:.3g} ps analysed "
            "are too short to see the end of it, and D may be lower: make the run longer"
        )
    else:
        reason = f"the MSD is linear from {onset:.3g} ps; the run is {ratio:.3g} times as long, {least:g} are needed"
    return Check(
        name=CheckName.LINEAR_MSD,
        passed=estimate.regime.found and ratio >= least and unseen <= thresholds.memory_unseen,
        value=ratio,
        threshold=least,
        reason=reason,
    )


def framework_check(found: FrameworkIntegrity) -> Check:
    """The framework survived; only a molten one makes a run unusable."""
    hops = ", ".join(f"{count} {species}" for species, count in found.hopped.items() if count) or "no ion"
    reason = {
        FrameworkState.NONE: "there is no framework to check",
        FrameworkState.INTACT: "every framework ion ended on its own site",
        FrameworkState.HOPPING: f"the lattice is intact but {hops} of the framework ended on another site",
        FrameworkState.MELTED: f"the framework melted: {found.off_lattice_share:.0%} of its main sublattice is off the "
        "lattice",
        FrameworkState.TOO_SHORT: f"the {found.length_ps:.3g} ps analysed are too short to tell a melting framework "
        f"from a vibrating one: {found.needed_ps:.3g} ps are needed",
    }[found.state]
    too_short = found.state == FrameworkState.TOO_SHORT
    return Check(
        name=CheckName.FRAMEWORK_INTACT,
        passed=found.state not in {FrameworkState.MELTED, FrameworkState.TOO_SHORT},
        fatal=found.state == FrameworkState.MELTED,
        value=found.length_ps if too_short else found.off_lattice_share,
        threshold=found.needed_ps if too_short else MELTED_SHARE,
        reason=reason,
    )


def temperature_check(mean_K: float | None, target_K: float, largest: float) -> Check:
    """The run was at the temperature that it stands for."""
    if mean_K is None or not np.isfinite(mean_K):
        return Check(
            name=CheckName.MEAN_TEMPERATURE,
            passed=False,
            threshold=largest,
            reason="the run recorded no temperatures",
        )
    deviation = abs(mean_K / target_K - 1)
    return Check(
        name=CheckName.MEAN_TEMPERATURE,
        passed=deviation <= largest,
        fatal=deviation > _OTHER_TEMPERATURE,
        value=deviation,
        threshold=largest,
        reason=f"the mean temperature was {mean_K:.1f} K, {deviation:.1%} from the target of {target_K:.1f} K",
    )


def equilibration_check(settling: Settling) -> Check:
    """The potential energy settled early enough."""
    late_ps = settling.frames * settling.interval_ps
    after = f"{late_ps:.3g} ps after the equilibration of {settling.given_ps:g} ps"
    return Check(
        name=CheckName.EQUILIBRATION,
        passed=settling.found,
        value=late_ps,
        threshold=LARGEST_SHARE * settling.n_frames * settling.interval_ps,
        reason=(
            f"the potential energy settled {after}, and analysis starts there"
            if settling.found
            else f"the potential energy still drifts {after}: make the run longer"
        ),
    )
