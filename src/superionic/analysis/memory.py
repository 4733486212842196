"""How much memory an analysis may take if no one says."""

from __future__ import annotations

from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_SHARE = 0.25
_UNKNOWN = 4e9


def default_memory_bytes() -> float:
    """A quarter of the memory that is free now, on the machine or in the container, so that several analyses fit."""
    return _SHARE * min(_machine_bytes(), _container_bytes())


def _machine_bytes() -> float:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return _UNKNOWN
    return next((1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable")), _UNKNOWN)


def _container_bytes() -> float:
    try:
        limit, used = ((_CGROUP / f"memory.{name}").read_text(encoding="ascii").strip() for name in ("max", "current"))
    except OSError:
        return float("inf")
    return float("inf") if limit == "max" else max(float(limit) - float(used), 0.0)
