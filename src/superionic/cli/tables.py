"""Documents as tables for people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from superionic.cli.comparisons import comparison_lines
from superionic.cli.text_table import table
from superionic.documents import (
    ArrheniusDocument,
    ComparisonDocument,
    DiffusivitySummary,
    Document,
    Estimate,
    Quality,
)
from superionic.stores.query import arrhenius_table, comparison_table, diffusivity_table


def document_lines(
    diffusivity: Sequence[DiffusivitySummary],
    arrhenius: Sequence[ArrheniusDocument],
    comparisons: Sequence[ComparisonDocument],
) -> Iterator[str]:
    """A table of diffusivities, one of Arrhenius fits and one a comparison, with the reasons of every verdict."""
    if not diffusivity and not arrhenius and not comparisons:
        yield "no document here that matches: run a study (`superionic run`) or build (`superionic build`) first"
        return
    yield from table("Diffusivity", _RUN_COLUMNS, [row for run in diffusivity for row in _run_rows(run)])
    yield from table("Arrhenius", _FIT_COLUMNS, [row for fit in arrhenius for row in _fit_rows(fit)])
    for run in diffusivity:
        yield from _reasons(f"{run.identity.label} {run.temperature_K:g} K", run.quality)
    for fit in arrhenius:
        yield from _reasons(f"Arrhenius fit of {fit.identity.label}", fit.quality)
    yield from comparison_lines(comparisons)


_RUN_COLUMNS = (
    "study", "label", "potential", "T (K)", "length (ps)", "D (cm²/s)", "68 % interval", "σ (mS/cm)", "verdict",
)  # fmt: skip


def _run_rows(run: DiffusivitySummary) -> Iterator[tuple[str, ...]]:
    """One row a mobile ion; the verdict is on the first."""
    yield (
        run.identity.study or "",
        f"{run.identity.label}: {run.identity.mobile_species}" if run.other_mobile else run.identity.label,
        f"{run.identity.potential.family} {run.identity.potential.model}",
        f"{run.temperature_K:g}",
        f"{run.analysed_length_ps:.4g}",
        _value(run.diffusivity_cm2_per_s),
        _interval(run.diffusivity_cm2_per_s),
        _value(run.conductivity_mS_per_cm),
        run.quality.verdict.value,
    )
    for ion in run.other_mobile:
        estimates = (_value(ion.diffusivity_cm2_per_s), _interval(ion.diffusivity_cm2_per_s))
        label = f"{run.identity.label}: {ion.species}"
        yield ("", label, "", "", "", *estimates, _value(ion.conductivity_mS_per_cm), "")


_FIT_COLUMNS = (
    "study", "label", "points", "Ea (eV)", "extrapolated to", "D (cm²/s)", "σ (mS/cm)", "95 % interval of σ", "verdict",
)  # fmt: skip


def _fit_rows(fit: ArrheniusDocument) -> Iterator[tuple[str, ...]]:
    """One row a temperature that the fit is extrapolated to; what is the same in all of them stands in the first."""
    first = (fit.identity.study or "", fit.identity.label, str(fit.n_points), _value(fit.activation_energy_eV))
    for number, there in enumerate(fit.extrapolations):
        yield (
            *(first if number == 0 else ("",) * len(first)),
            f"{there.temperature_K:g} K",
            _value(there.diffusivity_cm2_per_s),
            _value(there.conductivity_mS_per_cm),
            _interval(there.conductivity_mS_per_cm, 95),
            fit.quality.verdict.value if number == 0 else "",
        )


def _value(estimate: Estimate | None) -> str:
    """Value and standard error with one exponent, for example (1.28 ± 0.37)e-05."""
    if estimate is None:
        return "-"
    value, error = estimate.value, estimate.standard_error
    exponent = math.floor(math.log10(max(abs(value), error, 1e-300)))
    if -2 <= exponent <= 3:
        decimals = max(0, 2 - exponent)
        return f"{value:.{decimals}f} ± {error:.{decimals}f}"
    unit = 10.0**exponent
    return f"({value / unit:.2f} ± {error / unit:.2f})e{exponent:+03d}"


def _interval(estimate: Estimate | None, percent: int = 68) -> str:
    if estimate is None:
        return "-"
    low, high = estimate.interval_68 if percent == 68 else estimate.interval_95
    return f"{low:.2g} … {high:.2g}"


def _reasons(what: str, quality: Quality) -> Iterator[str]:
    for reason in quality.reasons:
        yield f"{what}: {quality.verdict.value}: {reason}"
    for caveat in quality.caveats:
        yield f"{what}: beware: {caveat}"


def as_json(documents: Sequence[Document]) -> list[dict[str, Any]]:
    """Documents as plain JSON objects, without density volumes, which are for programs (`superionic export`)."""
    return [document.model_dump(mode="json", exclude={"density"}) for document in documents]


def as_csv(
    diffusivity: Sequence[DiffusivitySummary],
    arrhenius: Sequence[ArrheniusDocument],
    comparisons: Sequence[ComparisonDocument],
) -> str:
    """Tables of runs, fits and comparisons as CSV, one after the other, an empty line between them."""
    tables = [diffusivity_table(diffusivity), arrhenius_table(arrhenius), comparison_table(comparisons)]
    return "\n".join(table.to_csv(index=False) for table in tables if len(table))
