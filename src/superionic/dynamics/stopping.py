"""When a segment should end before its length: the machine is wanted back, or what it does means nothing any more."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import numpy as np
from ase.units import kB

from superionic.documents import MDProtocol
from superionic.dynamics.contract import Frame

# Left for storing the segment and for the manager's own work.
_MARGIN_S = 30.0
_MARGIN_SHARE = 0.02
# A run this much hotter than its thermostat asks for is no longer integrating anything physical.
_EXPLODED_TEMPERATURE_RATIO = 10.0
# A segment whose conserved quantity changes by more than the mean kinetic energy times this does not conserve it.
_RUN_AWAY_RATIO = 3.0


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


def trouble(frame: Frame, first: Frame, protocol: MDProtocol, n_atoms: int) -> str | None:
    """Why a run must not go on from a frame; None if it may.

    Parameters
    ----------
    frame
        What its step reports.
    first
        What the step at which the segment starts reported.
    protocol, n_atoms
        Of the run.
    """
    temperature, target = frame.temperature_K, protocol.temperature_K
    if not (np.isfinite(temperature) and temperature < _EXPLODED_TEMPERATURE_RATIO * target):
        return (
            f"exploded at step {frame.step}: the kinetic temperature is {temperature:.4g} K at a target of {target:g} K"
        )
    drift = abs(frame.conserved_energy_eV - first.conserved_energy_eV) / n_atoms
    if drift > _RUN_AWAY_RATIO * 1.5 * kB * target:
        return (
            f"the energy ran away by step {frame.step}: what the dynamics conserves has changed by {drift:.3g} eV/atom "
            f"since step {first.step}, more than {_RUN_AWAY_RATIO:g} times the mean kinetic energy at {target:g} K"
        )
    return None
