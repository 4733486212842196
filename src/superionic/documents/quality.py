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


class Check(Document):
    """One question asked of the data, with its answer."""

    name: str = Field(description="What was checked, for example 'hops per ion'")
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
