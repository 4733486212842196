"""The verdict every document gives on its own statistics."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field

from superionic.documents.base import Document


class Verdict(StrEnum):
    """How far a number can be trusted."""

    SUFFICIENT = "sufficient"
    INSUFFICIENT = "insufficient"
    UNUSABLE = "unusable"


class CheckName(StrEnum):
    """What is asked of a run, of a fit over temperatures, and of a comparison."""

    HOPS_PER_ION = "hops per ion"
    RELATIVE_ERROR = "relative error of D"
    ERROR_BY_HOP_COUNT = "relative error by hop count"
    LINEAR_MSD = "linear MSD"
    FRAMEWORK_INTACT = "framework intact"
    MEAN_TEMPERATURE = "mean temperature"
    EQUILIBRATION = "equilibration"
    SITES_OF_HOST = "sites of the host"
    RUN_COMPLETE = "run complete"

    TEMPERATURES = "temperatures"
    ALL_RUNS = "all runs of the group"
    SUFFICIENT_POINTS = "points with sufficient statistics"
    ARRHENIUS_LAW = "Arrhenius law"
    EXTRAPOLATION = "extrapolation"

    GROUPS_COMPARED = "groups compared"
    SUFFICIENT_DIFFERENCES = "differences with sufficient statistics"
    NOTHING_LEFT_OUT = "nothing left out"


class Check(Document):
    """One question asked of the data, with its answer."""

    name: CheckName = Field(description="What was checked, for example 'hops per ion'")
    passed: bool = Field(description="Whether the check was passed")
    fatal: bool = Field(False, description="Whether failing makes the number unusable, not merely imprecise")
    value: float | None = Field(None, description="The value found, in the unit that `name` or `reason` states")
    threshold: float | None = Field(None, description="The value asked for, in the same unit")
    reason: str = Field(description="One sentence: what was found against what is needed")


class Quality(Document):
    """Verdict on a document, and why."""

    verdict: Verdict = Field(description="sufficient | insufficient (poor statistics) | unusable (wrong physics)")
    reasons: list[str] = Field(default_factory=list, description="Why the verdict is not 'sufficient'")
    checks: list[Check] = Field(default_factory=list, description="Every check made, passed or not")
    caveats: list[str] = Field(
        default_factory=list,
        description="What statistics cannot tell, and is no part of the verdict: a potential that was not validated "
        "for such a run",
    )

    @classmethod
    def from_checks(cls, checks: Iterable[Check]) -> Quality:
        """Verdict from checks: any fatal failure is unusable, any other failure insufficient."""
        checks = list(checks)
        failed = [check for check in checks if not check.passed]
        if any(check.fatal for check in failed):
            verdict = Verdict.UNUSABLE
        else:
            verdict = Verdict.INSUFFICIENT if failed else Verdict.SUFFICIENT
        return cls(verdict=verdict, reasons=[check.reason for check in failed], checks=checks)
