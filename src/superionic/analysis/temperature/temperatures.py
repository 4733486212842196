"""From the documents of single runs to one Arrhenius document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from superionic.analysis.conductivity import nernst_einstein_mS_per_cm
from superionic.analysis.temperature.arrhenius import MAX_DECADES, ArrheniusFit, fit_arrhenius
from superionic.documents import (
    ArrheniusDocument,
    ArrheniusLine,
    ArrheniusPoint,
    Check,
    CheckName,
    DiffusivityDocument,
    Estimate,
    Provenance,
    Quality,
    Verdict,
)
from superionic.errors import InputError

PartOfMotion = Callable[[DiffusivityDocument], Estimate | None]

_EXTRAPOLATION_FACTOR = 10.0
_TIMES_T = " x T"


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
        conductivity = extrapolated.scaled(
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
        lines=arrhenius_lines(documents, points, extrapolation_temperature_K),
        quality=Quality.from_checks(_arrhenius_checks(used, points, fit, extrapolated)),
        provenance=provenance or Provenance(sources=[s for d in documents for s in d.provenance.sources]),
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
            ),
            _extrapolation_check(extrapolated),
        ]
    return checks


def _extrapolation_check(extrapolated: Estimate | None) -> Check:
    width = None
    spans = f"more than {MAX_DECADES:g} orders of magnitude: none is given"
    if extrapolated is not None:
        width = extrapolated.interval_95[1] / extrapolated.interval_95[0]
        spans = f"a factor of {width:.3g}"
    return Check(
        name=CheckName.EXTRAPOLATION,
        passed=width is not None and width <= _EXTRAPOLATION_FACTOR,
        value=width,
        threshold=_EXTRAPOLATION_FACTOR,
        reason=f"the 95 % interval of the extrapolated D spans {spans}",
    )


def arrhenius_lines(
    documents: Sequence[DiffusivityDocument], points: Sequence[ArrheniusPoint], extrapolation_temperature_K: float
) -> list[ArrheniusLine]:
    """Fit each part of the motion on its own: axes, jump categories, and the conductivities.

    Parameters
    ----------
    documents, points
        The runs, and which of them are kept out of every fit.
    extrapolation_temperature_K
        Where the lines are extrapolated to, in K.
    """
    used = [document for document, point in zip(documents, points, strict=True) if not point.excluded]
    return [
        _line(name, used, pick, extrapolation_temperature_K, 1 / extrapolation_temperature_K if _TIMES_T in name else 1)
        for name, pick in parts_of_motion(documents).items()
    ]


def parts_of_motion(documents: Sequence[DiffusivityDocument]) -> dict[str, PartOfMotion]:
    """What of the motion is fitted on its own: name -> its value in the document of a run, None where it has none."""
    parts: dict[str, PartOfMotion] = {f"axis {axis}": partial(_along, axis=axis) for axis in "abc"}
    if any(document.jumps for document in documents):
        parts["jumps"] = _all_jumps
        for name in dict.fromkeys(c.name for d in documents if d.jumps for c in d.jumps.categories):
            parts[f"jumps: {name}"] = partial(_category, name=name)
    parts[f"conductivity{_TIMES_T}"] = lambda d: d.conductivity_mS_per_cm.scaled(d.temperature_K)
    if any(document.collective for document in documents):
        parts[f"collective conductivity{_TIMES_T}"] = _collective_conductivity_times_T
    return parts


def _collective_conductivity_times_T(document: DiffusivityDocument) -> Estimate | None:
    collective = document.collective
    return collective.conductivity_mS_per_cm.scaled(document.temperature_K) if collective else None


def _along(document: DiffusivityDocument, axis: str) -> Estimate | None:
    return document.diffusivity_along_cell_cm2_per_s.get(axis)


def _all_jumps(document: DiffusivityDocument) -> Estimate | None:
    return document.jumps.diffusivity_cm2_per_s if document.jumps else None


def _category(document: DiffusivityDocument, name: str) -> Estimate | None:
    categories = document.jumps.categories if document.jumps else []
    return next((category.diffusivity_cm2_per_s for category in categories if category.name == name), None)


def _line(
    quantity: str,
    documents: Sequence[DiffusivityDocument],
    pick: PartOfMotion,
    temperature_K: float,
    scale: float,
) -> ArrheniusLine:
    found = [(document.temperature_K, pick(document)) for document in documents]
    usable = [(temperature, value) for temperature, value in found if value is not None and value.value > 0]
    left_out = [f"{temperature:g} K" for temperature, value in found if value is None or value.value <= 0]
    reason = f"nothing was seen at {', '.join(left_out)}" if left_out else None
    if len({temperature for temperature, _ in usable}) < 2:
        return ArrheniusLine(
            quantity=quantity,
            n_points=len(usable),
            activation_energy_eV=None,
            prefactor=None,
            extrapolated=None,
            is_arrhenius=None,
            reason=reason or "fewer than two temperatures",
        )
    fit = fit_arrhenius([temperature for temperature, _ in usable], [value for _, value in usable])
    extrapolated = fit.diffusivity(temperature_K, scale)
    if extrapolated is None:
        open_ended = f"the extrapolation spans more than {MAX_DECADES:g} orders of magnitude"
        reason = f"{reason}; {open_ended}" if reason else open_ended
    return ArrheniusLine(
        quantity=quantity,
        n_points=len(usable),
        activation_energy_eV=fit.activation_energy(),
        prefactor=fit.prefactor(),
        extrapolated=extrapolated,
        is_arrhenius=fit.is_arrhenius,
        reason=reason,
    )
