"""Which site each ion is on, frame by frame, in one compiled pass.

A site holds an ion from the moment the ion comes within the site's radius until it comes within that of another
(hysteresis), so crossing a border to and fro is no jump. Distances are true Cartesian ones to the nearest periodic
image, whatever the cell's shape or orientation: every voxel of the cell lists the images of sites that can be
nearest to a point inside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from superionic.analysis.ion_groups import Positions, groups_of
from superionic.analysis.sites.sites import Sites

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_VOXEL_A = 0.7
BIN_A = 0.02
N_BINS = 200
_HARDLY_OCCUPIED = 0.05  # of the mean over all sites
_USUAL_AMPLITUDE_A = 0.25
_RMS_PER_MEDIAN = np.sqrt(3.0) / 1.5381722544550522
"""Rms distance over median distance of a three-dimensional normal cloud."""


@dataclass(frozen=True)
class VoxelIndex:
    """Candidate nearest sites of every voxel of the cell."""

    shape: Ints
    start: Ints
    site: Ints
    image: Ints
    position_A: Floats


def voxel_index(sites: Sites) -> VoxelIndex:
    """List for each voxel all site images that can be the nearest to some point of it."""
    lengths = np.linalg.norm(sites.cell_A, axis=1)
    shape = np.maximum(1, np.ceil(lengths / _VOXEL_A)).astype(np.int64)
    grid = np.stack(np.meshgrid(*[(np.arange(n) + 0.5) / n for n in shape], indexing="ij"), axis=-1).reshape(-1, 3)
    corners = np.array([[i, j, k] for i in (-0.5, 0.5) for j in (-0.5, 0.5) for k in (-0.5, 0.5)]) / shape
    half_diagonal = np.linalg.norm(corners @ sites.cell_A, axis=1).max()
    positions, index, image = sites.with_images
    tree = cKDTree(positions)
    centres = grid @ sites.cell_A
    nearest, _ = tree.query(centres)
    lists = tree.query_ball_point(centres, nearest + 2 * half_diagonal + 1e-9)
    counts = np.array([len(entry) for entry in lists])
    flat = np.concatenate([np.asarray(entry, dtype=np.int64) for entry in lists])
    return VoxelIndex(
        shape, np.concatenate([[0], np.cumsum(counts)]), index[flat], image[flat], np.ascontiguousarray(positions[flat])
    )


@dataclass(frozen=True)
class DistanceStatistics:
    """How far ions are from their nearest site.

    Attributes
    ----------
    counts
        Histogram of the distance per label, shape (n_names, n_bins); the last bin holds all larger distances.
    """

    counts: Ints

    def vibration_amplitudes_A(self, sites: Sites) -> dict[str, float]:
        """Rms distance from the site per label, from the median so that ions in transit do not count.

        Ions near a site that is hardly ever occupied are all in transit: it gets the mean amplitude of the well
        occupied sites of its kind (passages, or the others).
        """
        per_site = self.counts.sum(axis=1) / np.bincount(sites.label_index)
        occupied = per_site > _HARDLY_OCCUPIED * self.counts.sum() / len(sites.labels)
        passage = sites.passage[sites.first_of_name]
        own = np.array([_median(row) * _RMS_PER_MEDIAN if row.any() else _USUAL_AMPLITUDE_A for row in self.counts])
        amplitudes = {}
        for n, name in enumerate(sites.names):
            alike = occupied & (passage == passage[n])
            amplitudes[name] = float(own[n] if occupied[n] or not alike.any() else own[alike].mean())
        return amplitudes

    def captured(self, radius_A: float | Floats) -> float:
        """Share of all points closer to a site than a radius (one, or one per label)."""
        edges = np.arange(1, N_BINS) * BIN_A
        limits = np.broadcast_to(np.asarray(radius_A, dtype=float), (len(self.counts),))
        inside = sum(
            float(np.interp(limit, np.concatenate([[0.0], edges]), np.concatenate([[0.0], np.cumsum(row[:-1])])))
            for limit, row in zip(limits, self.counts, strict=True)
        )
        return inside / float(self.counts.sum())


def _median(histogram: Ints) -> float:
    cumulative = np.concatenate([[0], np.cumsum(histogram)])
    return float(np.interp(0.5 * cumulative[-1], cumulative, np.arange(len(cumulative)) * BIN_A))


def distance_statistics(positions_A: Positions, sites: Sites, index: VoxelIndex) -> DistanceStatistics:
    """Histogram of the distance to the nearest site, per label of that site.

    Parameters
    ----------
    positions_A
        Cartesian positions in Å, wrapped or not, shape (n_frames, n_ions, 3).
    sites, index
        The sites and their voxels.
    """
    counts = np.zeros((len(sites.names), N_BINS), dtype=np.int64)
    for _, group in groups_of(positions_A):
        _histogram(
            group, np.linalg.inv(sites.cell_A), sites.cell_A, index.shape, index.start, index.site, index.position_A,
            sites.label_index, counts,
        )  # fmt: skip
    return DistanceStatistics(counts)


@dataclass(frozen=True)
class Assignment:
    """What every ion did.

    Attributes
    ----------
    frames_on_site
        Frames for which each site held an ion, summed over ions, shape (n_sites,).
    frames_within
        Frames for which an ion was within the radius of each site, shape (n_sites,).
    ion, source, target, via
        Ion, sites it left and reached, and the passage it was last seen in (-1: none), of every jump, in order of
        time.
    image
        Periodic image of the target relative to the source, shape (n_jumps, 3).
    left, reached
        Last frame on the source and first on the target.
    """

    frames_on_site: Ints
    frames_within: Ints
    ion: Ints
    source: Ints
    target: Ints
    via: Ints
    image: Ints
    left: Ints
    reached: Ints


def assign(positions_A: Positions, sites: Sites, radii_A: Floats, index: VoxelIndex) -> Assignment:
    """Follow every ion from site to site.

    Parameters
    ----------
    positions_A
        Unwrapped Cartesian positions in Å, shape (n_frames, n_ions, 3).
    sites, index
        The sites and their voxels.
    radii_A
        Radius of each label in the order of `sites.names`.
    """
    squared = np.asarray(radii_A)[sites.label_index] ** 2
    on_site, within = np.zeros(len(sites.labels), dtype=np.int64), np.zeros(len(sites.labels), dtype=np.int64)
    parts = []
    for ions, group in groups_of(positions_A):
        parts.append(
            _follow(
                group, np.linalg.inv(sites.cell_A), sites.cell_A, index.shape, index.start, index.site, index.image,
                index.position_A, squared, sites.passage, sites.cartesian_A, on_site, within,
            )
        )  # fmt: skip
        parts[-1][:, 0] += ions.start
    events = np.concatenate(parts)
    events = events[np.lexsort((events[:, 0], events[:, 8]))]
    ion, source, target, via, _, _, _, left, reached = events.T
    return Assignment(on_site, within, ion, source, target, via, events[:, 4:7], left, reached)


@numba.njit(cache=True, fastmath=True)
def _nearest(x, y, z, inverse, cell, shape, start, position):  # type: ignore[no-untyped-def]
    """Nearest candidate of a point and its squared distance, and the image that the point lies in."""
    f0 = x * inverse[0, 0] + y * inverse[1, 0] + z * inverse[2, 0]
    f1 = x * inverse[0, 1] + y * inverse[1, 1] + z * inverse[2, 1]
    f2 = x * inverse[0, 2] + y * inverse[1, 2] + z * inverse[2, 2]
    n0, n1, n2 = np.floor(f0), np.floor(f1), np.floor(f2)
    f0, f1, f2 = f0 - n0, f1 - n1, f2 - n2
    v0 = min(int(f0 * shape[0]), shape[0] - 1)
    v1 = min(int(f1 * shape[1]), shape[1] - 1)
    v2 = min(int(f2 * shape[2]), shape[2] - 1)
    voxel = (v0 * shape[1] + v1) * shape[2] + v2
    wx = f0 * cell[0, 0] + f1 * cell[1, 0] + f2 * cell[2, 0]
    wy = f0 * cell[0, 1] + f1 * cell[1, 1] + f2 * cell[2, 1]
    wz = f0 * cell[0, 2] + f1 * cell[1, 2] + f2 * cell[2, 2]
    best, best_squared = -1, 1e30
    for c in range(start[voxel], start[voxel + 1]):
        dx, dy, dz = wx - position[c, 0], wy - position[c, 1], wz - position[c, 2]
        squared = dx * dx + dy * dy + dz * dz
        if squared < best_squared:
            best, best_squared = c, squared
    return best, best_squared, int(n0), int(n1), int(n2)


@numba.njit(cache=True)
def _histogram(positions, inverse, cell, shape, start, site, position, label, counts):  # type: ignore[no-untyped-def]
    for t in range(positions.shape[0]):
        for i in range(positions.shape[1]):
            c, squared, _, _, _ = _nearest(
                positions[t, i, 0], positions[t, i, 1], positions[t, i, 2], inverse, cell, shape, start, position
            )
            counts[label[site[c]], min(int(np.sqrt(squared) / BIN_A), N_BINS - 1)] += 1


@numba.njit(cache=True)
def _follow(  # type: ignore[no-untyped-def]  # noqa: C901
    positions, inverse, cell, shape, start, site, image, position, squared_radius, passage, cartesian, on_site, within
):
    n_frames, n_ions, _ = positions.shape
    home = np.full(n_ions, -1, dtype=np.int64)
    home_image = np.zeros((n_ions, 3), dtype=np.int64)
    home_position = np.zeros((n_ions, 3))
    via = np.full(n_ions, -1, dtype=np.int64)
    last = np.zeros(n_ions, dtype=np.int64)
    events = np.empty((1024, 9), dtype=np.int64)
    n_events = 0
    for t in range(n_frames):
        for i in range(n_ions):
            x, y, z = positions[t, i, 0], positions[t, i, 1], positions[t, i, 2]
            h = home[i]
            if h >= 0:  # still at home, as in nearly every frame
                dx, dy, dz = x - home_position[i, 0], y - home_position[i, 1], z - home_position[i, 2]
                if dx * dx + dy * dy + dz * dz < squared_radius[h]:
                    on_site[h] += 1
                    within[h] += 1
                    last[i] = t
                    via[i] = -1
                    continue
            c, squared, n0, n1, n2 = _nearest(x, y, z, inverse, cell, shape, start, position)
            s = site[c]
            inside = squared < squared_radius[s]
            if inside:
                within[s] += 1
                if passage[s]:
                    via[i] = s
                else:
                    m0, m1, m2 = image[c, 0] + n0, image[c, 1] + n1, image[c, 2] + n2
                    if h >= 0:
                        if n_events == len(events):
                            larger = np.empty((2 * n_events, 9), dtype=np.int64)
                            larger[:n_events] = events
                            events = larger
                        event = events[n_events]
                        event[0], event[1], event[2], event[3] = i, h, s, via[i]
                        event[4], event[5], event[6] = (
                            m0 - home_image[i, 0],
                            m1 - home_image[i, 1],
                            m2 - home_image[i, 2],
                        )
                        event[7], event[8] = last[i], t
                        n_events += 1
                    home[i] = s
                    home_image[i, 0], home_image[i, 1], home_image[i, 2] = m0, m1, m2
                    for a in range(3):
                        home_position[i, a] = cartesian[s, a] + m0 * cell[0, a] + m1 * cell[1, a] + m2 * cell[2, a]
                    last[i] = t
                    via[i] = -1
            if home[i] >= 0:
                on_site[home[i]] += 1
    return events[:n_events].copy()
