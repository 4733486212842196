"""superionic inspect RUN: parse, call, print."""

from __future__ import annotations

import json
from pathlib import Path

import click

from superionic.cli.options import json_option, settings, store_option


@click.command("inspect")
@click.argument("run")
@store_option
@json_option
def command(run: str, store_dir: Path | None, as_json: bool) -> None:
    """Say what RUN is (its UUID, the first letters of it, or its label), and check every stored frame of it."""
    from superionic.stores.connecting import open_stores
    from superionic.stores.runs import find_run, iter_segments, load_summary
    from superionic.trajectories.inspection import inspect_run

    with open_stores(settings(store_dir)).connected() as stores:
        run_id = find_run(stores.jobs, run)
        found = inspect_run(iter_segments(stores.jobs, run_id), load_summary(stores.jobs, run_id))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        if name != "segments":
            click.echo(f"{name:<18} {value}")
    for row in found["segments"]:
        click.echo(
            f"  segment {row['segment']}: steps {row['first_step']} to {row['last_step']}, {row['frames']} frames, "
            f"{row['bytes'] / 1e6:.2f} MB, largest step {row['largest_step_A']:.2f} Å"
        )
