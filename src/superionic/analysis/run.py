"""From a trajectory to its document."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from superionic.analysis import quality
from superionic.analysis.blocks import autocorrelation_time, block_bootstrap_error, squared_displacement_series
from superionic.analysis.collective import estimate_collective
from superionic.analysis.conductivity import A2_PER_PS_TO_CM2_PER_S, nernst_einstein_mS_per_cm
from superionic.analysis.density import density_of
from superionic.analysis.diffusion import HOP_LENGTH_A, DiffusionEstimate, estimate_diffusion
from superionic.analysis.displacement import analysed_positions, mean_cell, mean_squared_displacement, species_sums
from superionic.analysis.displacement_distribution import non_gaussian_parameter
from superionic.analysis.integrity import framework_integrity
from superionic.analysis.on_sites import OnSites, analyse_on_sites
from superionic.analysis.vibration import attempt_frequency_THz
from superionic.documents import (
    BlockAnalysis,
    Check,
    CollectiveTransport,
    DiffusivityDocument,
    Estimate,
    MSDCurve,
    PotentialReference,
    Provenance,
    Quality,
    RunIdentity,
    SiteAnalysis,
    Vibration,
)
from superionic.errors import InputError
from superionic.structures.host import Host
from superionic.trajectories.trajectory import Trajectory

Floats = NDArray[np.float64]

_CURVE_POINTS = 200
_DISTRIBUTION_POINTS = 30
_RESOLUTION_A, _VOXELS = 0.3, 1_000_000


def diffusivity(
    trajectory: Trajectory,
    host: Host | None = None,
    *,
    provenance: Provenance | None = None,
    hop_length_A: float = HOP_LENGTH_A,
    radii_A: dict[str, float] | None = None,
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

    Raises
    ------
    InputError
        If the run cannot be analysed at all: too few frames, wrapped or missing positions.
    """
    positions = analysed_positions(trajectory, trajectory.mobile)
    interval = trajectory.frame_interval_ps
    n_frames, n_mobile, _ = positions.shape
    estimate = estimate_diffusion(positions, interval, hop_length_A=hop_length_A)
    isotropic = estimate.isotropic(A2_PER_PS_TO_CM2_PER_S)
    cell = mean_cell(trajectory)
    volume = float(abs(np.linalg.det(cell)))
    to_conductivity = nernst_einstein_mS_per_cm(trajectory.mobile_charge_e, n_mobile, volume, trajectory.temperature_K)
    length_ps = (n_frames - 1) * interval
    hops_per_ion = 6 * isotropic.value / A2_PER_PS_TO_CM2_PER_S * length_ps / hop_length_A**2
    by_hop_count = quality.relative_error_by_hop_count(hops_per_ion * n_mobile)
    integrity = framework_integrity(trajectory)
    principal, axes = np.linalg.eigh(estimate.tensor_A2_per_ps)
    onsite, site_checks = _on_sites(trajectory, host, positions, estimate, radii_A)
    lags = np.unique(np.geomspace(1, n_frames - 1, _DISTRIBUTION_POINTS).round().astype(int))
    checks = [
        quality.hops_check(hops_per_ion, hop_length_A),
        quality.error_check(isotropic),
        quality.hop_count_check(by_hop_count),
        quality.linear_check(estimate),
        integrity.check(),
        quality.temperature_check(trajectory),
        *quality.equilibration_checks(trajectory),
        *site_checks,
    ]
    return DiffusivityDocument(
        run_id=trajectory.run_id,
        identity=trajectory.identity or _plain_identity(trajectory),
        protocol=trajectory.protocol,
        temperature_K=trajectory.temperature_K,
        mean_temperature_K=quality.mean_temperature_K(trajectory),
        analysed_length_ps=length_ps,
        n_frames=n_frames,
        n_mobile_ions=n_mobile,
        volume_A3=volume,
        diffusivity_cm2_per_s=isotropic,
        diffusivity_tensor_cm2_per_s=(estimate.tensor_A2_per_ps * A2_PER_PS_TO_CM2_PER_S).tolist(),
        diffusivity_along_cell_cm2_per_s={
            name: estimate.along(vector, A2_PER_PS_TO_CM2_PER_S) for name, vector in zip("abc", cell, strict=True)
        },
        principal_diffusivities_cm2_per_s=tuple(principal[::-1] * A2_PER_PS_TO_CM2_PER_S),
        principal_axes=axes.T[::-1].tolist(),
        conductivity_mS_per_cm=scaled(isotropic, to_conductivity),
        fit_lag_range_ps=estimate.lag_range_ps,
        msd=_curve(positions, interval),
        framework_msd_A2=integrity.msd_A2,
        framework_rdf_change=integrity.rdf_change,
        hops_per_ion=hops_per_ion,
        relative_error_by_hop_count=by_hop_count,
        framework_state=integrity.state,
        percolation_barrier_eV=density_of(
            positions, cell, trajectory.temperature_K, max(_RESOLUTION_A, float(np.cbrt(volume / _VOXELS)))
        ).percolation_barriers_eV(),
        collective=_collective(trajectory, estimate, to_conductivity),
        sites=onsite.sites,
        jumps=onsite.jumps,
        framework_hops=onsite.framework_hops,
        vibration=_vibration(positions, interval, onsite.sites),
        blocks=_blocks(positions, interval, estimate.lag_range_ps[0]),
        non_gaussian_lag_ps=(lags * interval).tolist(),
        non_gaussian=non_gaussian_parameter(positions, lags.tolist()).tolist(),
        quality=Quality.from_checks(checks),
        provenance=provenance or Provenance(sources=trajectory.sources),
    )


