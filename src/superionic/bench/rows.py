"""What a benchmark measured, with the target it is held to."""

from __future__ import annotations

from typing import Any


def row(
    name: str, value: float, unit: str, *, at_least: float | None = None, at_most: float | None = None
) -> dict[str, Any]:
    """One measurement; `met` is None where there is no target."""
    target, met = None, None
    if at_least is not None:
        target, met = f">= {at_least:g}", bool(value >= at_least)
    elif at_most is not None:
        target, met = f"<= {at_most:g}", bool(value <= at_most)
    return {"name": name, "value": float(value), "unit": unit, "target": target, "met": met}


def in_words(measured: dict[str, Any]) -> str:
    """One measurement as a line."""
    verdict = "" if measured["met"] is None else f"  (target {measured['target']}: {_verdict(measured['met'])})"
    return f"{measured['name']:60s} {measured['value']:12.4g} {measured['unit']}{verdict}"


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"
