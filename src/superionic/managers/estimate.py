"""What a study will cost on this machine, from a few timed steps of its own cells."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from pymatgen.core import Structure

from superionic.documents import PotentialSettings
from superionic.dynamics.progress import format_duration
from superionic.study.load import Study

_TIMED_EVALUATIONS = 5
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


def estimate_cost(study: Study) -> CostEstimate:
    """Time a few evaluations of every ordering and scale them up."""
    host = study.load_host()
    protocols = study.md.protocols()
    seconds = 0.0
    coordinates = 0
    for maker in study.maker().ordering_makers:
        structure = maker.ordered(host)
        seconds += seconds_per_step(structure, study.potential) * study.md.n_steps * len(protocols)
        coordinates += 3 * len(structure) * (study.md.n_steps // study.md.stride + 1) * len(protocols)
    workers = min(len(os.sched_getaffinity(0)), study.n_runs)
    return CostEstimate(
        md_steps=study.n_runs * study.md.n_steps,
        cpu_hours=seconds / 3600,
        wall_hours=seconds / 3600 / workers,
        megabytes=coordinates * _BYTES_PER_COORDINATE * _BASE64 / 1e6,
    )


def seconds_per_step(structure: Structure, potential: PotentialSettings) -> float:
    """Time of one force evaluation on this machine, in s."""
    from superionic.potentials import load_chgnet

    chgnet = load_chgnet(potential.model, potential.device, potential.kernels)
    session = chgnet.session(structure.atomic_numbers)
    session.evaluate(structure.cart_coords, structure.lattice.matrix)
    start = time.perf_counter()
    for _ in range(_TIMED_EVALUATIONS):
        session.evaluate(structure.cart_coords, structure.lattice.matrix)
    return (time.perf_counter() - start) / _TIMED_EVALUATIONS
