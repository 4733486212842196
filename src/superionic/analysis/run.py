"""From a trajectory to its document, and from documents to an Arrhenius document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from superionic.analysis import quality
from superionic.analysis.arrhenius import ArrheniusFit, fit_arrhenius
from superionic.analysis.conductivity import A2_PER_PS_TO_CM2_PER_S, nernst_einstein_mS_per_cm
from superionic.analysis.diffusion import HOP_LENGTH_A, estimate_diffusion
from superionic.analysis.displacement import analysed_positions, mean_cell, mean_squared_displacement
from superionic.analysis.integrity import framework_integrity
from superionic.documents import (
    ArrheniusDocument,
    ArrheniusPoint,
    Check,
    DiffusivityDocument,
    Estimate,
    MSDCurve,
    PotentialReference,
    Provenance,
    Quality,
    RunIdentity,
    Verdict,
)
from superionic.errors import InputError
from superionic.structures.host import Host
from superionic.trajectories.trajectory import Trajectory

_CURVE_POINTS = 200
_EXTRAPOLATION_FACTOR = 10.0


def diffusivity(
    trajectory: Trajectory,
    host: Host | None = None,  # noqa: ARG001 - sites come next
    *,
    provenance: Provenance | None = None,
    hop_length_A: float = HOP_LENGTH_A,
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

    Raises
    ------
    InputError
        If the run cannot be analysed at all: too few frames, wrapped or missing positions.
    """
    positions = analysed_positions(trajectory, trajectory.mobile)
    n_frames, n_mobile, _ = positions.shape
    estimate = estimate_diffusion(positions, trajectory.frame_interval_ps, hop_length_A=hop_length_A)
    isotropic = estimate.isotropic(A2_PER_PS_TO_CM2_PER_S)
    cell = mean_cell(trajectory)
    volume = float(abs(np.linalg.det(cell)))
    to_conductivity = nernst_einstein_mS_per_cm(trajectory.mobile_charge_e, n_mobile, volume, trajectory.temperature_K)
    length_ps = (n_frames - 1) * trajectory.frame_interval_ps
    hops_per_ion = 6 * isotropic.value / A2_PER_PS_TO_CM2_PER_S * length_ps / hop_length_A**2
    integrity = framework_integrity(trajectory)
    checks = [
        quality.hops_check(hops_per_ion, hop_length_A),
        quality.error_check(isotropic),
        quality.linear_check(estimate),
        integrity.check(),
        quality.temperature_check(trajectory),
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
        conductivity_mS_per_cm=scaled(isotropic, to_conductivity),
        fit_lag_range_ps=estimate.lag_range_ps,
        msd=_curve(positions, trajectory.frame_interval_ps),
        framework_msd_A2=integrity.msd_A2,
        hops_per_ion=hops_per_ion,
        relative_error_by_hop_count=3.43 / np.sqrt(hops_per_ion * n_mobile) + 0.04 if hops_per_ion > 0 else None,
        framework_state=integrity.state,
        quality=Quality.from_checks(checks),
        provenance=provenance or Provenance(sources=trajectory.sources),
    )


