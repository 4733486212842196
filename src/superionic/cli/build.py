"""superionic build: parse, call, print."""

from __future__ import annotations

from pathlib import Path

import click

from superionic.cli.options import settings, store_option


@click.command("build")
@store_option
@click.option("--temperature", "extrapolation_temperature_K", default=300.0, show_default=True, help="In K.")
def command(store_dir: Path | None, extrapolation_temperature_K: float) -> None:
    """Build diffusivity, Arrhenius and comparison documents from what is stored; what is up to date is left alone."""
    from superionic.builders import build_documents
    from superionic.errors import InputError
    from superionic.stores.connecting import open_stores

    if extrapolation_temperature_K <= 0:
        raise InputError(f"--temperature {extrapolation_temperature_K:g} is not positive: give it in K")
    chosen = settings(store_dir)
    with open_stores(chosen).connected() as stores:
        built = build_documents(stores, extrapolation_temperature_K, chosen.analysis_memory_GB)
    click.echo(
        f"built {built.diffusivity} diffusivity, {built.arrhenius} Arrhenius, {built.comparison} comparison documents"
    )
    for failure in built.failures:
        click.echo(f"superionic: {failure}", err=True)
    if built.failures:
        raise click.exceptions.Exit(1)
