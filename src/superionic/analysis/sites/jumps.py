"""Jump statistics from the sites that ions visit, by categories that follow from the host's layers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from superionic.analysis.sites.assignment import Assignment
from superionic.analysis.sites.sites import Sites
from superionic.analysis.spectral.counts import count_estimate
from superionic.analysis.spectral.diffusion import DiffusionEstimate
from superionic.analysis.units import A2_PER_PS_TO_CM2_PER_S
from superionic.documents import (
    Estimate,
    JumpAnalysis,
    JumpCategory,
    JumpCount,
    JumpsWithin,
)

Floats = NDArray[np.float64]

_DEAD_TIME_STEPS = 20
_LEAST_SEEN = 0.2  # of all jumps; with fewer, what is seen are not jumps


def jump_categories(sites: Sites, jumps: Assignment) -> NDArray[np.str_]:
    """Category of each jump: the layer it stays in, or what `JumpsWithin` names.

    A jump is within a layer if both sites are in layers of one name and it moves less along the layers' normal than
    across.
    """
    source, target = sites.layer_names[jumps.source], sites.layer_names[jumps.target]
    within = source == target
    if sites.layer_normal is not None and len(jumps.source):
        vectors = sites.vector_A(jumps.source, jumps.target, jumps.image)
        along = np.abs(vectors @ sites.layer_normal)
        within &= along < np.sqrt(0.5) * np.linalg.norm(vectors, axis=1)
    return np.where(within, source, JumpsWithin.NO_LAYER.value)


def analyse_jumps(
    sites: Sites, jumps: Assignment, n_ions: int, n_frames: int, frame_interval_ps: float, tracer: DiffusionEstimate
) -> JumpAnalysis:
    """Counts, rates and jump diffusivities, with errors from the scatter over ions.

    Parameters
    ----------
    sites, jumps
        The sites and what the ions did.
    n_ions, n_frames, frame_interval_ps
        Size of the run.
    tracer
        Tracer diffusivity of the same ions.
    """
    length_ps = (n_frames - 1) * frame_interval_ps
    vectors = sites.vector_A(jumps.source, jumps.target, jumps.image)
    squares = np.einsum("ja,ja->j", vectors, vectors)
    category = jump_categories(sites, jumps)
    names = list(dict.fromkeys(sites.layer_names[~sites.passage].tolist()))
    names += [JumpsWithin.NO_LAYER.value] if len(names) > 1 or JumpsWithin.NO_LAYER in category else []

    def per_ion(chosen: NDArray[np.bool_]) -> Floats:
        return np.bincount(jumps.ion[chosen], squares[chosen], n_ions) / (6 * length_ps)

    everything = per_ion(np.ones(len(squares), dtype=bool))
    n_jumps = len(squares)
    passed = jumps.via >= 0
    return JumpAnalysis(
        n_jumps=n_jumps,
        n_jumps_with_unseen=jumps_with_unseen(jumps, n_ions * length_ps, frame_interval_ps) if n_jumps else None,
        diffusivity_cm2_per_s=_jump_diffusivity(everything, n_jumps, squares, length_ps),
        correlation_factor=_correlation_factor(everything, tracer) if n_jumps else None,
        correlation_factor_of_rates=tracer.hop_memory.correlation_factor if tracer.hop_memory else None,
        back_and_forth=_back_and_forth(jumps) if n_jumps else None,
        through_passage=float(passed.mean()) if n_jumps and sites.passage.any() else None,
        categories=[
            JumpCategory(
                name=name,
                count=int(np.sum(category == name)),
                diffusivity_cm2_per_s=_jump_diffusivity(
                    per_ion(category == name), int(np.sum(category == name)), squares, length_ps
                ),
            )
            for name in names
        ],
        pairs=count_pairs(sites, jumps, frame_interval_ps),
    )


def _jump_diffusivity(per_ion: Floats, n_jumps: int, squares: Floats, length_ps: float) -> Estimate:
    """Mean over ions, with the variance from their scatter, or of a Poisson count if larger."""
    n_ions = len(per_ion)
    value = float(per_ion.mean())
    one = (float(squares.mean()) if len(squares) else 9.0) / (6 * n_ions * length_ps)
    scatter = float(per_ion.var(ddof=1)) / n_ions if n_ions > 1 else 0.0
    poisson = value**2 / n_jumps if n_jumps else one**2
    return count_estimate(value, max(scatter, poisson), np.inf, A2_PER_PS_TO_CM2_PER_S)


def _correlation_factor(jumps_per_ion: Floats, tracer: DiffusionEstimate) -> Estimate:
    """D / D_J; the error takes into account that ions which jump more also move more."""
    moved = np.trace(tracer.per_ion_A2_per_ps, axis1=1, axis2=2) / 3
    value = float(np.trace(tracer.tensor_A2_per_ps) / 3 / jumps_per_ion.mean())
    residual = moved / jumps_per_ion.mean() - value * jumps_per_ion / jumps_per_ion.mean()
    variance = float(residual.var(ddof=1)) / len(residual) if len(residual) > 1 else value**2
    return count_estimate(value, max(variance, 1e-12), max(len(residual) - 1, 1))


def jumps_with_unseen(jumps: Assignment, ion_time_ps: float, frame_interval_ps: float) -> float:
    """Number of jumps with those whose visit in between was too short to be seen.

    A visit is seen if a frame falls on the time that the ion spends within the site's radius. That time is the one
    between two departures less t, what a jump takes from radius to radius; frames dt apart see a time s with
    probability min(1, s / dt). If ions depart at rate k whether or not they have arrived, a share

        q = 1 - exp(-k t) (1 - exp(-k dt)) / (k dt)

    of the visits is missed, as events in the dead time of a counter. It turns two jumps into one, or into none where
    the second takes back the first. All of this is seen in the run: t is the mean time between the last frame on a
    source and the first on its target, less one frame.

    Parameters
    ----------
    jumps
        What the ions did; at least one jump.
    ion_time_ps
        Number of ions times length of the run in ps.
    frame_interval_ps
        Time between frames in ps.
    """
    seen = len(jumps.ion)
    transit_ps = max(float((jumps.reached - jumps.left).mean() - 1) * frame_interval_ps, 0.0)
    lost_per_visit = 1 + _back_and_forth(jumps)

    def missed(n_jumps: float) -> float:
        rate = n_jumps / ion_time_ps
        in_frames = rate * frame_interval_ps
        return 1 + float(np.exp(-rate * transit_ps) * np.expm1(-in_frames) / in_frames)

    n_jumps = float(seen)
    for _ in range(_DEAD_TIME_STEPS):
        n_jumps = seen / max(1 - lost_per_visit * missed(n_jumps), _LEAST_SEEN)
    return n_jumps


def _back_and_forth(jumps: Assignment) -> float:
    """Share of jumps whose ion's next jump undoes them."""
    order = np.lexsort((jumps.reached, jumps.ion))
    ion, source, target, image = (values[order] for values in (jumps.ion, jumps.source, jumps.target, jumps.image))
    back = (ion[1:] == ion[:-1]) & (source[:-1] == target[1:]) & np.all(image[:-1] + image[1:] == 0, axis=1)
    return float(back.sum() / len(ion))


def count_pairs(sites: Sites, jumps: Assignment, frame_interval_ps: float) -> list[JumpCount]:
    """Jumps per ordered pair of labels, with their rate per ion on the source."""
    n = len(sites.names)
    pair = sites.label_index[jumps.source] * n + sites.label_index[jumps.target]
    counts = np.bincount(pair, minlength=n * n)
    passed = np.bincount(pair, jumps.via >= 0, minlength=n * n)
    time_ps = np.bincount(sites.label_index, jumps.frames_on_site, minlength=n) * frame_interval_ps
    stable = [name for name, first in zip(sites.names, sites.first_of_name, strict=True) if not sites.passage[first]]
    return [
        JumpCount(
            source=a,
            target=b,
            count=int(counts[k]),
            rate_per_ps=float(counts[k] / time_ps[k // n]) if time_ps[k // n] > 0 else None,
            through_passage=float(passed[k] / counts[k]) if counts[k] and sites.passage.any() else None,
        )
        for a in stable
        for b in stable
        for k in [sites.names.index(a) * n + sites.names.index(b)]
    ]