def _on_sites(
    trajectory: Trajectory,
    host: Host | None,
    positions_A: Floats,
    tracer: DiffusionEstimate,
    radii_A: dict[str, float] | None,
) -> tuple[OnSites, list[Check]]:
    """What the sites tell; a run whose framework no longer fits its host keeps its D and says so."""
    if host is None:
        return OnSites(), []
    try:
        return analyse_on_sites(trajectory, host, positions_A, tracer, radii_A), []
    except InputError as error:
        if radii_A is not None:
            raise
        return OnSites(), [Check(name="sites of the host", passed=False, reason=str(error))]


def _collective(trajectory: Trajectory, tracer: DiffusionEstimate, to_conductivity: float) -> CollectiveTransport:
    species, sums = species_sums(trajectory)
    counts = np.array([trajectory.species.count(name) for name in species])
    mobile = species.index(trajectory.mobile_species)
    result = estimate_collective(sums, counts, mobile, trajectory.frame_interval_ps, tracer)
    charge = scaled(result.charge_diffusivity, A2_PER_PS_TO_CM2_PER_S)
    return CollectiveTransport(
        charge_diffusivity_cm2_per_s=charge,
        conductivity_mS_per_cm=scaled(charge, to_conductivity),
        haven_ratio=result.haven_ratio,
        onsager_species=species,
        onsager_A2_per_ps=result.onsager.tolist(),
        onsager_standard_error_A2_per_ps=result.onsager_error.tolist(),
    )


def _vibration(positions_A: Floats, frame_interval_ps: float, sites: SiteAnalysis | None) -> Vibration:
    amplitude = None
    if sites is not None:
        stable = [site for site in sites.sites if not site.passage]
        ions = [site.occupation * site.n_sites for site in stable]
        if sum(ions) > 0:
            squares = [site.vibration_amplitude_A**2 for site in stable]
            amplitude = float(np.sqrt(np.average(squares, weights=ions)))
    try:
        frequency = attempt_frequency_THz(positions_A, frame_interval_ps)
    except InputError as error:
        return Vibration(amplitude_A=amplitude, attempt_frequency_THz=None, reason=str(error))
    return Vibration(amplitude_A=amplitude, attempt_frequency_THz=frequency)


def _blocks(positions_A: Floats, frame_interval_ps: float, lag_ps: float) -> BlockAnalysis:
    lag = int(np.clip(round(lag_ps / frame_interval_ps), 1, len(positions_A) // 2))
    series = squared_displacement_series(positions_A, lag)
    lengths = np.unique(np.geomspace(1, max(len(series) // 4, 1), 20).round().astype(int))
    return BlockAnalysis(
        lag_ps=lag * frame_interval_ps,
        block_ps=(lengths * frame_interval_ps).tolist(),
        standard_error_A2=[block_bootstrap_error(series, int(length)) for length in lengths],
        autocorrelation_time_ps=autocorrelation_time(series) * frame_interval_ps,
    )


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """The same estimate in another unit."""
    return Estimate(
        value=estimate.value * factor,
        standard_error=estimate.standard_error * factor,
        interval_68=(estimate.interval_68[0] * factor, estimate.interval_68[1] * factor),
        interval_95=(estimate.interval_95[0] * factor, estimate.interval_95[1] * factor),
    )


def _curve(positions_A: Floats, frame_interval_ps: float) -> MSDCurve:
    msd = np.trace(mean_squared_displacement(positions_A), axis1=1, axis2=2)
    lags = np.unique(np.geomspace(1, len(msd) - 1, _CURVE_POINTS).round().astype(int))
    return MSDCurve(lag_ps=(lags * frame_interval_ps).tolist(), msd_A2=msd[lags].tolist())


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
