"""Structure of a run in blocks of time: radial distributions, site occupation, mean volume."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from superionic.analysis.distributions.rdf import radial_distribution
from superionic.analysis.equilibration import settled
from superionic.analysis.frames import first_analysed_frame, mean_cell
from superionic.analysis.framework.integrity import main_framework_species
from superionic.analysis.motion import Motion, read_motion
from superionic.analysis.sites.assignment import assign, voxel_index
from superionic.analysis.sites.on_sites import visit_sites
from superionic.analysis.spectral.blocks import autocorrelation_time
from superionic.documents.estimate import Estimate
from superionic.errors import InputError
from superionic.structures.host import Host
from superionic.trajectories.trajectory import Trajectory
from superionic.validation.ratios import normal_estimate

Floats = NDArray[np.float64]
Pair = tuple[str, str]

N_BLOCKS = 5
"""Blocks that every run is cut into; more would be shorter than what the ions remember."""
_FRAMES_PER_BLOCK = 100
BIN_A = 0.05


@dataclass(frozen=True)
class Structure:
    """Structure of one run.

    Attributes
    ----------
    r_A, radial
        For every pair of species, distances in Å and g(r) in each block, shapes (n_bins,) and (n_blocks, n_bins).
    sites, shares
        Labels of the host's sites, and share of the mobile ions on sites of each label in each block, shape
        (n_blocks, n_labels); empty without a host.
    """

    r_A: dict[Pair, Floats] = field(default_factory=dict)
    radial: dict[Pair, Floats] = field(default_factory=dict)
    sites: list[str] = field(default_factory=list)
    shares: Floats | None = None


def structure_of_run(trajectory: Trajectory, host: Host | None, radii_A: dict[str, float] | None = None) -> Structure:
    """Structure of a run at constant volume.

    Parameters
    ----------
    trajectory
        The run; analysis starts where it does for D.
    host
        Its crystal with named sites; None leaves out their occupation, as does a run that does not fit its host.
    radii_A
        Radius of each label in Å; by default as for the analysis.

    Raises
    ------
    InputError
        If the run is too short to be cut into blocks of two frames.
    """
    trajectory, _ = settled(trajectory)
    motion, _ = read_motion(trajectory)
    if motion.n_frames < 2 * N_BLOCKS:
        raise InputError(f"run {trajectory.run_id} has {motion.n_frames} analysed frames: {2 * N_BLOCKS} are needed")
    r_A, radial = {}, {}
    for pair in _pairs(motion):
        found = [radial_distribution(block, *pair, bin_A=BIN_A, n_frames=_FRAMES_PER_BLOCK) for block in _parts(motion)]
        shortest = min(len(g) for _, g in found)  # in a cell that changes, so does the longest distance
        r_A[pair] = found[0][0][:shortest]
        radial[pair] = np.array([g[:shortest] for _, g in found])
    sites, shares = _shares(motion, host, radii_A)
    return Structure(r_A, radial, sites, shares)


def _pairs(motion: Motion) -> list[Pair]:
    """Mobile ions about every species, and the main framework species about itself."""
    run = motion.trajectory
    mobile, main = run.mobile_species, main_framework_species(motion)
    pairs = [(mobile, other) for other in sorted(set(run.species))] + ([(main, main)] if main else [])
    return [pair for pair in pairs if pair[0] != pair[1] or run.species.count(pair[0]) > 1]


def _borders(motion: Motion) -> Iterator[slice]:
    """Frames of each block, counted from the first analysed one."""
    cuts = np.linspace(0, motion.n_frames, N_BLOCKS + 1).astype(int)
    return (slice(start, stop) for start, stop in pairwise(cuts.tolist()))


def _parts(motion: Motion) -> Iterator[Trajectory]:
    run, first = motion.trajectory, motion.first_frame
    for block in _borders(motion):
        frames = slice(first + block.start, first + block.stop)
        yield replace(
            run,
            positions_A=run.positions_A[frames],
            cell_A=run.cell_A[frames] if run.cell_A.ndim == 3 else run.cell_A,
            equilibration_ps=0.0,
            temperatures_K=None,
            potential_energies_eV=None,
            conserved_energies_eV=None,
        )


def _shares(motion: Motion, host: Host | None, radii_A: dict[str, float] | None) -> tuple[list[str], Floats | None]:
    if host is None:
        return [], None
    try:
        visits = visit_sites(host, motion, radii_A)
    except InputError:  # its framework no longer fits the host: the check of the framework says so
        return [], None
    sites, index = visits.sites, voxel_index(visits.sites)
    positions = np.asarray(motion.mobile_A)
    resting = [n for n, first in enumerate(sites.first_of_name) if not sites.passage[first]]
    shares = []
    for block in _borders(motion):
        on_site = assign(positions[block], sites, visits.radii_A, index).frames_on_site
        by_label = np.bincount(sites.label_index, on_site, minlength=len(sites.names))[resting]
        shares.append(by_label / max(by_label.sum(), 1))
    return [sites.names[n] for n in resting], np.array(shares)


@dataclass(frozen=True)
class VolumeOfRun:
    """Mean cell of a run at constant pressure: volume in Å^3/atom with its error, and mean cell vectors in Å."""

    volume_A3_per_atom: Estimate
    cell_A: Floats


def volume_of_run(trajectory: Trajectory) -> VolumeOfRun:
    """Mean volume after equilibration, with the error that its autocorrelation leaves.

    Raises
    ------
    InputError
        If the cell never changes, as it must at constant pressure.
    """
    if trajectory.cell_A.ndim == 2:
        raise InputError(f"run {trajectory.run_id} has a cell that never changes: give a run at constant pressure")
    series = trajectory.volumes_A3[first_analysed_frame(trajectory) :] / trajectory.n_atoms
    independent = len(series) / (2 * autocorrelation_time(series))
    error = float(series.std() / np.sqrt(max(independent - 1, 1)))
    estimate = normal_estimate(float(series.mean()), error, max(int(independent), 2))
    return VolumeOfRun(estimate, mean_cell(trajectory))


def pooled(structures: Sequence[Structure]) -> Structure:
    """Blocks of several runs of one potential at one temperature taken together.

    What only some of them have is left out.
    """
    first, *others = structures
    r_A, radial = {}, {}
    for pair, blocks in first.radial.items():
        if all(pair in other.radial for other in others):
            bins = min(len(s.r_A[pair]) for s in structures)
            r_A[pair] = first.r_A[pair][:bins]
            radial[pair] = np.concatenate([blocks[:, :bins], *(other.radial[pair][:, :bins] for other in others)])
    shares = [s.shares for s in structures if s.shares is not None and s.sites == first.sites]
    complete = len(shares) == len(structures)
    return Structure(r_A, radial, first.sites if complete else [], np.concatenate(shares) if complete else None)


def pair_shares(g: Floats, r_A: Floats, pairs: float) -> Floats:
    """Share of the pairs within range that are in each bin of the distance, of each block, shape as `g`.

    Parameters
    ----------
    g, r_A
        Radial distribution in each block, and distances in Å.
    pairs
        Sum of g r^2 over the bins of the mean that shares are counted of.
    """
    return g * r_A**2 / pairs
