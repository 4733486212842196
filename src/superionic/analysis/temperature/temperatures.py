"""From the documents of single runs to one Arrhenius document."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from superionic.analysis.conductivity import nernst_einstein_mS_per_cm
from superionic.analysis.temperature.arrhenius import MAX_DECADES, ArrheniusFit, fit_arrhenius
from superionic.analysis.temperature.parts import PartOfMotion, parts_of_motion
from superionic.documents import (
    AnalysisSettings,
    ArrheniusDocument,
    ArrheniusLine,
    ArrheniusPoint,
    Check,
    CheckName,
    DiffusivityDocument,
    Estimate,
    Extrapolation,
    LineExtrapolation,
    MissingRun,
    Provenance,
    Quality,
    Verdict,
)
from superionic.errors import InputError


def arrhenius(
    documents: Sequence[DiffusivityDocument],
    settings: AnalysisSettings | None = None,
    *,
    exclude: dict[str, str] | None = None,
    missing: Sequence[MissingRun] = (),
    group: str | None = None,
    provenance: Provenance | None = None,
) -> ArrheniusDocument:
    """Fit the runs of one material over temperature.

    Parameters
    ----------
    documents
        One per run. Runs judged unusable and runs without diffusion are kept out, with the reason.
    settings
        Temperatures to extrapolate to, and how wide an extrapolation may be; the defaults if None.
    exclude
        run_id -> reason of runs to keep out.
    missing
        Runs that belong to the fit but have no document.
    group
        Key of the group; made from the first identity by default.
    provenance
        Sources and software.

    Raises
    ------
    InputError
        If there is no document.
    """
    if not documents:
        raise InputError("documents is empty: give at least one diffusivity document")
    settings = settings or AnalysisSettings()
    points = [_point(document, exclude or {}) for document in documents]
    used = [document for document, point in zip(documents, points, strict=True) if not point.excluded]
    fit = None
    if len({document.temperature_K for document in used}) >= 2:
        fit = fit_arrhenius([d.temperature_K for d in used], [d.diffusivity_cm2_per_s for d in used])
    identity = documents[0].identity
    extrapolations = [_extrapolation(fit, used, T, settings) for T in settings.extrapolation_temperatures_K]
    return ArrheniusDocument(
        group=group or "/".join([identity.label, identity.engine, identity.potential.model, identity.study or "-"]),
        identity=identity,
        settings=settings,
        points=points,
        missing=list(missing),
        n_points=len(used),
        activation_energy_eV=fit.activation_energy() if fit else None,
        prefactor_cm2_per_s=fit.prefactor() if fit else None,
        chi_squared_reduced=fit.chi_squared / fit.degrees_of_freedom if fit and fit.degrees_of_freedom else None,
        extrapolations=extrapolations,
        lines=arrhenius_lines(documents, points, settings.extrapolation_temperatures_K),
        quality=Quality.from_checks(
            [
                *_arrhenius_checks(used, points, missing, fit),
                *(_extrapolation_check(extrapolation, settings) for extrapolation in extrapolations if fit),
            ]
        ),
        provenance=provenance or Provenance(sources=[s for d in documents for s in d.provenance.sources]),
    )


def _extrapolation(
    fit: ArrheniusFit | None, used: list[DiffusivityDocument], temperature_K: float, settings: AnalysisSettings
) -> Extrapolation:
    diffusivity = fit.diffusivity(temperature_K) if fit else None
    conductivity = None
    if diffusivity is not None:
        density = float(np.mean([d.n_mobile_ions / d.volume_A3 for d in used]))
        charge_e = used[0].identity.mobile_charge_e
        conductivity = diffusivity.scaled(nernst_einstein_mS_per_cm(charge_e, 1, 1 / density, temperature_K))
    return Extrapolation(
        temperature_K=temperature_K,
        diffusivity_cm2_per_s=diffusivity,
        conductivity_mS_per_cm=conductivity,
        sufficient=diffusivity is not None and _span(diffusivity) <= settings.extrapolation_span,
    )


def _span(estimate: Estimate) -> float:
    low, high = estimate.interval_95
    return high / low


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
    missing: Sequence[MissingRun],
    fit: ArrheniusFit | None,
) -> list[Check]:
    temperatures = sorted({document.temperature_K for document in used})
    poor = sum(document.quality.verdict != Verdict.SUFFICIENT for document in used)
    checks = [
        Check(
            name=CheckName.TEMPERATURES,
            passed=len(temperatures) >= 3,
            fatal=len(temperatures) < 2,
            value=len(temperatures),
            threshold=3,
            reason=f"the fit has {len(temperatures)} temperature(s); 3 are needed to see whether it is a line",
        ),
        Check(
            name=CheckName.SUFFICIENT_POINTS,
            passed=poor == 0,
            value=poor,
            threshold=0,
            reason=f"{poor} of {len(used)} fitted points have poor statistics ({len(points) - len(used)} kept out)",
        ),
    ]
    if fit is not None:
        curvature = "" if fit.curvature_z is None else f", curvature {fit.curvature_z:+.1f} standard errors"
        checks += [
            Check(
                name=CheckName.ARRHENIUS_LAW,
                passed=fit.is_arrhenius,
                value=fit.chi_squared,
                threshold=float(fit.degrees_of_freedom),
                reason=f"chi^2 is {fit.chi_squared:.1f} for {fit.degrees_of_freedom} degrees of freedom{curvature}",
            )
        ]
    if missing:
        runs = "; ".join(f"run {run.run_id}: {run.reason}" for run in missing)
        checks.append(
            Check(
                name=CheckName.ALL_RUNS,
                passed=False,
                value=len(missing),
                threshold=0,
                reason=f"{len(missing)} of {len(points) + len(missing)} runs have no diffusivity: {runs}",
            )
        )
    return checks


def _extrapolation_check(extrapolation: Extrapolation, settings: AnalysisSettings) -> Check:
    width = None
    spans = f"more than {MAX_DECADES:g} orders of magnitude: none is given"
    if extrapolation.diffusivity_cm2_per_s is not None:
        width = _span(extrapolation.diffusivity_cm2_per_s)
        spans = f"a factor of {width:.3g}"
    return Check(
        name=CheckName.EXTRAPOLATION,
        passed=extrapolation.sufficient,
        value=width,
        threshold=settings.extrapolation_span,
        reason=f"the 95 % interval of D extrapolated to {extrapolation.temperature_K:g} K spans {spans}",
    )


def arrhenius_lines(
    documents: Sequence[DiffusivityDocument], points: Sequence[ArrheniusPoint], temperatures_K: Sequence[float]
) -> list[ArrheniusLine]:
    """Fit each part of the motion on its own: axes, jump categories, and the conductivities.

    Parameters
    ----------
    documents, points
        The runs, and which of them are kept out of every fit.
    temperatures_K
        Where the lines are extrapolated to, in K.
    """
    used = [document for document, point in zip(documents, points, strict=True) if not point.excluded]
    return [_line(part, used, temperatures_K) for part in parts_of_motion(documents)]


def _line(
    part: PartOfMotion, documents: Sequence[DiffusivityDocument], temperatures_K: Sequence[float]
) -> ArrheniusLine:
    found = [(document.temperature_K, part.value(document)) for document in documents]
    usable = [(temperature, value) for temperature, value in found if value is not None and value.value > 0]
    left_out = [f"{temperature:g} K" for temperature, value in found if value is None or value.value <= 0]
    reason = f"nothing was seen at {', '.join(left_out)}" if left_out else None
    if len({temperature for temperature, _ in usable}) < 2:
        return ArrheniusLine(
            quantity=str(part),
            n_points=len(usable),
            activation_energy_eV=None,
            prefactor=None,
            extrapolations=[],
            is_arrhenius=None,
            reason=reason or "fewer than two temperatures",
        )
    fit = fit_arrhenius([temperature for temperature, _ in usable], [value for _, value in usable])
    extrapolations = [
        LineExtrapolation(temperature_K=T, value=fit.diffusivity(T, 1 / T if part.times_T else 1))
        for T in temperatures_K
    ]
    open_ended = ", ".join(f"{entry.temperature_K:g} K" for entry in extrapolations if entry.value is None)
    if open_ended:
        too_wide = f"the extrapolation to {open_ended} spans more than {MAX_DECADES:g} orders of magnitude"
        reason = f"{reason}; {too_wide}" if reason else too_wide
    return ArrheniusLine(
        quantity=str(part),
        n_points=len(usable),
        activation_energy_eV=fit.activation_energy(),
        prefactor=fit.prefactor(),
        extrapolations=extrapolations,
        is_arrhenius=fit.is_arrhenius,
        reason=reason,
    )
