"""superionic run STUDY.yaml: parse, call, print."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from superionic.cli.options import settings, store_option, study_argument

if TYPE_CHECKING:
    from superionic.dynamics.stopping import StopRequest


@click.command("run")
@study_argument
@store_option
@click.option("--workers", type=click.IntRange(min=1), help="Processes side by side [default: one a core].")
@click.option("--figures", type=click.Path(path_type=Path, file_okay=False), help="Folder of the figures.")
def command(study_file: Path, store_dir: Path | None, workers: int | None, figures: Path | None) -> None:
    """Run the study on this machine, build its documents, print them and draw the Arrhenius plot.

    Run again, it finds what is finished and does nothing twice; stopped or killed and run again, it goes on.
    """
    chosen = settings(store_dir)
    workers = workers or chosen.workers or len(os.sched_getaffinity(0))
    from superionic.managers.threads import share_cores

    share_cores(workers)  # before numpy and torch are loaded
    from superionic.builders import build_documents
    from superionic.cli.tables import document_lines
    from superionic.managers.identity import with_content_uuids
    from superionic.managers.local import run_flow
    from superionic.managers.progress import StepCount, shown, steps_stored
    from superionic.plots.arrhenius import plot_arrhenius
    from superionic.stores.connecting import open_stores
    from superionic.stores.query import arrhenius_documents, comparison_documents, diffusivity_summaries
    from superionic.stores.reading import Unreadable
    from superionic.stores.studies import record_settings
    from superionic.study.load import load_study

    study = load_study(study_file)
    plan = study.plan()
    flow = with_content_uuids(plan.flow())
    with open_stores(chosen).connected() as stores:
        record_settings(stores.studies, study.name, study.analysis)
        count = StepCount(plan.n_steps, steps_stored(flow, stores.jobs))
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
        built = build_documents(stores, chosen.analysis_memory_GB)
        criteria, unreadable = {"identity.study": study.name}, list[Unreadable]()  # those are among the failures
        runs = diffusivity_summaries(stores, criteria, unreadable)
        fits = arrhenius_documents(stores, criteria, unreadable)
        compared = comparison_documents(stores, criteria, unreadable)
    click.echo("\n".join(document_lines(runs, fits, compared)))
    if fits:
        click.echo(
            f"Arrhenius plot: {plot_arrhenius(fits, (figures or chosen.store_dir / study.name) / 'arrhenius.png')}"
        )
    for failure in built.failures:
        click.echo(f"superionic: {failure}", err=True)
    if run.failed or run.skipped or built.failures:
        raise click.exceptions.Exit(1)


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
