"""What a calculation cost: time, cores and where."""

from __future__ import annotations

import os
import resource
import socket
import time
from collections.abc import Iterable
from typing import Self

from pydantic import Field

from superionic.documents.base import Document


class Cost(Document):
    """Time that a calculation took from beginning to end: loading the potential or starting a code, and the work."""

    wall_s: float = Field(ge=0, description="Time by the clock in s")
    cpu_s: float | None = Field(
        ge=0,
        description="Time of processors in s, of all threads and of the processes that it started; None if unknown",
    )
    cores: int = Field(ge=1, description="Cores that it had; the largest number where it is a sum")
    core_hours: float = Field(ge=0, description="Wall time x cores in h, as clusters account for it")
    hosts: list[str] = Field(default_factory=list, description="Names of the machines")

    @classmethod
    def of(cls, wall_s: float, cpu_s: float | None, cores: int) -> Self:
        """Cost of something that was done on this machine.

        Parameters
        ----------
        wall_s, cpu_s, cores
            As the fields.
        """
        return cls(
            wall_s=wall_s, cpu_s=cpu_s, cores=cores, core_hours=wall_s * cores / 3600, hosts=[socket.gethostname()]
        )

    @classmethod
    def total(cls, costs: Iterable[Cost]) -> Cost | None:
        """Sum of costs; None if there are none.

        Parameters
        ----------
        costs
            Of parts done one after the other or side by side.
        """
        parts = list(costs)
        if not parts:
            return None
        cpu = [part.cpu_s for part in parts]
        return cls(
            wall_s=sum(part.wall_s for part in parts),
            cpu_s=None if None in cpu else sum(seconds for seconds in cpu if seconds is not None),
            cores=max(part.cores for part in parts),
            core_hours=sum(part.core_hours for part in parts),
            hosts=sorted({host for part in parts for host in part.hosts}),
        )


class Stopwatch:
    """Measures the cost of what this process does from now on.

    Parameters
    ----------
    cores
        Cores that the work may use; None for as many as threads are allowed here.
    """

    def __init__(self, cores: int | None = None) -> None:
        self.cores = cores or allowed_threads()
        self._wall, self._cpu = time.perf_counter(), _cpu_s()

    def cost(self) -> Cost:
        """Cost so far. Processes that were started count once they have ended and were waited for."""
        return Cost.of(time.perf_counter() - self._wall, _cpu_s() - self._cpu, self.cores)


def allowed_threads() -> int:
    """Threads that numerical libraries may start here: OMP_NUM_THREADS, else the cores this process may use."""
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    available = len(os.sched_getaffinity(0))
    return min(int(wanted), available) if wanted.isdecimal() and int(wanted) > 0 else available


def _cpu_s() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
