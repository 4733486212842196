"""superionic bench NAME: parse, call, print."""

from __future__ import annotations

import importlib
import json

import click

from superionic.cli.options import json_option

BENCHMARKS = ("analysis", "evaluator", "md", "structures")


@click.command("bench")
@click.argument("name", type=click.Choice(BENCHMARKS))
@json_option
def command(name: str, as_json: bool) -> None:
    """Measure speed and memory of one room against the usual tools, all in this run."""
    from superionic.managers.threads import share_cores

    share_cores(workers=10**6)  # one thread: what is compared is the code, not the machine
    rows = importlib.import_module(f"superionic.bench.{name}").run()
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        verdict = "" if row["met"] is None else f"  (target {row['target']}: {'met' if row['met'] else 'MISSED'})"
        click.echo(f"{row['name']:60s} {row['value']:12.4g} {row['unit']}{verdict}")
