"""Comparisons as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from superionic.cli.text_table import table
from superionic.documents import ComparedQuantity, ComparisonDocument, Difference
from superionic.documents.keys import words_and_digest

_SHOWN: dict[str, str] = {  # the documents hold more: temperatures, axes and jump categories
    ComparedQuantity.ACTIVATION_ENERGY: "Ea (eV)",
    ComparedQuantity.MEAN_LOG_D: "ln D, mean",
    ComparedQuantity.EXTRAPOLATED_LOG_D: "ln D",
    ComparedQuantity.EXTRAPOLATED_LOG_SIGMA: "ln σ",
}

_COLUMNS = ("what", "quantity", "difference", "95 % interval", "z", "p", "p (Holm)", "significant")


def comparison_lines(comparisons: Sequence[ComparisonDocument]) -> Iterator[str]:
    """What differs in each comparison from the reference, or in all pairs if it has none."""
    for comparison in comparisons:
        title = f"Comparison of {words_and_digest(comparison.comparison)[0]}"
        if comparison.reference is not None:
            title += f", with {comparison.reference}"
        shown = [d for d in comparison.differences if d.against_reference or comparison.reference is None]
        differences = [d for d in (*shown, *comparison.class_differences) if d.quantity in _SHOWN]
        yield ""
        yield from table(title, _COLUMNS, [_cells(difference) for difference in differences])
        for member in comparison.members:
            for reason in member.left_out:
                yield f"{member.name}: not compared: {reason}"
        for caveat in comparison.caveats:
            yield f"beware: {caveat}"


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
