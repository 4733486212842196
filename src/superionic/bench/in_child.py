"""Time and memory of a piece of work, measured in a process of its own."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Measured:
    """What a piece of work gave, in how many seconds, and the memory in MB it took beyond what was there before it.

    CPU seconds are those of its process, and say more than others on a busy machine. Memory is NaN without /proc.
    """

    value: Any
    seconds: float
    cpu_seconds: float
    memory_MB: float


def measured(work: Callable[..., Iterator[Any]], *arguments: Any) -> Measured:
    """Do `work` in a new process.

    Parameters
    ----------
    work
        A generator function of a module: what it does before its first yield is not measured, its second yield is
        the value.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_measure, work, arguments).result()


def _measure(work: Callable[..., Iterator[Any]], arguments: tuple[Any, ...]) -> Measured:
    steps = work(*arguments)
    next(steps)
    gc.collect()
    before = _reset_peak()
    start, cpu_start = time.perf_counter(), time.process_time()
    value = next(steps)
    return Measured(value, time.perf_counter() - start, time.process_time() - cpu_start, _MB("VmHWM") - before)


def _reset_peak() -> float:
    if not _STATUS.exists():
        return float("nan")
    Path("/proc/self/clear_refs").write_text("5")
    return _MB("VmRSS")


def _MB(field: str) -> float:
    if not _STATUS.exists():
        return float("nan")
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024
