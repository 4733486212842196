"""Sections of a run's document that stand for themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from superionic.analysis.conductivity import nernst_einstein_mS_per_cm
from superionic.analysis.distributions.displacement import mean_squared_displacement
from superionic.analysis.distributions.displacement_distribution import van_hove_self
from superionic.analysis.distributions.vibration import attempt_frequency_THz
from superionic.analysis.ion_groups import Positions
from superionic.analysis.measurement import Measurement
from superionic.analysis.motion import FrameworkSample, Motion
from superionic.analysis.spectral.blocks import (
    autocorrelation_time,
    block_bootstrap_error,
    decorrelated_frames,
    squared_displacement_series,
)
from superionic.analysis.spectral.collective import CollectiveEstimate
from superionic.analysis.units import A2_PER_PS_TO_CM2_PER_S
from superionic.documents import (
    BlockAnalysis,
    CollectiveTransport,
    MobileSpeciesTransport,
    MSDCurve,
    SiteAnalysis,
    VanHoveSelf,
    Vibration,
)
from superionic.errors import InputError

Floats = NDArray[np.float64]

_MSD_LAGS, _FRAMEWORK_LAGS = 200, 50
_VAN_HOVE_LAGS, _VAN_HOVE_BINS, _VAN_HOVE_REACH = 6, 60, 3.0


def spread_lags(n_frames: int, n_lags: int) -> list[int]:
    """Lags from one frame to the whole run, evenly in their logarithm."""
    return [int(lag) for lag in np.unique(np.geomspace(1, n_frames - 1, n_lags).round())]


def msd_curve(positions_A: Positions, frame_interval_ps: float, n_lags: int = _MSD_LAGS) -> MSDCurve:
    """Mean squared displacement at lags spread over the run."""
    lags = spread_lags(len(positions_A), n_lags)
    tensor = mean_squared_displacement(positions_A, lags)
    msd = np.trace(tensor, axis1=1, axis2=2)
    return MSDCurve(
        lag_ps=(np.array(lags) * frame_interval_ps).tolist(), msd_A2=msd.tolist(), tensor_A2=tensor.tolist()
    )


def framework_msd(framework: FrameworkSample) -> dict[str, MSDCurve]:
    """Mean squared displacement of every species that is not mobile, from some frames."""
    names = framework.all_species
    return {
        str(name): msd_curve(framework.all_positions_A[:, names == name], framework.interval_ps, _FRAMEWORK_LAGS)
        for name in sorted(set(names.tolist()))
    }


def van_hove_section(positions_A: Positions, frame_interval_ps: float, msd: MSDCurve) -> VanHoveSelf:
    """Lengths of displacements at a few lags, up to three times the rms displacement over half the run."""
    lags = spread_lags(max(len(positions_A) // 2, 2), _VAN_HOVE_LAGS)
    rms = float(np.sqrt(max(np.interp(lags[-1] * frame_interval_ps, msd.lag_ps, msd.msd_A2), 0.0)))
    edges = np.linspace(0.0, max(_VAN_HOVE_REACH * rms, 1.0), _VAN_HOVE_BINS + 1)
    density = van_hove_self(positions_A, lags, edges)
    return VanHoveSelf(
        lag_ps=(np.array(lags) * frame_interval_ps).tolist(), edge_A=edges.tolist(), density_per_A=density.tolist()
    )


def collective_section(found: CollectiveEstimate, to_conductivity: float) -> CollectiveTransport:
    """Charge diffusivity, Haven ratio and Onsager matrix; `to_conductivity` in mS/cm per cm^2/s."""
    charge = found.charge_diffusivity.scaled(A2_PER_PS_TO_CM2_PER_S)
    return CollectiveTransport(
        charge_diffusivity_cm2_per_s=charge,
        conductivity_mS_per_cm=charge.scaled(to_conductivity),
        total_conductivity_mS_per_cm=None
        if found.all_mobile is None
        else found.all_mobile.scaled(A2_PER_PS_TO_CM2_PER_S * to_conductivity),
        haven_ratio=found.haven_ratio,
        onsager_species=found.species,
        onsager_A2_per_ps=found.onsager.tolist(),
        onsager_standard_error_A2_per_ps=found.onsager_error.tolist(),
    )


def other_mobile_section(measured: Measurement) -> list[MobileSpeciesTransport]:
    """Diffusivity of each further mobile ion."""
    motion = measured.motion
    sections = []
    for species, charge_e in motion.trajectory.other_mobile_charges_e.items():
        found = measured.others[species]
        positions = motion.of(np.flatnonzero(np.asarray(motion.trajectory.species) == species))
        isotropic, n_ions = found.isotropic(A2_PER_PS_TO_CM2_PER_S), positions.shape[1]
        to_conductivity = nernst_einstein_mS_per_cm(charge_e, n_ions, motion.volume_A3, motion.trajectory.temperature_K)
        sections.append(
            MobileSpeciesTransport(
                species=species,
                charge_e=charge_e,
                n_ions=n_ions,
                diffusivity_cm2_per_s=isotropic,
                diffusivity_tensor_cm2_per_s=(found.tensor_A2_per_ps * A2_PER_PS_TO_CM2_PER_S).tolist(),
                conductivity_mS_per_cm=isotropic.scaled(to_conductivity),
                hops_per_ion=measured.effective_hops(isotropic),
                msd=msd_curve(positions, motion.interval_ps),
            )
        )
    return sections


def vibration_section(positions_A: Positions, frame_interval_ps: float, sites: SiteAnalysis | None) -> Vibration:
    """Amplitude about the sites, and attempt frequency or why there is none."""
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


def block_section(motion: Motion, lag_ps: float) -> BlockAnalysis:
    """Error of the mean squared displacement at one lag against block length, and frames that are independent."""
    positions, interval = motion.mobile_A, motion.interval_ps
    lag = int(np.clip(round(lag_ps / interval), 1, len(positions) // 2))
    series = squared_displacement_series(positions, lag)
    lengths = np.unique(np.geomspace(1, max(len(series) // 4, 1), 20).round().astype(int))
    return BlockAnalysis(
        lag_ps=lag * interval,
        block_ps=(lengths * interval).tolist(),
        standard_error_A2=[block_bootstrap_error(series, int(length)) for length in lengths],
        autocorrelation_time_ps=autocorrelation_time(series) * interval,
        decorrelated_frames=(motion.first_frame + decorrelated_frames(series)).tolist(),
    )
