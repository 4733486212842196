"""From a trajectory to its document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from superionic.analysis import quality
from superionic.analysis.conductivity import A2_PER_PS_TO_CM2_PER_S, nernst_einstein_mS_per_cm
from superionic.analysis.distributions.density import anchored_density
from superionic.analysis.distributions.displacement_distribution import non_gaussian_parameter
from superionic.analysis.equilibration import settled
from superionic.analysis.frames import mean_cell
from superionic.analysis.framework.integrity import (
    framework_integrity,
    framework_sample,
    radial_distributions,
    rdf_change,
)
from superionic.analysis.memory import default_memory_bytes
from superionic.analysis.motion import Motion, read_motion
from superionic.analysis.sections import (
    block_section,
    collective_section,
    framework_msd,
    msd_curve,
    scaled,
    spread_lags,
    van_hove_section,
    vibration_section,
)
from superionic.analysis.sites.on_sites import OnSites, SiteVisits, analyse_on_sites, visit_sites
from superionic.analysis.spectral.diffusion import HOP_LENGTH_A, estimate_diffusion
from superionic.documents import (
    Check,
    DiffusivityDocument,
    PotentialReference,
    Provenance,
    Quality,
    RunIdentity,
)
from superionic.errors import InputError
from superionic.structures.host import Host
from superionic.trajectories.trajectory import Trajectory

_DISTRIBUTION_POINTS = 30


def diffusivity(
    trajectory: Trajectory,
    host: Host | None = None,
    *,
    provenance: Provenance | None = None,
    hop_length_A: float = HOP_LENGTH_A,
    radii_A: dict[str, float] | None = None,
    directions: Sequence[tuple[int, int, int]] = (),
    memory_GB: float | None = None,
) -> DiffusivityDocument:
    """Analyse one run.

    Parameters
    ----------
    trajectory
        The run, stored or from plain arrays.
    host
        Crystal with named sites; None leaves out what needs them.
    provenance
        Sources and software; by default the sources that the trajectory names.
    hop_length_A
        Typical length of a hop in Å: sets the effective number of hops, and the upper limit on D if none is seen.
    radii_A
        Radius of each site label in Å; by default twice its vibration amplitude, cut so that no two sites overlap.
    directions
        Crystal directions [u v w] of the run's cell along which to give D, besides a, b and c.
    memory_GB
        What the positions of the mobile ions and work on them may take, in GB of 10^9 bytes; those of a run that needs
        more go to a temporary file (in TMPDIR) and are read from it a group of ions at a time, with the same results.
        A quarter of the free memory by default.

    Raises
    ------
    InputError
        If the run cannot be analysed at all (too few frames, wrapped or missing positions), or an option makes no
        sense.
    StoreError
        If a stored chunk of the run fails its checksum.
    """
    for direction in directions:
        if not any(direction):
            raise InputError(f"directions holds {direction}: give crystal directions [u v w] that are not zero")
    if not (np.isfinite(hop_length_A) and hop_length_A > 0):
        raise InputError(f"hop_length_A = {hop_length_A} is not positive: give the length of a hop in Å")
    trajectory, settled_checks = settled(trajectory)
    motion, sums = read_motion(trajectory, default_memory_bytes() if memory_GB is None else 1e9 * memory_GB)
    positions = motion.mobile_A
    interval = trajectory.frame_interval_ps
    n_frames, n_mobile, _ = positions.shape
    visits, site_checks = _visits(host, motion, radii_A)
    estimate = estimate_diffusion(
        positions, interval, hop_length_A=hop_length_A, hop_network=visits.network(motion) if visits else None
    )
    isotropic = estimate.isotropic(A2_PER_PS_TO_CM2_PER_S)
    cell = mean_cell(trajectory)
    volume = float(abs(np.linalg.det(cell)))
    to_conductivity = nernst_einstein_mS_per_cm(trajectory.mobile_charge_e, n_mobile, volume, trajectory.temperature_K)
    length_ps = (n_frames - 1) * interval
    hops_per_ion = 6 * isotropic.value / A2_PER_PS_TO_CM2_PER_S * length_ps / hop_length_A**2
    by_hop_count = quality.relative_error_by_hop_count(hops_per_ion * n_mobile)
    collective = collective_section(sums, trajectory, estimate, to_conductivity)
    del sums
    framework = framework_sample(motion)
    integrity = framework_integrity(trajectory, framework)
    distances = radial_distributions(trajectory)
    judged = integrity.state in {"intact", "hopping", "melted"}
    principal, axes = np.linalg.eigh(estimate.tensor_A2_per_ps)
    onsite = analyse_on_sites(visits, motion, estimate) if visits else OnSites()
    density = anchored_density(positions, cell, trajectory.temperature_K)
    lags = spread_lags(n_frames, _DISTRIBUTION_POINTS)
    msd = msd_curve(positions, interval)
    checks = [
        quality.hops_check(hops_per_ion, hop_length_A),
        quality.error_check(isotropic),
        quality.hop_count_check(by_hop_count),
        quality.linear_check(estimate),
        integrity.check(),
        quality.temperature_check(trajectory),
        *settled_checks,
        *site_checks,
    ]
    return DiffusivityDocument(
        run_id=trajectory.run_id,
        identity=trajectory.identity or _plain_identity(trajectory),
        protocol=trajectory.protocol,
        temperature_K=trajectory.temperature_K,
        mean_temperature_K=quality.mean_temperature_K(trajectory),
        equilibration_ps=trajectory.equilibration_ps,
        analysed_length_ps=length_ps,
        n_frames=n_frames,
        n_mobile_ions=n_mobile,
        volume_A3=volume,
        diffusivity_cm2_per_s=isotropic,
        diffusivity_tensor_cm2_per_s=(estimate.tensor_A2_per_ps * A2_PER_PS_TO_CM2_PER_S).tolist(),
        diffusivity_along_cell_cm2_per_s={
            name: estimate.along(vector, A2_PER_PS_TO_CM2_PER_S) for name, vector in zip("abc", cell, strict=True)
        },
        diffusivity_along_cm2_per_s={
            f"[{u} {v} {w}]": estimate.along(np.array([u, v, w]) @ cell, A2_PER_PS_TO_CM2_PER_S)
            for u, v, w in directions
        },
        principal_diffusivities_cm2_per_s=tuple(principal[::-1] * A2_PER_PS_TO_CM2_PER_S),
        principal_axes=axes.T[::-1].tolist(),
        conductivity_mS_per_cm=scaled(isotropic, to_conductivity),
        fit_lag_range_ps=estimate.lag_range_ps,
        msd=msd,
        framework_msd_A2=integrity.msd_A2,
        framework_msd=framework_msd(framework),
        framework_rdf_change=rdf_change(distances[-1]) if judged and distances else None,
        hops_per_ion=hops_per_ion,
        relative_error_by_hop_count=by_hop_count,
        framework_state=integrity.state,
        percolation_barrier_eV=density.percolation_barriers_eV(cell),
        density=density.to_document(n_frames),
        collective=collective,
        sites=onsite.sites,
        jumps=onsite.jumps,
        framework_hops=onsite.framework_hops,
        vibration=vibration_section(positions, interval, onsite.sites),
        blocks=block_section(motion, estimate.lag_range_ps[0]),
        van_hove_self=van_hove_section(positions, interval, msd),
        radial_distributions=distances,
        non_gaussian_lag_ps=(np.array(lags) * interval).tolist(),
        non_gaussian=non_gaussian_parameter(positions, lags).tolist(),
        quality=Quality.from_checks(checks),
        provenance=provenance or Provenance(sources=trajectory.sources),
    )


def _visits(
    host: Host | None, motion: Motion, radii_A: dict[str, float] | None
) -> tuple[SiteVisits | None, list[Check]]:
    """Where the ions were; a run whose framework no longer fits its host keeps its D and says so."""
    if host is None:
        return None, []
    try:
        return visit_sites(host, motion, radii_A), []
    except InputError as error:
        if radii_A is not None:
            raise
        return None, [Check(name="sites of the host", passed=False, reason=str(error))]


def _plain_identity(trajectory: Trajectory) -> RunIdentity:
    counts = Counter(trajectory.species)
    unknown = PotentialReference(family="unknown", model="unknown")
    return RunIdentity(
        label=trajectory.run_id,
        formula=" ".join(f"{species}{count}" for species, count in sorted(counts.items())),
        host="unknown",
        mobile_species=trajectory.mobile_species,
        mobile_charge_e=trajectory.mobile_charge_e,
        engine="unknown",
        potential=unknown,
    )
