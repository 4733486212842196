"""superionic show: parse, call, print."""

from __future__ import annotations

import json
from pathlib import Path

import click

from superionic.cli.options import json_option, settings, store_option


@click.command("show")
@store_option
@click.option("--study", help="Only documents of this study.")
@click.option("--label", help="Only documents of this ordering.")
@json_option
def command(store_dir: Path | None, study: str | None, label: str | None, as_json: bool) -> None:
    """Show the documents: diffusivity of every run, Arrhenius fits, and what is wrong with them."""
    from superionic.cli import tables
    from superionic.query import arrhenius_documents, diffusivity_documents
    from superionic.stores import open_stores

    wanted = {"identity.study": study, "identity.label": label}
    criteria = {key: value for key, value in wanted.items() if value is not None}
    with open_stores(settings(store_dir)).connected() as stores:
        runs, fits = diffusivity_documents(stores, criteria), arrhenius_documents(stores, criteria)
    if as_json:
        click.echo(json.dumps(tables.as_json([*runs, *fits]), indent=2))
    else:
        tables.print_documents(runs, fits, tables.console())
