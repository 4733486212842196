"""What the calculations of a store cost, by study, kind of work, potential and size of cell."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

from jobflow import JobStore

from superionic.documents import UNKNOWN, Cost

_MD = "trajectory_segment"
_FIELDS = [
    "output.kind", "output.identity", "output.n_atoms", "output.first_step", "output.last_step",
    "output.protocol.time_step_fs", "output.cost", "output.provenance.potential", "output.ordering.label",
]  # fmt: skip


@dataclass(frozen=True)
class CostRow:
    """Sum over calculations of one kind.

    Attributes
    ----------
    study
        Name of the study, empty where a calculation belongs to none in particular.
    work
        'MD' or another kind of document that has a cost.
    label
        Label of the ordering, empty where there is none.
    engine
        Who integrated, empty where nobody did.
    potential
        Family and model.
    n_atoms
        Atoms in the cell, None where cells differ.
    n_calculations
        Documents in this row.
    n_steps
        Steps of MD, None for other work.
    length_ps
        Length of the MD in ps, None for other work.
    cost
        The sum, None if that of any is unknown.
    """

    study: str
    work: str
    label: str
    engine: str
    potential: str
    n_atoms: int | None
    n_calculations: int = 0
    n_steps: int | None = None
    length_ps: float | None = None
    cost: Cost | None = None

    @property
    def seconds_per_step(self) -> float | None:
        """Wall time a step in s."""
        return self.cost.wall_s / self.n_steps if self.cost and self.n_steps else None

    @property
    def core_hours_per_100_ps(self) -> float | None:
        """Core hours for 100 ps of MD."""
        return self.cost.core_hours / self.length_ps * 100 if self.cost and self.length_ps else None


def cost_rows(jobs: JobStore, criteria: dict[str, Any] | None = None) -> list[CostRow]:
    """What was calculated here and what it cost: one query, no blob is read.

    Parameters
    ----------
    jobs
        The JobStore, connected.
    criteria
        Conditions on the outputs, their fields without ``output.``, for example ``{"identity.study": "mltp"}``.
    """
    wanted = {f"output.{field}": value for field, value in (criteria or {}).items()}
    priced = {"output.kind": {"$ne": "md_run"}, "output.cost": {"$exists": True}}  # a run's is the sum of its segments'
    groups: dict[CostRow, list[dict[str, Any]]] = defaultdict(list)
    for found in jobs.docs_store.query({"$or": [{"output.kind": _MD}, priced], **wanted}, properties=_FIELDS):
        groups[_what(found["output"])].append(found["output"])
    return sorted((_summed(row, outputs) for row, outputs in groups.items()), key=_place)


def _what(output: dict[str, Any]) -> CostRow:
    """What a calculation was, without its numbers: the row it belongs to."""
    identity = output.get("identity") or {}
    potential = identity.get("potential") or (output.get("provenance") or {}).get("potential") or {}
    return CostRow(
        study=identity.get("study") or "",
        work="MD" if output["kind"] == _MD else output["kind"].replace("_", " "),
        label=identity.get("label") or (output.get("ordering") or {}).get("label") or "",
        engine=identity.get("engine") or "",
        potential=f"{potential.get('family', UNKNOWN)} {potential.get('model', '')}".strip(),
        n_atoms=output.get("n_atoms"),
    )


def _summed(row: CostRow, outputs: list[dict[str, Any]]) -> CostRow:
    costs = [output.get("cost") for output in outputs]
    known = [Cost.from_stored(cost) for cost in costs if cost is not None]
    steps = [_steps(output) for output in outputs]
    lengths_ps = [n * output["protocol"]["time_step_fs"] * 1e-3 for n, output in zip(steps, outputs, strict=True) if n]
    return replace(
        row,
        n_calculations=len(outputs),
        n_steps=sum(steps) or None,
        length_ps=sum(lengths_ps) or None,
        cost=Cost.total(known) if len(known) == len(costs) else None,
    )


def _steps(output: dict[str, Any]) -> int:
    """Steps of MD; 0 for other work, whose steps cost something else."""
    return int(output["last_step"] - output["first_step"]) if output["kind"] == _MD else 0


def _place(row: CostRow) -> tuple[str, ...]:
    return row.study, row.work, row.label, row.potential, row.engine, str(row.n_atoms)
