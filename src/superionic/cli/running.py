"""A flow run on this machine by a command: progress on the terminal, signals that end it cleanly, failures by name."""

from __future__ import annotations

import signal
import sys
from concurrent.futures.process import BrokenProcessPool
from types import FrameType
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from jobflow import Flow

    from superionic.dynamics.stopping import StopRequest
    from superionic.managers.scheduler import LocalRun
    from superionic.settings import SuperionicSettings
    from superionic.stores.connecting import Stores


def run_here(flow: Flow, n_steps: int, stores: Stores, chosen: SuperionicSettings, workers: int) -> LocalRun:
    """Run a flow to its end, going on where it stopped before.

    Parameters
    ----------
    flow
        The flow.
    n_steps
        MD steps of all of it.
    stores
        The stores, connected.
    chosen
        Settings of this installation.
    workers
        Processes side by side.

    Raises
    ------
    KeyboardInterrupt
        If it was asked to stop; what was done is stored.
    """
    from superionic.managers.identity import with_content_uuids
    from superionic.managers.local import run_flow
    from superionic.managers.mending import mend
    from superionic.managers.progress import StepCount, shown, steps_stored

    flow = with_content_uuids(flow)
    for line in mend(stores, flow, chosen.store_dir):
        click.echo(f"superionic: {line}", err=True)
    count = StepCount(n_steps, steps_stored(flow, stores.jobs))
    try:
        with shown(count) as watch:
            run = run_flow(flow, stores.jobs, chosen.store_dir, workers, watch, _stop_on_signals())
    except BrokenProcessPool:
        raise click.ClickException(
            "a worker process died, perhaps for lack of memory: the same command goes on where it stopped"
        ) from None
    click.echo(f"{len(run.done)} jobs done, {len(run.found)} of them before; {len(run.failed)} failed")
    for key, error in run.failed.items():
        click.echo(f"superionic: job {run.names[key]!r} failed: {error} (log in {run.folders[key]})", err=True)
    if run.stopped:
        raise KeyboardInterrupt
    return run


def _stop_on_signals() -> StopRequest:
    """SIGTERM and Ctrl-C end the run cleanly; the second one at once."""
    from superionic.dynamics.stopping import StopRequest

    request = StopRequest()

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
        if request.reason():
            raise KeyboardInterrupt
        request.terminate()
        # Not click.echo: it would write past the bars on the terminal, into the last of them.
        sys.stderr.write("superionic: storing what the running segments have; once more to stop at once\n")

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
    return request
