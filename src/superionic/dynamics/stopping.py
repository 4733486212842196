"""When a segment should end before its length: the batch system wants the machine back, or time runs out."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Left for storing the segment and for the manager's own work.
_MARGIN_S = 30.0
_MARGIN_SHARE = 0.02


class StopRequest:
    """Asked at every stored frame whether the segment should end there.

    Parameters
    ----------
    walltime_s
        Time the job has, counted from now, in s; None for as long as it takes.
    """

    def __init__(self, walltime_s: float | None = None) -> None:
        self._terminated = False
        self._deadline = None
        if walltime_s is not None:
            self._deadline = time.monotonic() + walltime_s - max(_MARGIN_S, _MARGIN_SHARE * walltime_s)

    def terminate(self) -> None:
        """Ask for the end of the segment at its next stored frame."""
        self._terminated = True

    def reason(self) -> str | None:
        """Why the segment should end now, None if it should go on."""
        if self._terminated:
            return "asked to terminate"
        if self._deadline is not None and time.monotonic() > self._deadline:
            return "walltime nearly used up"
        return None


@contextmanager
def watching_sigterm(walltime_s: float | None = None) -> Iterator[StopRequest]:
    """A stop request that SIGTERM sets, for the time of a with-block.

    Parameters
    ----------
    walltime_s
        As for StopRequest.
    """
    request = StopRequest(walltime_s)
    if threading.current_thread() is not threading.main_thread():  # only the main thread may handle signals
        yield request
        return

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
        request.terminate()

    before = signal.signal(signal.SIGTERM, handle)
    try:
        yield request
    finally:
        signal.signal(signal.SIGTERM, before)
