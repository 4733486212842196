"""Radial distributions at the start and at the end of a run: what a lattice that is lost shows."""

from __future__ import annotations

import numpy as np

from superionic.analysis.distributions.rdf import radial_distribution
from superionic.analysis.frames import thinned
from superionic.analysis.framework.integrity import averaging_window_ps, main_framework_species
from superionic.analysis.motion import Motion
from superionic.documents import RadialDistribution

_RDF_FRAMES = 100


def radial_distributions(motion: Motion) -> list[RadialDistribution]:
    """Mobile ions about every species, and the main framework species about itself, at the start and at the end."""
    trajectory = motion.trajectory
    length_ps = motion.n_frames * motion.interval_ps
    window_ps = min(averaging_window_ps(motion), length_ps)
    share = window_ps / length_ps
    ends = [thinned(trajectory, _RDF_FRAMES, part) for part in ((0.0, share), (1.0 - share, 1.0))]
    mobile, main = trajectory.mobile_species, main_framework_species(motion)
    found = []
    pairs = [(mobile, other) for other in sorted(set(trajectory.species))]
    for pair in pairs if main is None else [*pairs, (main, main)]:
        if pair[0] == pair[1] and trajectory.species.count(pair[0]) < 2:
            continue
        (r, start), (_, end) = (radial_distribution(part, *pair) for part in ends)
        shared = min(len(start), len(end))  # in a cell that changes, so does the longest distance
        found.append(
            RadialDistribution(
                species=pair,
                r_A=r[:shared].tolist(),
                g_start=start[:shared].tolist(),
                g_end=end[:shared].tolist(),
                window_ps=window_ps,
            )
        )
    return found


def rdf_change(distribution: RadialDistribution) -> float | None:
    """Share of the pairs whose distance differs between end and start, None if none are within the range."""
    r, start, end = (np.array(v) for v in (distribution.r_A, distribution.g_start, distribution.g_end))
    total = float(np.sum(start * r**2))
    return float(0.5 * np.sum(np.abs(end - start) * r**2) / total) if total > 0 else None
