"""A run seen through the host's named sites: occupation, jumps, and hops of framework cations."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from superionic.analysis.motion import Motion
from superionic.analysis.sites.assignment import (
    BIN_A,
    Assignment,
    DistanceStatistics,
    assign,
    distance_statistics,
    voxel_index,
)
from superionic.analysis.sites.hop_network import hop_network
from superionic.analysis.sites.jumps import analyse_jumps, count_pairs
from superionic.analysis.sites.placement import Placement, place_host
from superionic.analysis.sites.sites import Sites, sites_in_cell, without_passages
from superionic.analysis.spectral.diffusion import DiffusionEstimate
from superionic.analysis.spectral.hop_memory import HopNetwork
from superionic.documents import JumpAnalysis, JumpCount, SiteAnalysis, SiteStatistics
from superionic.structures.host import Host

Floats = NDArray[np.float64]

RADIUS_PER_AMPLITUDE = 2.0
_CAPTURE_RADII_A = np.round(np.arange(0.1, 2.01, 0.05), 2)


@dataclass(frozen=True)
class SiteVisits:
    """The host's sites in a run, and what its mobile ions did there.

    Attributes
    ----------
    host, placement
        The crystal, and how it lies in the run.
    sites, radii_A
        Its sites in the cell of the run, and the radius of each label in the order of `sites.names`.
    distances, jumps
        How far from the sites the ions were, and what they did.
    """

    host: Host
    placement: Placement
    sites: Sites
    radii_A: Floats
    distances: DistanceStatistics
    jumps: Assignment

    def network(self, motion: Motion) -> HopNetwork | None:
        """The hops of the mobile ions as a network; None if none were seen, or too many were not."""
        size = motion.mobile_A.shape, motion.interval_ps
        return hop_network(self.host, self.placement, self.sites, self.jumps, *size)


@dataclass(frozen=True)
class OnSites:
    """What the sites tell; empty without a host, or where they are not those of the run.

    Attributes
    ----------
    sites, jumps
        Occupation, and jumps of the mobile ions.
    framework_hops
        Hops of each framework cation.
    refused
        Why the host's sites are not those of the run.
    """

    sites: SiteAnalysis | None = None
    jumps: JumpAnalysis | None = None
    framework_hops: dict[str, list[JumpCount]] = field(default_factory=dict)
    refused: str | None = None


def visit_sites(host: Host, motion: Motion, radii_A: dict[str, float] | None = None) -> SiteVisits:
    """Assign the mobile ions of a run to the sites of its host.

    Parameters
    ----------
    host
        The host of the run.
    motion
        The run.
    radii_A
        Radius of each label in Å; by default twice its vibration amplitude, cut so that no two sites overlap.

    Raises
    ------
    InputError
        If the run is not one of this host, or given radii overlap.
    """
    placement = place_host(host, motion.trajectory)
    sites = sites_in_cell(host, motion.cell_A, motion.trajectory.mobile_species, placement)
    index = voxel_index(sites)
    distances = distance_statistics(motion.mobile_A, sites, index)
    radii = sites.check_radii(radii_A) if radii_A else usual_radii_A(sites, distances)
    return SiteVisits(host, placement, sites, radii, distances, assign(motion.mobile_A, sites, radii, index))


def usual_radii_A(sites: Sites, distances: DistanceStatistics) -> Floats:
    """Twice the vibration amplitude of each label in the order of `sites.names`, cut so that no two sites overlap."""
    amplitudes = distances.vibration_amplitudes_A(sites)
    return sites.check_radii(
        sites.capped_radii({label: RADIUS_PER_AMPLITUDE * amplitude for label, amplitude in amplitudes.items()})
    )


def analyse_on_sites(visits: SiteVisits, motion: Motion, tracer: DiffusionEstimate) -> OnSites:
    """Occupation and jumps of the mobile ions, and the hops of framework cations.

    Parameters
    ----------
    visits, motion
        The run.
    tracer
        Tracer diffusivity of the mobile ions.
    """
    size = motion.n_mobile, motion.n_frames, motion.interval_ps
    return OnSites(
        sites=_occupation(visits, motion),
        jumps=analyse_jumps(visits.sites, visits.jumps, *size, tracer),
        framework_hops=_framework_hops(motion, visits.host, visits.placement),
    )


def _occupation(visits: SiteVisits, motion: Motion) -> SiteAnalysis:
    """Occupation, residence and captured share per label and layer."""
    sites, jumps, distances = visits.sites, visits.jumps, visits.distances
    amplitudes = distances.vibration_amplitudes_A(sites)
    departures = np.bincount(sites.label_index[jumps.source], minlength=len(sites.names))
    statistics = []
    for n, (name, first) in enumerate(zip(sites.names, sites.first_of_name, strict=True)):
        own = sites.label_index == n
        passage = bool(sites.passage[first])
        frames = (jumps.frames_within if passage else jumps.frames_on_site)[own].sum()
        statistics.append(
            SiteStatistics(
                label=name,
                layer=sites.layers[first],
                passage=passage,
                n_sites=int(own.sum()),
                vibration_amplitude_A=amplitudes[name],
                radius_A=float(visits.radii_A[n]),
                occupation=float(frames / own.sum() / motion.n_frames),
                residence_time_ps=float(frames * motion.interval_ps / departures[n]) if departures[n] else None,
            )
        )
    ion_frames = motion.n_mobile * motion.n_frames
    return SiteAnalysis(
        sites=statistics,
        ions_per_layer={
            layer: float(jumps.frames_on_site[sites.layer_names == layer].sum() / ion_frames)
            for layer in dict.fromkeys(sites.layer_names[~sites.passage].tolist())
        },
        captured=distances.captured(visits.radii_A),
        capture_radius_A=_CAPTURE_RADII_A.tolist(),
        capture_share=[distances.captured(float(np.round(r / BIN_A) * BIN_A)) for r in _CAPTURE_RADII_A],
    )


def _framework_hops(motion: Motion, host: Host, placement: Placement) -> dict[str, list[JumpCount]]:
    """Hops of each framework cation between the sites that it may occupy."""
    hops, trajectory = {}, motion.trajectory
    for species in sorted(set(trajectory.species) - {*trajectory.mobile_charges_e, *host.anion_species}):
        if not any(species in site.allowed_species for site in host.sites):
            continue
        sites = without_passages(sites_in_cell(host, motion.cell_A, species, placement))
        atoms = np.flatnonzero(np.asarray(trajectory.species) == species)
        index = voxel_index(sites)
        radius = np.minimum(1.0, 0.5 * sites.label_distances_A.min(axis=1))
        jumps = assign(motion.of(atoms), sites, radius, index)
        hops[species] = [pair for pair in count_pairs(sites, jumps, motion.interval_ps) if pair.count]
    return hops
