"""GEMDAT and plain references doing what the analysis does, each as work for a process of its own.

What comes before the first yield is not measured; the second yields a number that tells whether it is the same work.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from pymatgen.core import Element, Lattice, Structure
from scipy.spatial import cKDTree

from superionic.bench.walk import INTERVAL_PS, TEMPERATURE_K, Walk

RADIUS_A = 0.9
RESOLUTION_A = 0.25
LAG = 10
"""Frames after which mean squared displacements are compared."""


def plain_msd(walk: Walk) -> Iterator[float]:
    """The usual Fourier form, scalar, one ion after the other; the mean squared displacement in Å^2 at a lag."""
    positions = walk.mobile_A()
    np.fft.irfft(np.fft.rfft(positions[:10, 0], axis=0), axis=0)
    yield 0.0
    n = len(positions)
    lags = np.arange(n)
    total = np.zeros(n)
    for ion in positions.transpose(1, 0, 2):
        transform = np.fft.rfft(ion, 2 * n, axis=0)
        correlation = np.fft.irfft(np.abs(transform) ** 2, axis=0)[:n].sum(axis=1)
        squares = np.concatenate([[0.0], np.cumsum(np.sum(ion**2, axis=1))])
        total += ((squares[n] - squares[lags]) + squares[n - lags] - 2 * correlation) / (n - lags)
    yield float(total[LAG] / positions.shape[1])


def kd_tree(walk: Walk) -> Iterator[float]:
    """The nearest site of every ion in every frame; the share nearer than the radius."""
    sites, positions = walk.sites(), walk.mobile_A()
    images, _, _ = sites.with_images
    yield 0.0
    wrapped = ((positions.reshape(-1, 3) @ np.linalg.inv(sites.cell_A)) % 1.0) @ sites.cell_A
    distances, _ = cKDTree(images).query(wrapped)
    yield float(np.mean(distances < RADIUS_A))


def gemdat_msd(walk: Walk) -> Iterator[float]:
    """The mean squared displacement in Å^2 at a lag."""
    trajectory = _gemdat_trajectory(walk)
    yield 0.0
    yield float(np.mean(trajectory.mean_squared_displacement()[:, LAG]))


def gemdat_jumps(walk: Walk) -> Iterator[float]:
    """The number of jumps."""
    from gemdat.transitions import Transitions

    trajectory, sites = _gemdat_trajectory(walk), walk.sites()
    crystal = Structure(Lattice(sites.cell_A), ["Li"] * len(sites.labels), sites.frac_coords, labels=sites.labels)
    yield 0.0
    transitions = Transitions.from_trajectory(
        trajectory=trajectory, sites=crystal, floating_specie="Li", site_radius=RADIUS_A
    )
    yield float(transitions.jumps().n_jumps)


def gemdat_density(walk: Walk) -> Iterator[float]:
    """The number of ions counted."""
    trajectory = _gemdat_trajectory(walk)
    yield 0.0
    yield float(trajectory.to_volume(resolution=RESOLUTION_A).data.sum())


def _gemdat_trajectory(walk: Walk) -> Any:
    from gemdat.trajectory import Trajectory

    coords = walk.mobile_A() @ np.linalg.inv(walk.cell_A)
    coords %= 1.0
    return Trajectory(
        species=[Element("Li")] * walk.n_mobile,
        coords=coords,
        lattice=Lattice(walk.cell_A).matrix,
        time_step=INTERVAL_PS * 1e-12,
        constant_lattice=True,
        metadata={"temperature": TEMPERATURE_K},
    )
