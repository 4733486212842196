"""superionic bench NAME: parse, call, print."""

from __future__ import annotations

import importlib
import json

import click

from superionic.cli.options import json_option

BENCHMARKS = ("analysis", "calibration", "evaluator", "gpu", "md", "nve", "structures", "trajectories")
# What is compared there is the code, not the machine.
ONE_THREAD = {"analysis", "calibration", "evaluator", "md", "nve", "trajectories"}
WITH_LARGE_CASE = {"analysis", "trajectories"}


@click.command("bench")
@click.argument("name", type=click.Choice(BENCHMARKS))
@click.option(
    "--large",
    is_flag=True,
    help="The large case of 'analysis' or 'trajectories': 160 atoms x 500,000 frames, in minutes.",
)
@json_option
def command(name: str, large: bool, as_json: bool) -> None:
    """Measure speed and memory of one room against the usual tools, all in this run."""
    if large and name not in WITH_LARGE_CASE:
        raise click.UsageError(f"bench {name} has no large case")
    from superionic.bench.rows import in_words
    from superionic.managers.threads import share_cores

    if name in ONE_THREAD:
        share_cores(workers=10**6)
    options = {"large": True} if large else {}
    rows = importlib.import_module(f"superionic.bench.{name}").run(**options)
    if as_json:
        click.echo(json.dumps(list(rows), indent=2))
        return
    for measured in rows:  # those that take minutes come one by one
        click.echo(in_words(measured))
