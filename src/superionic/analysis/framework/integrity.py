"""Did the framework survive the run? Intact, some of its ions hopped, or melted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from superionic.analysis.distributions.rdf import radial_distribution
from superionic.analysis.frames import first_analysed_frame, mean_cell, thinned
from superionic.analysis.motion import Motion
from superionic.documents import Check, RadialDistribution
from superionic.trajectories.trajectory import Trajectory

Floats = NDArray[np.float64]

HOP_A = 1.5
"""A framework ion whose mean place has moved farther than this has left its site (sites are > 2 Å apart)."""
OFF_LATTICE_A = 1.0
"""A mean place farther than this from every place that its species had at the start is off the lattice."""
MELTED_SHARE = 0.25
WINDOW_PS = 2.0
"""Shortest time over which a mean place is taken: the slowest vibrations of a framework have periods of 1 ps."""
_WINDOW_FRAMES, _WINDOW_SHARE = 5, 0.1
_WINDOWS = 3  # that a run must hold: the first, the last, and as much between them
_RDF_FRAMES = 100
_IMAGES = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)


@dataclass(frozen=True)
class FrameworkIntegrity:
    """What became of the framework.

    Attributes
    ----------
    state
        'intact'; 'hopping': some ions left their sites for others; 'melted': the lattice itself is gone; 'too short':
        vibration cannot be told from melting yet; 'none': there is no framework.
    hopped
        Ions of each species that ended on another site.
    off_lattice_share
        Share of the most numerous framework species that ended on no site of the start.
    length_ps, needed_ps
        Length of the run, and of the shortest that can be judged.
    msd_A2
        Mean squared displacement of all framework ions at half the run, None without a framework.
    """

    state: Literal["intact", "hopping", "melted", "too short", "none"]
    hopped: dict[str, int]
    off_lattice_share: float
    length_ps: float
    needed_ps: float
    msd_A2: float | None

    def check(self) -> Check:
        """The verdict as a check; only a molten framework makes a run unusable."""
        hops = ", ".join(f"{count} {species}" for species, count in self.hopped.items() if count) or "no ion"
        reason = {
            "none": "there is no framework to check",
            "intact": "every framework ion ended on its own site",
            "hopping": f"the lattice is intact but {hops} of the framework ended on another site",
            "melted": f"the framework melted: {self.off_lattice_share:.0%} of its main sublattice is off the lattice",
            "too short": f"the {self.length_ps:.3g} ps analysed are too short to tell a melting framework from a "
            f"vibrating one: {self.needed_ps:.3g} ps are needed",
        }[self.state]
        judged = self.state != "too short"
        return Check(
            name="framework intact",
            passed=self.state in {"intact", "none", "hopping"},
            fatal=self.state == "melted",
            value=self.off_lattice_share if judged else self.length_ps,
            threshold=MELTED_SHARE if judged else self.needed_ps,
            reason=reason,
        )


def averaging_window_ps(trajectory: Trajectory) -> float:
    """Time over which places are averaged: a tenth of the run, but long enough to average out vibration."""
    interval = trajectory.frame_interval_ps
    n_frames = trajectory.n_frames - first_analysed_frame(trajectory)
    return max(_WINDOW_SHARE * n_frames * interval, WINDOW_PS, _WINDOW_FRAMES * interval)


@dataclass(frozen=True)
class FrameworkSample:
    """The framework in at most some 2000 evenly spread frames.

    Attributes
    ----------
    species
        Element symbol of each ion.
    positions_A
        Their positions relative to their centre in Å, shape (n_frames, n_ions, 3).
    interval_ps
        Time from one of these frames to the next.
    """

    species: NDArray[np.str_]
    positions_A: Floats
    interval_ps: float


def framework_sample(motion: Motion) -> FrameworkSample:
    """The sample that was taken while the run was read."""
    run = motion.trajectory
    interval_ps = run.frame_interval_ps * motion.framework_stride
    return FrameworkSample(np.asarray(run.species)[run.framework], motion.framework_A, interval_ps)


def framework_integrity(trajectory: Trajectory, sample: FrameworkSample) -> FrameworkIntegrity:
    """Compare where each framework ion was on average at the start and at the end.

    Averages take out vibration and, for rotating groups, keep the places that are exchanged; the species with the
    most framework ions carries the lattice.

    Parameters
    ----------
    trajectory
        The run.
    sample
        Its framework, as :func:`framework_sample` takes it.
    """
    n_frames = trajectory.n_frames - first_analysed_frame(trajectory)
    length_ps, window_ps = n_frames * trajectory.frame_interval_ps, averaging_window_ps(trajectory)
    positions, species = sample.positions_A, sample.species
    if species.size == 0:
        return FrameworkIntegrity("none", {}, 0.0, length_ps, 0.0, None)
    half = len(positions) // 2
    msd = float(np.mean(np.sum((positions[half:] - positions[: len(positions) - half]) ** 2, axis=2)))
    if length_ps < _WINDOWS * window_ps - 1e-9:
        return FrameworkIntegrity("too short", {}, 0.0, length_ps, _WINDOWS * window_ps, msd)
    window = max(1, round(window_ps / length_ps * len(positions)))
    before, after = positions[:window].mean(axis=0), positions[-window:].mean(axis=0)
    moved = np.linalg.norm(after - before, axis=1)
    hopped = {str(name): int(np.sum(moved[species == name] > HOP_A)) for name in sorted(set(species.tolist()))}
    main = species == main_framework_species(trajectory)
    share = float(np.mean(nearest_distances(after[main], before[main], mean_cell(trajectory)) > OFF_LATTICE_A))
    state: Literal["intact", "hopping", "melted"] = "melted" if share > MELTED_SHARE else "intact"
    if state == "intact" and any(hopped.values()):
        state = "hopping"
    return FrameworkIntegrity(state, hopped, share, length_ps, _WINDOWS * window_ps, msd)


def main_framework_species(trajectory: Trajectory) -> str | None:
    """The most numerous species that is not mobile; None if there is none."""
    counts = Counter(name for name in trajectory.species if name != trajectory.mobile_species)
    return counts.most_common(1)[0][0] if counts else None


def radial_distributions(trajectory: Trajectory) -> list[RadialDistribution]:
    """Mobile ions about every species, and the main framework species about itself, at the start and at the end."""
    interval = trajectory.frame_interval_ps
    length_ps = (trajectory.n_frames - first_analysed_frame(trajectory)) * interval
    window_ps = min(averaging_window_ps(trajectory), length_ps)
    share = window_ps / length_ps
    ends = [thinned(trajectory, _RDF_FRAMES, part) for part in ((0.0, share), (1.0 - share, 1.0))]
    mobile, main = trajectory.mobile_species, main_framework_species(trajectory)
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


def nearest_distances(points_A: Floats, reference_A: Floats, cell_A: Floats) -> Floats:
    """Distance from each point to the nearest periodic image of any reference point, shape (n_points,)."""
    delta = (points_A[:, None] - reference_A[None]) @ np.linalg.inv(cell_A)
    vectors = (delta - np.rint(delta)) @ cell_A
    images = _IMAGES @ cell_A
    nearest = np.argmin(vectors @ (2 * images.T) + np.sum(images**2, axis=1), axis=2)  # of |vector + image|^2
    vectors += images[nearest]
    return np.asarray(np.sqrt(np.einsum("prx,prx->pr", vectors, vectors).min(axis=1)))
