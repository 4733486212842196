"""superionic check STUDY.yaml: parse, call, print."""

from __future__ import annotations

from pathlib import Path

import click

from superionic.cli.options import study_argument


@click.command("check")
@study_argument
def command(study_file: Path) -> None:
    """Check STUDY_FILE and print its jobs, their number and what they will cost, without running them."""
    from superionic.managers.estimate import estimate_cost
    from superionic.managers.identity import jobs_of
    from superionic.study.load import load_study

    study = load_study(study_file)
    host = study.load_host()
    flow = study.maker().make(host)
    jobs = jobs_of(flow)
    n_orderings = len(study.maker().ordering_makers)
    click.echo(f"study {study.name}: {n_orderings} ordering(s) of {host.name}, {study.n_runs} MD run(s)")
    for job in jobs:
        click.echo(f"  {job.name}")
    segments = study.n_runs * study.md.n_segments
    click.echo(
        f"{len(jobs)} jobs to submit, {len(jobs) + segments} in all: every MD run goes on in segments of its own"
    )
    together = "evaluated together, in batches" if study.potential.in_batches else "each evaluated by itself"
    click.echo(f"runs side by side on one machine ({study.potential.device}): {together}")
    cost = estimate_cost(study)
    for line in cost.lines():
        click.echo(line)
