"""What of a flow is new to a queue: content decides, so that no job is submitted twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from jobflow import Flow

from superionic.errors import InputError
from superionic.managers.identity import jobs_of


@dataclass(frozen=True)
class Submission:
    """Outcome of a submission.

    Attributes
    ----------
    submitted
        Names of the jobs that are new in the queue.
    known
        State of each job that was there before, by UUID.
    """

    submitted: list[str]
    known: Mapping[str, str]

    def lines(self) -> list[str]:
        """The outcome in words."""
        lines = [f"{len(self.submitted)} jobs submitted"] if self.submitted else ["nothing new to submit"]
        if self.known:
            states = ", ".join(f"{count} {state}" for state, count in sorted(Counter(self.known.values()).items()))
            lines.append(f"{len(self.known)} jobs were submitted before: {states}")
        return lines


def new_part(flow: Flow, known: Mapping[str, str]) -> Flow | None:
    """The jobs of `flow` that a queue does not have yet, as a flow of their own; None if it has all.

    Parameters
    ----------
    flow
        A flow with content UUIDs (see :func:`superionic.managers.identity.with_content_uuids`).
    known
        State of those of its jobs that the queue has, by UUID.

    Raises
    ------
    InputError
        If a new job needs the output of a known one that is not completed.
    """
    jobs = [job for job in jobs_of(flow) if job.uuid not in known]
    if not known or not jobs:
        return flow if jobs else None
    for job in jobs:
        waiting = {uuid: known[uuid] for uuid in job.input_uuids if known.get(uuid, "COMPLETED") != "COMPLETED"}
        if waiting:
            uuid, state = next(iter(waiting.items()))
            raise InputError(
                f"new job {job.name!r} needs job {uuid}, which was submitted before and is {state}: "
                "submit again when it is COMPLETED"
            )
        job.hosts = []
    return Flow(jobs, name=flow.name)
