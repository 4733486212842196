"""superionic bench NAME: parse, call, print."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import click

from superionic.cli.options import json_option

BENCHMARKS = (
    "analysis",
    "calibration",
    "cli",
    "crystals",
    "evaluator",
    "gpu",
    "md",
    "nve",
    "sensitivity",
    "structures",
    "training",
    "trajectories",
)
# What is compared there is the code, not the machine.
ONE_THREAD = {"analysis", "calibration", "evaluator", "md", "nve", "sensitivity", "training", "trajectories"}
WITH_LARGE_CASE = {"analysis", "trajectories"}
WITH_SEEDS = {"calibration", "sensitivity"}


@click.command("bench")
@click.argument("name", type=click.Choice(BENCHMARKS))
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--mobile", help="For 'crystals': the mobile ion where more than one qualifies.")
@click.option(
    "--large",
    is_flag=True,
    help="The large case of 'analysis' or 'trajectories': 160 atoms x 500,000 frames, in minutes.",
)
@click.option("--seeds", type=click.IntRange(min=1), help="Walks of each kind in 'calibration' or 'sensitivity'.")
@json_option
def command(name: str, folder: Path | None, mobile: str | None, large: bool, seeds: int | None, as_json: bool) -> None:
    """Measure one room, all in this run.

    Speed and memory against the usual tools; 'crystals' carries every CIF of FOLDER from its file to an ordered cell.
    """
    if (name == "crystals") != (folder is not None):
        raise click.UsageError("bench crystals needs a folder of CIF files; the others take none")
    if large and name not in WITH_LARGE_CASE:
        raise click.UsageError(f"bench {name} has no large case")
    if seeds and name not in WITH_SEEDS:
        raise click.UsageError(f"bench {name} has no seeds")
    from superionic.bench import rows
    from superionic.managers.threads import share_cores

    if name in ONE_THREAD:
        share_cores(workers=10**6)
    options: dict[str, Any] = {**({"large": True} if large else {}), **({"seeds": seeds} if seeds else {})}
    if folder is not None:
        options = {"folder": folder, "mobile": mobile}
    bench = importlib.import_module(f"superionic.bench.{name}")
    if as_json:
        click.echo(json.dumps(list(bench.run(**options)), indent=2))
        return
    in_words = getattr(bench, "in_words", rows.in_words)
    for measured in bench.run(**options):  # those that take minutes come one by one
        click.echo(in_words(measured))