def arrhenius(
    documents: Sequence[DiffusivityDocument],
    extrapolation_temperature_K: float = 300.0,
    *,
    exclude: dict[str, str] | None = None,
    group: str | None = None,
    provenance: Provenance | None = None,
) -> ArrheniusDocument:
    """Fit the runs of one material over temperature.

    Parameters
    ----------
    documents
        One per run. Runs judged unusable and runs without diffusion are kept out, with the reason.
    extrapolation_temperature_K
        Where D and the conductivity are extrapolated to, in K.
    exclude
        run_id -> reason of runs to keep out.
    group
        Key of the group; made from the first identity by default.
    provenance
        Sources and software.

    Raises
    ------
    InputError
        If there is no document, or the extrapolation temperature is not positive.
    """
    if not documents:
        raise InputError("documents is empty: give at least one diffusivity document")
    if not extrapolation_temperature_K > 0:
        raise InputError(f"extrapolation_temperature_K = {extrapolation_temperature_K} is not positive: give it in K")
    points = [_point(document, exclude or {}) for document in documents]
    used = [document for document, point in zip(documents, points, strict=True) if not point.excluded]
    fit = None
    if len({document.temperature_K for document in used}) >= 2:
        fit = fit_arrhenius([d.temperature_K for d in used], [d.diffusivity_cm2_per_s for d in used])
    identity = documents[0].identity
    extrapolated = fit.diffusivity(extrapolation_temperature_K) if fit else None
    conductivity = None
    if extrapolated is not None:
        density = float(np.mean([d.n_mobile_ions / d.volume_A3 for d in used]))
        conductivity = scaled(
            extrapolated,
            nernst_einstein_mS_per_cm(identity.mobile_charge_e, 1, 1 / density, extrapolation_temperature_K),
        )
    return ArrheniusDocument(
        group=group or "/".join([identity.label, identity.engine, identity.potential.model, identity.study or "-"]),
        identity=identity,
        points=points,
        n_points=len(used),
        activation_energy_eV=fit.activation_energy() if fit else None,
        prefactor_cm2_per_s=fit.prefactor() if fit else None,
        chi_squared_reduced=fit.chi_squared / fit.degrees_of_freedom if fit and fit.degrees_of_freedom else None,
        extrapolation_temperature_K=extrapolation_temperature_K,
        extrapolated_diffusivity_cm2_per_s=extrapolated,
        extrapolated_conductivity_mS_per_cm=conductivity,
        quality=Quality.from_checks(_arrhenius_checks(used, points, fit, extrapolated)),
        provenance=provenance or Provenance(sources=[s for d in documents for s in d.provenance.sources]),
    )


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """The same estimate in another unit."""
    return Estimate(
        value=estimate.value * factor,
        standard_error=estimate.standard_error * factor,
        interval_68=(estimate.interval_68[0] * factor, estimate.interval_68[1] * factor),
        interval_95=(estimate.interval_95[0] * factor, estimate.interval_95[1] * factor),
    )


def _point(document: DiffusivityDocument, exclude: dict[str, str]) -> ArrheniusPoint:
    reason = exclude.get(document.run_id)
    if reason is None and document.quality.verdict == Verdict.UNUSABLE:
        reason = "; ".join(check.reason for check in document.quality.checks if check.fatal and not check.passed)
    if reason is None and document.diffusivity_cm2_per_s.value <= 0:
        reason = "no diffusion was seen: D is an upper limit"
    return ArrheniusPoint(
        run_id=document.run_id,
        temperature_K=document.temperature_K,
        diffusivity_cm2_per_s=document.diffusivity_cm2_per_s,
        excluded=reason is not None,
        reason=reason,
    )


def _arrhenius_checks(
    used: list[DiffusivityDocument],
    points: list[ArrheniusPoint],
    fit: ArrheniusFit | None,
    extrapolated: Estimate | None,
) -> list[Check]:
    temperatures = sorted({document.temperature_K for document in used})
    poor = sum(document.quality.verdict != Verdict.SUFFICIENT for document in used)
    checks = [
        Check(
            name="temperatures",
            passed=len(temperatures) >= 3,
            fatal=len(temperatures) < 2,
            value=len(temperatures),
            threshold=3,
            reason=f"the fit has {len(temperatures)} temperature(s); 3 are needed to see whether it is a line",
        ),
        Check(
            name="points with sufficient statistics",
            passed=poor == 0,
            value=poor,
            threshold=0,
            reason=f"{poor} of {len(used)} fitted points have poor statistics ({len(points) - len(used)} kept out)",
        ),
    ]
    if fit is not None and extrapolated is not None:
        low, high = extrapolated.interval_95
        width = min(high / max(low, 1e-300), 1e300)
        curvature = "" if fit.curvature_z is None else f", curvature {fit.curvature_z:+.1f} standard errors"
        checks += [
            Check(
                name="Arrhenius law",
                passed=fit.is_arrhenius,
                value=fit.chi_squared,
                threshold=float(fit.degrees_of_freedom),
                reason=f"chi^2 is {fit.chi_squared:.1f} for {fit.degrees_of_freedom} degrees of freedom{curvature}",
            ),
            Check(
                name="extrapolation",
                passed=width <= _EXTRAPOLATION_FACTOR,
                value=width,
                threshold=_EXTRAPOLATION_FACTOR,
                reason=f"the 95 % interval of the extrapolated D spans a factor of {width:.3g}",
            ),
        ]
    return checks


def _curve(positions_A: np.ndarray, frame_interval_ps: float) -> MSDCurve:
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
