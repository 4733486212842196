"""Did the framework survive the run? Intact, some of its ions hopped, or melted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from superionic.analysis.displacement import analysed_positions, mean_cell, thinned
from superionic.analysis.rdf import radial_distribution
from superionic.documents import Check
from superionic.trajectories.trajectory import Trajectory

Floats = NDArray[np.float64]

HOP_A = 1.5
"""A framework ion whose mean place has moved farther than this has left its site (sites are > 2 Å apart)."""
OFF_LATTICE_A = 1.0
"""A mean place farther than this from every place that its species had at the start is off the lattice."""
MELTED_SHARE = 0.25
_WINDOW_SHARE = 0.1
_RDF_FRAMES = 100
_FRAMES = 2000
_IMAGES = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)


@dataclass(frozen=True)
class FrameworkIntegrity:
    """What became of the framework.

    Attributes
    ----------
    state
        'intact'; 'hopping': some ions left their sites for others; 'melted': the lattice itself is gone; 'none':
        there is none.
    hopped
        Ions of each species that ended on another site.
    off_lattice_share
        Share of the most numerous framework species that ended on no site of the start.
    msd_A2
        Mean squared displacement of all framework ions at half the run, None without a framework.
    rdf_change
        Share of the pairs of the most numerous framework species whose distance differs between the last tenth of
        the run and the first, by their radial distribution functions; None without such pairs.
    """

    state: Literal["intact", "hopping", "melted", "none"]
    hopped: dict[str, int]
    off_lattice_share: float
    msd_A2: float | None
    rdf_change: float | None

    def check(self) -> Check:
        """The verdict as a check; only a molten framework makes a run unusable."""
        hops = ", ".join(f"{count} {species}" for species, count in self.hopped.items() if count) or "no ion"
        reason = {
            "none": "there is no framework to check",
            "intact": "every framework ion ended on its own site",
            "hopping": f"the lattice is intact but {hops} of the framework ended on another site",
            "melted": f"the framework melted: {self.off_lattice_share:.0%} of its main sublattice is off the lattice",
        }[self.state]
        return Check(
            name="framework intact",
            passed=self.state in {"intact", "none", "hopping"},
            fatal=self.state == "melted",
            value=self.off_lattice_share,
            threshold=MELTED_SHARE,
            reason=reason,
        )


def framework_integrity(trajectory: Trajectory) -> FrameworkIntegrity:
    """Compare where each framework ion was on average at the start and at the end.

    Averages over a tenth of the run take out vibration and, for rotating groups, keep the places that are exchanged;
    the species with the most framework ions carries the lattice.
    """
    framework = trajectory.framework
    if framework.size == 0:
        return FrameworkIntegrity("none", {}, 0.0, None, None)
    positions = analysed_positions(thinned(trajectory, _FRAMES), framework, continuous=False)
    species = np.asarray(trajectory.species)[framework]
    window = max(1, int(_WINDOW_SHARE * len(positions)))
    before, after = positions[:window].mean(axis=0), positions[-window:].mean(axis=0)
    moved = np.linalg.norm(after - before, axis=1)
    cell = mean_cell(trajectory)
    hopped = {str(name): int(np.sum(moved[species == name] > HOP_A)) for name in sorted(set(species.tolist()))}
    main = Counter(species.tolist()).most_common(1)[0][0]
    off_lattice = nearest_distances(after[species == main], before[species == main], cell) > OFF_LATTICE_A
    share = float(off_lattice.mean())
    half = len(positions) // 2
    msd = float(np.mean(np.sum((positions[half:] - positions[: len(positions) - half]) ** 2, axis=2)))
    state: Literal["intact", "hopping", "melted"] = "melted" if share > MELTED_SHARE else "intact"
    if state == "intact" and any(hopped.values()):
        state = "hopping"
    return FrameworkIntegrity(state, hopped, share, msd, _rdf_change(trajectory, main))


def _rdf_change(trajectory: Trajectory, species: str) -> float | None:
    if trajectory.species.count(species) < 2:
        return None
    r, start = radial_distribution(trajectory, species, species, n_frames=_RDF_FRAMES, window=(0.0, _WINDOW_SHARE))
    _, end = radial_distribution(trajectory, species, species, n_frames=_RDF_FRAMES, window=(1 - _WINDOW_SHARE, 1.0))
    shared = min(len(start), len(end))  # in a cell that changes, so does the longest distance
    r, start, end = r[:shared], start[:shared], end[:shared]
    total = float(np.sum(start * r**2))
    return float(0.5 * np.sum(np.abs(end - start) * r**2) / total) if total > 0 else None


def nearest_distances(points_A: Floats, reference_A: Floats, cell_A: Floats) -> Floats:
    """Distance from each point to the nearest periodic image of any reference point, shape (n_points,)."""
    delta = (points_A[:, None] - reference_A[None]) @ np.linalg.inv(cell_A)
    delta -= np.rint(delta)
    vectors = (delta[:, :, None] + _IMAGES) @ cell_A
    return np.asarray(np.sqrt(np.einsum("prix,prix->pri", vectors, vectors).min(axis=(1, 2))))
