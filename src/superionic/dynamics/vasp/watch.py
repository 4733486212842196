"""What VASP is told and asked while it runs: to stop after its step, and how far it is."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from superionic.dynamics.progress import Progress
from superionic.dynamics.stopping import StopRequest

_POLL_S = 1.0
_STEP = re.compile(r"^\s*(\d+)\s+T=\s*(\S+?)\.?\s+E=\s*(\S+)\s+F=\s*(\S+)", re.MULTILINE)


@contextmanager
def watched(folder: Path, progress: Progress, first_step: int, n_atoms: int, request: StopRequest) -> Iterator[None]:
    """Report VASP's steps and pass on a request to stop, for the time of a with-block.

    Parameters
    ----------
    folder
        Where VASP runs.
    progress
        Where steps are reported.
    first_step
        Step of the run that VASP calls 1.
    n_atoms
        Atoms.
    request
        Once it has a reason, STOPCAR tells VASP to end after its present step (LSTOP).
    """
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_POLL_S):
            if request.reason():
                (folder / "STOPCAR").write_text("LSTOP = .TRUE.\n")
            _report(folder / "OSZICAR", progress, first_step, n_atoms)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _report(oszicar: Path, progress: Progress, first_step: int, n_atoms: int) -> None:
    try:
        steps = _STEP.findall(oszicar.read_text())
        if steps:
            number, temperature, total, potential = steps[-1]
            drift = float(total) - float(steps[0][2])
            progress.update(
                first_step + int(number) - 1, float(temperature), float(potential) / n_atoms, drift / n_atoms * 1e3
            )
    except (OSError, ValueError):  # not there yet, cut short, or asterisks: no reason to end a run
        return
