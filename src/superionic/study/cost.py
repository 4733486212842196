"""What a study will cost on this machine, from a few timed steps of its own cells."""

from __future__ import annotations

import os
import time
from contextlib import closing
from dataclasses import dataclass

from pymatgen.core import Structure

from superionic.documents import PotentialSettings
from superionic.dynamics.progress import format_duration
from superionic.study.plan import Plan

_TIMED_EVALUATIONS, _ENOUGH_S = 5, 10.0
_BYTES_PER_COORDINATE = 2.0  # what the codec needs for a vibrating crystal, see trajectories/codec.py
_BASE64 = 4 / 3


@dataclass(frozen=True)
class CostEstimate:
    """Estimated cost of a study.

    Attributes
    ----------
    md_steps
        MD steps of all runs.
    cpu_hours
        Time of one process for all of them, in hours.
    wall_hours
        Time on this machine with one process a core, in hours.
    megabytes
        Size of the stored trajectories in MB.
    """

    md_steps: int
    cpu_hours: float
    wall_hours: float
    megabytes: float

    def lines(self) -> list[str]:
        """The estimate in words."""
        wall = format_duration(self.wall_hours * 3600)
        return [
            f"{self.md_steps} MD steps, about {self.cpu_hours:.2g} CPU hours, {wall} on this machine",
            f"about {self.megabytes:.3g} MB of trajectories",
        ]


def estimate_cost(plan: Plan) -> CostEstimate:
    """Time a few evaluations of every kind of cell and scale them up."""
    seconds = 0.0
    coordinates = 0
    for maker in plan.md_makers:
        md, runs_of_a_cell = maker.md, len(maker.md.protocols())
        seconds_of_a_step: dict[str, float] = {}  # cells of the same ions take the same time
        for cell in plan.cells:
            formula = cell.structure.formula
            if formula not in seconds_of_a_step:
                seconds_of_a_step[formula] = seconds_per_step(cell.structure, maker.potential)
            seconds += seconds_of_a_step[formula] * md.n_steps * runs_of_a_cell
            coordinates += 3 * len(cell.structure) * (md.n_steps // md.stride + 1) * runs_of_a_cell
    workers = min(len(os.sched_getaffinity(0)), plan.n_runs)
    return CostEstimate(
        md_steps=plan.n_steps,
        cpu_hours=seconds / 3600,
        wall_hours=seconds / 3600 / workers,
        megabytes=coordinates * _BYTES_PER_COORDINATE * _BASE64 / 1e6,
    )


def seconds_per_step(structure: Structure, potential: PotentialSettings) -> float:
    """Time of one force evaluation on this machine, in s."""
    from superionic.potentials.load import load

    with closing(load(potential)) as loaded:
        session = loaded.session(structure.atomic_numbers)
        session.evaluate(structure.cart_coords, structure.lattice.matrix)
        start, n = time.perf_counter(), 0
        while n < _TIMED_EVALUATIONS and (n == 0 or time.perf_counter() - start < _ENOUGH_S):
            session.evaluate(structure.cart_coords, structure.lattice.matrix)
            n += 1
        return (time.perf_counter() - start) / n
