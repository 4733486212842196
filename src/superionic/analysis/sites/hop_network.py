"""The network of the hops of a run, in classes that the crystal's symmetry makes equal: few hops tell a rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from superionic.analysis.sites.assignment import Assignment
from superionic.analysis.sites.jumps import jumps_with_unseen
from superionic.analysis.sites.placement import Placement
from superionic.analysis.sites.sites import Sites
from superionic.analysis.spectral.hop_memory import HopNetwork
from superionic.structures.host import Host
from superionic.structures.symmetry import SAME_SITE_A, space_group

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MOST_UNSEEN = 1.1  # hops with those unseen over those seen; fast returns are missed first, and rates come out wrong
_AT_LEAST_RIGHT = 1.01  # sum of the squares of two legs over that of the whole, up to which their angle is
_MOST_SITES, _CELLS = 4096, 256  # for packing a hop into one number


def hop_network(
    host: Host, placement: Placement, sites: Sites, jumps: Assignment, shape: tuple[int, ...], frame_interval_ps: float
) -> HopNetwork | None:
    """Network of the hops of a run; None if there are none, or too many were not seen.

    Parameters
    ----------
    host, placement
        The crystal, and how it lies in the run.
    sites, jumps
        Its sites in the cell of the run, and what the ions did.
    shape
        That of the positions: frames, ions, axes.
    frame_interval_ps
        Time between frames in ps.
    """
    n_frames, n_ions = shape[:2]
    ion_time_ps = n_ions * (n_frames - 1) * frame_interval_ps
    n_jumps = len(jumps.ion)
    if not n_jumps or jumps_with_unseen(jumps, ion_time_ps, frame_interval_ps) > _MOST_UNSEEN * n_jumps:
        return None
    matrix, shift = placement
    stable = {label for label, passage in zip(sites.labels, sites.passage, strict=True) if not passage}
    frac = np.concatenate([site.frac_coords for site in host.sites if site.label in stable])
    labels = np.concatenate([[site.label] * len(site.frac_coords) for site in host.sites if site.label in stable])
    cell_A = np.linalg.inv(matrix) @ sites.cell_A
    place, cell, _ = _matched(sites.frac_coords @ matrix - shift, frac, cell_A)
    step = cell[jumps.target] + jumps.image @ matrix - cell[jumps.source]
    seen, which = np.unique(_packed(place[jumps.source], place[jumps.target], step), return_inverse=True)
    images, permutations = _images(host, frac, labels, cell_A, seen)
    _, class_of_seen = np.unique(images.min(axis=0), return_inverse=True)
    every, first = np.unique(images, return_index=True)
    hop_class = np.broadcast_to(class_of_seen, images.shape).ravel()[first]
    source, target, step = _unpacked(every)
    vector_A = (frac[target] + step - frac[source]) @ cell_A
    on_site = np.bincount(place[~sites.passage], jumps.frames_on_site[~sites.passage], len(frac))
    everything = HopNetwork(
        time_share=(on_site / on_site.sum())[permutations].mean(axis=0),
        source=source,
        target=target,
        hop_class=hop_class,
        vector_A=vector_A,
        counts=np.bincount(class_of_seen[which]).astype(float),
        ion_time_ps=ion_time_ps,
        seen_class=class_of_seen[which],
        seen_ion=jumps.ion,
        seen_at=jumps.reached / n_frames,
    )
    return everything.of_classes(_direct(everything, every))


def _direct(network: HopNetwork, hops: Ints) -> NDArray[np.bool_]:
    """Which classes are no two hops whose stop in between was too short to be seen.

    Such a stop lies between the ends (the legs make an obtuse angle), and each leg is more frequent.
    """
    flux = network.counts / np.bincount(network.hop_class)
    squares = np.einsum("ha,ha->h", network.vector_A, network.vector_A)
    _, target, step = _unpacked(hops)
    direct = np.ones(len(flux), dtype=bool)
    for hop_class, hop in enumerate(np.unique(network.hop_class, return_index=True)[1]):
        first = np.flatnonzero(network.source == network.source[hop])
        rest = _packed(target[first], target[hop], step[hop] - step[first])
        second = np.minimum(np.searchsorted(hops, rest), len(hops) - 1)
        stops = (hops[second] == rest) & (squares[first] + squares[second] < _AT_LEAST_RIGHT * squares[hop])
        stops &= np.minimum(flux[network.hop_class[first]], flux[network.hop_class[second]]) > flux[hop_class]
        direct[hop_class] = not stops.any()
    return direct


def _images(host: Host, frac: Floats, labels: NDArray[np.str_], cell_A: Floats, hops: Ints) -> tuple[Ints, Ints]:
    """Packed hops and their reverses under every operation that keeps the labels, and its permutations of sites."""
    source, target, step = _unpacked(hops)
    images, permutations = [], []
    for rotation, translation in zip(*space_group(host.structure), strict=True):
        place, cell, distance = _matched(frac @ rotation.T + translation, frac, cell_A)
        if distance.max() > SAME_SITE_A or np.any(labels[place] != labels):
            continue
        there = np.rint(step @ rotation.T).astype(np.int64) + cell[target] - cell[source]
        images += [_packed(place[source], place[target], there), _packed(place[target], place[source], -there)]
        permutations.append(place)
    return np.array(images), np.array(permutations)


def _matched(coords: Floats, frac: Floats, cell_A: Floats) -> tuple[Ints, Ints, Floats]:
    """Nearest site to each point, the cell that it lies in, and its distance in Å."""
    delta = coords[:, None] - frac
    cells = np.rint(delta)
    distances = np.linalg.norm((delta - cells) @ cell_A, axis=2)
    nearest = distances.argmin(axis=1)
    each = np.arange(len(coords))
    return nearest, cells[each, nearest].astype(np.int64), distances[each, nearest]


def _packed(source: Ints, target: Ints, step: Ints) -> Ints:
    """One number for each hop."""
    packed = source.astype(np.int64) * _MOST_SITES + target
    for axis in range(3):
        packed = packed * _CELLS + step[:, axis] + _CELLS // 2
    return packed


def _unpacked(packed: Ints) -> tuple[Ints, Ints, Ints]:
    """Source, target and cells between them, shape (n, 3), of packed hops."""
    steps = []
    for _ in range(3):
        packed, step = np.divmod(packed, _CELLS)
        steps.append(step - _CELLS // 2)
    return packed // _MOST_SITES, packed % _MOST_SITES, np.stack(steps[::-1], axis=-1)
