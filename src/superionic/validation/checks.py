"""Three answers to every question: passed, failed, or unknown where the data do not decide.

With an error, a check passes if the whole 95 % interval is within what is accepted, and fails if all of it is outside.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from superionic.documents.estimate import Estimate
from superionic.documents.validation import Outcome, Question, ValidationCheck

Interval = tuple[float, float]


@dataclass(frozen=True)
class Accepted:
    """What a check accepts.

    Attributes
    ----------
    question, of
        What is asked, of what.
    threshold
        As the study sets it.
    low, high
        The values that it accepts.
    what
        Name of the value with its unit, for the reason.
    """

    question: Question
    of: str
    threshold: float
    low: float
    high: float
    what: str

    @classmethod
    def within(cls, question: Question, of: str, threshold: float, what: str, centre: float = 0.0) -> Accepted:
        """Values that deviate from a centre by no more than the threshold."""
        return cls(question, of, threshold, centre - threshold, centre + threshold, what)

    def estimate(self, found: Estimate) -> ValidationCheck:
        """The check of a number with its error."""
        return self.interval(found.value, found.interval_95)

    def interval(self, value: float, interval: Interval) -> ValidationCheck:
        """The check of a number with its 95 % interval."""
        start, end = interval
        if self.low <= start and end <= self.high:
            outcome = Outcome.PASSED
        elif end < self.low or start > self.high:
            outcome = Outcome.FAILED
        else:
            outcome = Outcome.UNKNOWN
        between = f", 95 % interval {start:.3g} to {end:.3g}" if end > start else ""
        return self._check(outcome, value, interval, f"{self.what} is {value:.3g}{between}; {self._accepts()}")

    def exact(self, value: float) -> ValidationCheck:
        """The check of a number without a statistical error."""
        outcome = Outcome.PASSED if self.low <= value <= self.high else Outcome.FAILED
        return self._check(outcome, value, None, f"{self.what} is {value:.3g}; {self._accepts()}")

    def undecided(self, reason: str, value: float | None = None) -> ValidationCheck:
        """The check where the data are not fit to decide, whatever they say."""
        return self._check(Outcome.UNKNOWN, value, None, reason)

    def failed(self, reason: str) -> ValidationCheck:
        """The check where something else than its number decides."""
        return self._check(Outcome.FAILED, None, None, reason)

    def _accepts(self) -> str:
        return f"{self.low:.3g} to {self.high:.3g} is accepted"

    def _check(self, outcome: Outcome, value: float | None, interval: Interval | None, reason: str) -> ValidationCheck:
        return ValidationCheck(
            question=self.question,
            of=self.of,
            outcome=outcome,
            value=value,
            interval_95=interval,
            threshold=self.threshold,
            reason=f"{self.question}, {self.of}: {reason}",
        )


def taken_together(checks: Iterable[ValidationCheck]) -> Outcome:
    """Failed if any check failed, else unknown if any is or there is none, else passed."""
    outcomes = {check.outcome for check in checks}
    if Outcome.FAILED in outcomes:
        return Outcome.FAILED
    return Outcome.PASSED if outcomes == {Outcome.PASSED} else Outcome.UNKNOWN
