"""What a study will cost on this machine, from a few timed steps of its own cells."""

from __future__ import annotations

import os
import time
from contextlib import closing
from dataclasses import dataclass

from pymatgen.core import Structure

from superionic.documents import Cp2kSettings, PotentialSettings, VaspSettings
from superionic.dynamics.progress import format_duration
from superionic.makers.aimd import AimdSetMaker
from superionic.makers.mltp_md import MltpMdMaker
from superionic.study.plan import Plan, PlannedCell

_TIMED_EVALUATIONS, _ENOUGH_S = 5, 10.0
_BYTES_PER_COORDINATE = 2.0  # what the codec needs for a vibrating crystal, see trajectories/codec.py
_BYTES_PER_LABEL = 4.0  # a component of a force, of float32's precision
_BASE64 = 4 / 3
_VASP_CORE_S, _VASP_ATOMS, _VASP_POWER = 110.0, 80, 2.6
"""Core seconds of a step: 3,046 core hours for 100,000 steps of 80 atoms at 400 eV, 18,792 of 160 atoms at 300 eV."""


@dataclass(frozen=True)
class CostEstimate:
    """Estimated cost of the runs of one stage.

    Attributes
    ----------
    section
        Section of the study file.
    md_steps
        MD steps of all its runs.
    core_hours
        Time of one core for all of them, in h.
    seconds_per_step
        Of the slowest cell, on one core.
    wall_hours
        Time on this machine with one process a core, in h; None where it says nothing of where it will run.
    megabytes
        Size of the stored trajectories in MB.
    """

    section: str
    md_steps: int
    core_hours: float
    seconds_per_step: float
    wall_hours: float | None
    megabytes: float

    def lines(self) -> list[str]:
        """The estimate in words."""
        what = f"{self.section}: {self.md_steps} MD steps, {self.seconds_per_step:.2g} s a step"
        if self.wall_hours is None:
            work = f"{what} on one core, about {self.core_hours:.2g} core hours, as VASP took elsewhere: a rough guess"
        else:
            wall = format_duration(self.wall_hours * 3600)
            work = f"{what}, about {self.core_hours:.2g} CPU hours, {wall} on this machine"
        return [work, f"{self.section}: about {self.megabytes:.3g} MB of trajectories"]


def estimate_costs(plan: Plan) -> list[CostEstimate]:
    """Time a few evaluations of every kind of cell and scale them up, stage by stage."""
    return [_estimate(maker, plan.cells) for maker in plan.md_makers]


def _estimate(maker: MltpMdMaker | AimdSetMaker, cells: list[PlannedCell]) -> CostEstimate:
    md, runs_of_a_cell = maker.md, len(maker.md.protocols())
    seconds_of_a_step: dict[str, float] = {}  # cells of the same ions take the same time
    seconds, megabytes = 0.0, 0.0
    for cell in cells:
        formula = cell.structure.formula
        if formula not in seconds_of_a_step:
            seconds_of_a_step[formula] = seconds_per_step(cell.structure, maker.potential)
        seconds += seconds_of_a_step[formula] * md.n_steps * runs_of_a_cell
        bytes_of_a_frame = 3 * len(cell.structure) * _BYTES_PER_COORDINATE
        if md.label_stride is not None:
            bytes_of_a_frame += 3 * len(cell.structure) * _BYTES_PER_LABEL / md.label_stride
        megabytes += bytes_of_a_frame * (md.n_steps // md.stride + 1) * runs_of_a_cell * _BASE64 / 1e6
    n_runs = len(cells) * runs_of_a_cell
    workers = min(len(os.sched_getaffinity(0)), n_runs)
    return CostEstimate(
        section="aimd" if isinstance(maker, AimdSetMaker) else "md",
        md_steps=n_runs * md.n_steps,
        core_hours=seconds / 3600,
        seconds_per_step=max(seconds_of_a_step.values()),
        wall_hours=None if isinstance(maker.potential, VaspSettings) else seconds / 3600 / workers,
        megabytes=megabytes,
    )


def seconds_per_step(structure: Structure, potential: PotentialSettings) -> float:
    """Time of one force evaluation on this machine, in s; of VASP, a guess from the number of atoms."""
    if isinstance(potential, VaspSettings):
        return _VASP_CORE_S * (len(structure) / _VASP_ATOMS) ** _VASP_POWER
    from superionic.potentials.load import load

    from_scratch = (
        isinstance(potential, Cp2kSettings) and potential.level == "pbesol"
    )  # every step as long as the first
    with closing(load(potential)) as loaded:
        session = loaded.session(structure.atomic_numbers)
        if not from_scratch:
            session.evaluate(structure.cart_coords, structure.lattice.matrix)
        start, n = time.perf_counter(), 0
        while n < _TIMED_EVALUATIONS and (n == 0 or time.perf_counter() - start < _ENOUGH_S):
            session.evaluate(structure.cart_coords, structure.lattice.matrix)
            n += 1
        return (time.perf_counter() - start) / n
