"""superionic check STUDY.yaml: parse, call, print."""

from __future__ import annotations

from pathlib import Path

import click

from superionic.cli.options import study_argument


@click.command("check")
@study_argument
def command(study_file: Path) -> None:
    """Check STUDY_FILE and print its jobs, their number and what they will cost, without running them."""
    from superionic.managers.identity import jobs_of
    from superionic.structures.composition import cell_beside_crystal, in_words
    from superionic.structures.summary import crystal_in_words, shortest_distance
    from superionic.study.cost import estimate_costs
    from superionic.study.load import load_study

    study = load_study(study_file)
    plan = study.plan()
    jobs = jobs_of(plan.flow())
    click.echo(f"study {study.name}: {len(plan.cells)} ordering(s) of {plan.host.name}, {plan.n_runs} MD run(s)")
    for line in crystal_in_words(plan.host):
        click.echo(line)
    for cell in plan.cells:
        closest, pair = shortest_distance(cell.structure)
        ions = in_words(cell_beside_crystal(plan.host, cell.structure))
        click.echo(f"{cell.where}: {ions}; shortest distance {pair} {closest:.2f} Å")
    for job in jobs:
        click.echo(f"  {job.name}")
    click.echo(
        f"{len(jobs)} jobs to submit, {len(jobs) + plan.n_segments} in all: every MD run goes on in segments of its own"
    )
    together = any(maker.potential.in_batches for maker in plan.md_makers)
    how = "evaluated together, in batches" if together else "each evaluated by itself"
    click.echo(f"runs side by side on one machine: {how}")
    for estimate in estimate_costs(plan):
        for line in estimate.lines():
            click.echo(line)
