"""Comparisons as tables for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from superionic.documents import ComparisonDocument, Difference

_SHOWN = {  # the documents hold more: temperatures, axes and jump categories
    "activation energy": "Ea (eV)",
    "mean ln D": "ln D, mean",
    "extrapolated ln D": "ln D",
    "extrapolated ln sigma": "ln σ",
}


def print_comparisons(comparisons: Sequence[ComparisonDocument], to: Console) -> None:
    """Print what differs in each comparison from the reference, or in all pairs if it has none."""
    for comparison in comparisons:
        to.print(_table(comparison))
        for member in comparison.members:
            for reason in member.left_out:
                _line(to, f"{member.name}: not compared: {reason}")
        for caveat in comparison.caveats:
            _line(to, f"beware: {caveat}")


def _table(comparison: ComparisonDocument) -> Table:
    title = f"Comparison of {comparison.comparison.rpartition(' / ')[0]}"
    if comparison.reference is not None:
        title += f", with {comparison.reference}"
    table = Table(title=title, title_justify="left")
    for column in ("what", "quantity", "difference", "95 % interval", "z", "p", "p (Holm)", "significant"):
        table.add_column(column, overflow="fold")
    shown = [d for d in comparison.differences if d.against_reference or comparison.reference is None]
    for difference in (*shown, *comparison.class_differences):
        if difference.quantity in _SHOWN:
            table.add_row(*_cells(difference))
    return table


def _cells(difference: Difference) -> tuple[str, ...]:
    at = "" if difference.temperature_K is None else f" at {difference.temperature_K:g} K"
    estimate = difference.difference
    low, high = estimate.interval_95
    return (
        f"{difference.of} - {difference.minus}",
        f"{_SHOWN[difference.quantity]}{at}",
        f"{estimate.value:+.3f} ± {estimate.standard_error:.3f}",
        f"{low:+.3f} … {high:+.3f}",
        f"{difference.z:+.1f}",
        f"{difference.p_value:.2g}",
        f"{difference.p_holm:.2g} of {difference.n_compared}",
        ("yes" if difference.significant else "no") + ("" if difference.sufficient else ", poor statistics"),
    )


def _line(to: Console, text: str) -> None:
    to.print(text, soft_wrap=True, highlight=False)
