"""superionic bench NAME: parse, call, print."""

from __future__ import annotations

import importlib
import json

import click

from superionic.cli.options import json_option

BENCHMARKS = ("analysis", "evaluator", "gpu", "md", "structures")
ONE_THREAD = {"analysis", "evaluator", "md"}  # what is compared there is the code, not the machine


@click.command("bench")
@click.argument("name", type=click.Choice(BENCHMARKS))
@json_option
def command(name: str, as_json: bool) -> None:
    """Measure speed and memory of one room against the usual tools, all in this run."""
    from superionic.bench.rows import in_words
    from superionic.managers.threads import share_cores

    if name in ONE_THREAD:
        share_cores(workers=10**6)
    rows = importlib.import_module(f"superionic.bench.{name}").run()
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for measured in rows:
        click.echo(in_words(measured))
