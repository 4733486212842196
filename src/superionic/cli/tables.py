"""Documents as tables for people."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from superionic.cli.comparisons import print_comparisons
from superionic.documents import ArrheniusDocument, ComparisonDocument, DiffusivityDocument, Estimate, Quality
from superionic.stores.query import arrhenius_table, comparison_table, diffusivity_table


def console() -> Console:
    """Standard output, wide enough for the tables where it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 140)


def print_documents(
    diffusivity: Sequence[DiffusivityDocument],
    arrhenius: Sequence[ArrheniusDocument],
    comparisons: Sequence[ComparisonDocument],
    to: Console,
) -> None:
    """Print a table of diffusivities, one of Arrhenius fits and one a comparison, with the reasons of every verdict."""
    if not diffusivity and not arrhenius and not comparisons:
        to.print("no document here that matches: run a study (`superionic run`) or build (`superionic build`) first")
        return
    runs = _table(
        "Diffusivity", "study", "label", "potential", "T (K)", "length (ps)", "D (cm²/s)", "68 % interval", "σ (mS/cm)",
        "verdict",
    )  # fmt: skip
    for run in diffusivity:
        runs.add_row(
            run.identity.study or "",
            run.identity.label,
            f"{run.identity.potential.family} {run.identity.potential.model}",
            f"{run.temperature_K:g}",
            f"{run.analysed_length_ps:.4g}",
            _value(run.diffusivity_cm2_per_s),
            _interval(run.diffusivity_cm2_per_s),
            _value(run.conductivity_mS_per_cm),
            run.quality.verdict.value,
        )
    to.print(runs)
    fits = _table("Arrhenius", "study", "label", "points", "Ea (eV)", "extrapolated to", "D (cm²/s)", "σ (mS/cm)",
                  "95 % interval of σ", "verdict")  # fmt: skip
    for fit in arrhenius:
        fits.add_row(
            fit.identity.study or "",
            fit.identity.label,
            str(fit.n_points),
            _value(fit.activation_energy_eV),
            f"{fit.extrapolation_temperature_K:g} K",
            _value(fit.extrapolated_diffusivity_cm2_per_s),
            _value(fit.extrapolated_conductivity_mS_per_cm),
            _interval(fit.extrapolated_conductivity_mS_per_cm, 95),
            fit.quality.verdict.value,
        )
    to.print(fits)
    for run in diffusivity:
        _reasons(f"{run.identity.label} {run.temperature_K:g} K", run.quality, to)
    for fit in arrhenius:
        _reasons(f"Arrhenius fit of {fit.identity.label}", fit.quality, to)
    print_comparisons(comparisons, to)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


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


def _reasons(what: str, quality: Quality, to: Console) -> None:
    for reason in quality.reasons:
        to.print(f"{what}: {quality.verdict.value}: {reason}", soft_wrap=True, highlight=False)


def as_json(documents: Sequence[DiffusivityDocument | ArrheniusDocument | ComparisonDocument]) -> list[dict[str, Any]]:
    """Documents as plain JSON objects, without density volumes, which are for programs (`superionic export`)."""
    return [document.model_dump(mode="json", exclude={"density"}) for document in documents]


def as_csv(
    diffusivity: Sequence[DiffusivityDocument],
    arrhenius: Sequence[ArrheniusDocument],
    comparisons: Sequence[ComparisonDocument],
) -> str:
    """Tables of runs, fits and comparisons as CSV, one after the other, an empty line between them."""
    tables = [diffusivity_table(diffusivity), arrhenius_table(arrhenius), comparison_table(comparisons)]
    return "\n".join(table.to_csv(index=False) for table in tables if len(table))
