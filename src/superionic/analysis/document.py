"""The document of a run, from what was measured and how it was judged."""

from __future__ import annotations

from collections import Counter

import numpy as np

from superionic.analysis.distributions.density import anchored_density
from superionic.analysis.distributions.displacement_distribution import non_gaussian_parameter
from superionic.analysis.framework.radial import radial_distributions, rdf_change
from superionic.analysis.measurement import Measurement
from superionic.analysis.sections import (
    block_section,
    collective_section,
    framework_msd,
    msd_curve,
    other_mobile_section,
    spread_lags,
    van_hove_section,
    vibration_section,
)
from superionic.analysis.units import A2_PER_PS_TO_CM2_PER_S
from superionic.documents import (
    UNKNOWN,
    AnalysisSettings,
    DiffusivityDocument,
    PotentialReference,
    Provenance,
    Quality,
    RunIdentity,
)
from superionic.trajectories.trajectory import Trajectory

_DISTRIBUTION_POINTS = 30


def run_document(
    measured: Measurement,
    quality: Quality,
    settings: AnalysisSettings,
    provenance: Provenance | None = None,
) -> DiffusivityDocument:
    """All that there is to say of a run.

    Parameters
    ----------
    measured
        What was measured.
    quality
        The verdict on it.
    settings, provenance
        As for :func:`superionic.analysis.diffusivity`.
    """
    motion, estimate, on_sites = measured.motion, measured.estimate, measured.on_sites
    run, cell, positions, interval_ps = motion.trajectory, motion.cell_A, motion.mobile_A, motion.interval_ps
    isotropic, to_conductivity = measured.diffusivity_cm2_per_s, measured.conductivity_per_diffusivity
    principal, axes = np.linalg.eigh(estimate.tensor_A2_per_ps)
    msd = msd_curve(positions, interval_ps)
    distances = radial_distributions(motion)
    density = anchored_density(positions, cell, run.temperature_K, settings.density_spacing_A)
    lags = spread_lags(motion.n_frames, _DISTRIBUTION_POINTS)
    return DiffusivityDocument(
        run_id=run.run_id,
        identity=run.identity or _plain_identity(run),
        protocol=run.protocol,
        settings=settings,
        temperature_K=run.temperature_K,
        mean_temperature_K=measured.mean_temperature_K,
        equilibration_ps=run.equilibration_ps,
        analysed_length_ps=motion.length_ps,
        n_frames=motion.n_frames,
        n_mobile_ions=motion.n_mobile,
        volume_A3=motion.volume_A3,
        diffusivity_cm2_per_s=isotropic,
        diffusivity_tensor_cm2_per_s=(estimate.tensor_A2_per_ps * A2_PER_PS_TO_CM2_PER_S).tolist(),
        diffusivity_along_cell_cm2_per_s={
            name: estimate.along(vector, A2_PER_PS_TO_CM2_PER_S) for name, vector in zip("abc", cell, strict=True)
        },
        diffusivity_along_cm2_per_s={
            f"[{u} {v} {w}]": estimate.along(np.array([u, v, w]) @ cell, A2_PER_PS_TO_CM2_PER_S)
            for u, v, w in settings.directions
        },
        principal_diffusivities_cm2_per_s=tuple(principal[::-1] * A2_PER_PS_TO_CM2_PER_S),
        principal_axes=axes.T[::-1].tolist(),
        conductivity_mS_per_cm=isotropic.scaled(to_conductivity),
        fit_lag_range_ps=estimate.lag_range_ps,
        hops_per_ion=measured.hops_per_ion,
        relative_error_by_hop_count=measured.relative_error_by_hop_count,
        msd=msd,
        framework_state=measured.framework.state,
        framework_msd_A2=measured.framework.msd_A2,
        framework_msd=framework_msd(motion.framework),
        framework_rdf_change=rdf_change(distances[-1]) if measured.framework.state.is_known and distances else None,
        percolation_barrier_eV=density.percolation_barriers_eV(cell),
        density=density.to_document(motion.n_frames),
        collective=collective_section(measured.collective, to_conductivity),
        other_mobile=other_mobile_section(measured),
        sites=on_sites.sites,
        jumps=on_sites.jumps,
        framework_hops=on_sites.framework_hops,
        vibration=vibration_section(positions, interval_ps, on_sites.sites),
        blocks=block_section(motion, estimate.lag_range_ps[0]),
        van_hove_self=van_hove_section(positions, interval_ps, msd),
        radial_distributions=distances,
        non_gaussian_lag_ps=(np.array(lags) * interval_ps).tolist(),
        non_gaussian=non_gaussian_parameter(positions, lags).tolist(),
        quality=quality,
        provenance=provenance or Provenance(sources=run.sources),
    )


def _plain_identity(run: Trajectory) -> RunIdentity:
    counts = Counter(run.species)
    return RunIdentity(
        label=run.run_id,
        formula=" ".join(f"{species}{count}" for species, count in sorted(counts.items())),
        host=UNKNOWN,
        mobile_species=run.mobile_species,
        mobile_charge_e=run.mobile_charge_e,
        other_mobile_charges_e=run.other_mobile_charges_e,
        engine=UNKNOWN,
        potential=PotentialReference(family=UNKNOWN, model=UNKNOWN),
    )
