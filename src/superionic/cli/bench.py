"""superionic bench NAME: parse, call, print."""

from __future__ import annotations

import importlib
import json

import click

from superionic.cli.options import json_option

BENCHMARKS = ("analysis", "calibration", "evaluator", "gpu", "md", "nve", "sensitivity", "structures", "trajectories")
# What is compared there is the code, not the machine.
ONE_THREAD = {"analysis", "calibration", "evaluator", "md", "nve", "sensitivity", "trajectories"}
WITH_LARGE_CASE = {"analysis", "trajectories"}
WITH_SEEDS = {"calibration", "sensitivity"}


@click.command("bench")
@click.argument("name", type=click.Choice(BENCHMARKS))
@click.option(
    "--large",
    is_flag=True,
    help="The large case of 'analysis' or 'trajectories': 160 atoms x 500,000 frames, in minutes.",
)
@click.option("--seeds", type=click.IntRange(min=1), help="Walks of each kind in 'calibration' or 'sensitivity'.")
@json_option
def command(name: str, large: bool, seeds: int | None, as_json: bool) -> None:
    """Measure speed and memory of one room against the usual tools, all in this run."""
    if large and name not in WITH_LARGE_CASE:
        raise click.UsageError(f"bench {name} has no large case")
    if seeds and name not in WITH_SEEDS:
        raise click.UsageError(f"bench {name} has no seeds")
    from superionic.bench import rows
    from superionic.managers.threads import share_cores

    if name in ONE_THREAD:
        share_cores(workers=10**6)
    options = {**({"large": True} if large else {}), **({"seeds": seeds} if seeds else {})}
    bench = importlib.import_module(f"superionic.bench.{name}")
    if as_json:
        click.echo(json.dumps(list(bench.run(**options)), indent=2))
        return
    in_words = getattr(bench, "in_words", rows.in_words)
    for measured in bench.run(**options):  # those that take minutes come one by one
        click.echo(in_words(measured))
