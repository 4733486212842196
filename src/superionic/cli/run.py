"""superionic run STUDY.yaml: parse, call, print."""

from __future__ import annotations

import os
from pathlib import Path

import click

from superionic.cli.options import settings, store_option, study_argument


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
    from superionic.cli.running import run_here
    from superionic.cli.tables import document_lines
    from superionic.cli.validations import validation_lines
    from superionic.plots.arrhenius import plot_arrhenius
    from superionic.stores.connecting import open_stores
    from superionic.stores.query import arrhenius_documents, comparison_documents, diffusivity_summaries
    from superionic.stores.reading import Unreadable
    from superionic.stores.studies import record_settings
    from superionic.stores.validations import validation_summaries
    from superionic.study.load import load_study

    study = load_study(study_file)
    plan = study.plan()
    with open_stores(chosen).connected() as stores:
        record_settings(stores.studies, study.name, study.analysis)
        run = run_here(plan.flow(), plan.n_steps, stores, chosen, workers)
        built = build_documents(stores, chosen.analysis_memory_GB)
        criteria, unreadable = {"identity.study": study.name}, list[Unreadable]()  # those are among the failures
        runs = diffusivity_summaries(stores, criteria, unreadable)
        fits = arrhenius_documents(stores, criteria, unreadable)
        compared = comparison_documents(stores, criteria, unreadable)
        validations = validation_summaries(stores, {"study": study.name}, unreadable)
    click.echo("\n".join([*document_lines(runs, fits, compared), *validation_lines(validations)]))
    if fits:
        click.echo(
            f"Arrhenius plot: {plot_arrhenius(fits, (figures or chosen.store_dir / study.name) / 'arrhenius.png')}"
        )
    for failure in built.failures:
        click.echo(f"superionic: {failure}", err=True)
    if run.failed or run.skipped or built.failures:
        raise click.exceptions.Exit(1)
