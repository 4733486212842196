"""A run seen through the host's named sites: occupation, jumps, and hops of framework cations."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from superionic.analysis.assignment import assign, distance_statistics, voxel_index
from superionic.analysis.diffusion import DiffusionEstimate
from superionic.analysis.jumps import analyse_jumps, analyse_sites, count_pairs
from superionic.analysis.motion import Motion
from superionic.analysis.placement import Placement, place_host
from superionic.analysis.sites import host_sites, without_passages
from superionic.documents import JumpAnalysis, JumpCount, SiteAnalysis
from superionic.structures.host import Host

Floats = NDArray[np.float64]

RADIUS_PER_AMPLITUDE = 2.0


@dataclass(frozen=True)
class OnSites:
    """What the sites tell; empty without a host."""

    sites: SiteAnalysis | None = None
    jumps: JumpAnalysis | None = None
    framework_hops: dict[str, list[JumpCount]] = field(default_factory=dict)


def analyse_on_sites(
    host: Host,
    motion: Motion,
    tracer: DiffusionEstimate,
    radii_A: dict[str, float] | None = None,
) -> OnSites:
    """Assign the ions of a run to the sites of its host.

    Parameters
    ----------
    host
        The host of the run.
    motion
        The run.
    tracer
        Their tracer diffusivity.
    radii_A
        Radius of each label in Å; by default twice its vibration amplitude, cut so that no two sites overlap.

    Raises
    ------
    InputError
        If the run is not one of this host, or given radii overlap.
    """
    trajectory, positions_A = motion.trajectory, motion.mobile_A
    n_frames, n_ions, _ = positions_A.shape
    interval = trajectory.frame_interval_ps
    placement = place_host(host, trajectory)
    sites = host_sites(host, trajectory, placement=placement)
    index = voxel_index(sites)
    distances = distance_statistics(positions_A, sites, index)
    amplitudes = distances.vibration_amplitudes_A(sites)
    wanted = sites.capped_radii({label: RADIUS_PER_AMPLITUDE * a for label, a in amplitudes.items()})
    radii = sites.check_radii(radii_A or wanted)
    jumps = assign(positions_A, sites, radii, index)
    return OnSites(
        sites=analyse_sites(sites, jumps, distances, radii, n_ions, n_frames, interval),
        jumps=analyse_jumps(sites, jumps, n_ions, n_frames, interval, tracer),
        framework_hops=_framework_hops(motion, host, placement),
    )


def _framework_hops(motion: Motion, host: Host, placement: Placement) -> dict[str, list[JumpCount]]:
    """Hops of each framework cation between the sites that it may occupy."""
    hops, trajectory = {}, motion.trajectory
    for species in sorted(set(trajectory.species) - {trajectory.mobile_species, *host.anion_species}):
        if not any(species in site.allowed_species for site in host.sites):
            continue
        sites = without_passages(host_sites(host, trajectory, species, placement))
        atoms = np.flatnonzero(np.asarray(trajectory.species) == species)
        index = voxel_index(sites)
        radius = np.minimum(1.0, 0.5 * sites.label_distances_A.min(axis=1))
        jumps = assign(motion.of(atoms), sites, radius, index)
        hops[species] = [pair for pair in count_pairs(sites, jumps, trajectory.frame_interval_ps) if pair.count]
    return hops
