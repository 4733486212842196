"""What calculations cost, as tables for people and programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from superionic.cli.text_table import table
from superionic.documents import Cost
from superionic.stores.costs import CostRow

_COLUMNS = (
    "study", "work", "label", "potential", "engine", "atoms", "n", "length (ps)", "s/step", "cores", "host",
    "core hours", "core hours/100 ps",
)  # fmt: skip

_CSV_COLUMNS = (
    "study", "work", "label", "potential", "engine", "n_atoms", "n_calculations", "n_steps", "length_ps",
    "seconds_per_step", "core_hours_per_100_ps", *Cost.model_fields,
)  # fmt: skip


def lines(rows: Sequence[CostRow]) -> Iterator[str]:
    """One row a kind of work, ordering and potential; what was not recorded is a question mark."""
    if not rows:
        yield "no calculation here that matches, or none that recorded its cost"
        return
    yield from table("Costs", _COLUMNS, [_cells(row) for row in rows])
    unknown = sum(row.cost is None for row in rows)
    if unknown:
        yield f"{unknown} row(s) hold calculations whose cost was not recorded: of an older version, or another code"


def _cells(row: CostRow) -> tuple[str, ...]:
    cost = row.cost
    return (
        row.study,
        row.work,
        row.label,
        row.potential,
        row.engine,
        "" if row.n_atoms is None else str(row.n_atoms),
        str(row.n_calculations),
        "" if row.length_ps is None else f"{row.length_ps:.4g}",
        "" if row.n_steps is None else _number(row.seconds_per_step),
        "?" if cost is None else str(cost.cores),
        "?" if cost is None else ", ".join(cost.hosts),
        _number(None if cost is None else cost.core_hours),
        "" if row.length_ps is None else _number(row.core_hours_per_100_ps),
    )


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.3g}"


def as_json(rows: Sequence[CostRow]) -> list[dict[str, Any]]:
    """Rows as plain JSON objects with units in their names."""
    return [
        {
            "study": row.study,
            "work": row.work,
            "label": row.label,
            "potential": row.potential,
            "engine": row.engine,
            "n_atoms": row.n_atoms,
            "n_calculations": row.n_calculations,
            "n_steps": row.n_steps,
            "length_ps": row.length_ps,
            "seconds_per_step": row.seconds_per_step,
            "core_hours_per_100_ps": row.core_hours_per_100_ps,
            **({} if row.cost is None else row.cost.model_dump()),
        }
        for row in rows
    ]


def as_csv(rows: Sequence[CostRow]) -> str:
    """Rows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in as_json(rows):
        writer.writerow({**row, "hosts": " ".join(row.get("hosts", []))})
    return text.getvalue()
