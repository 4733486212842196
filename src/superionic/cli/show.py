"""superionic show: parse, call, print."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from superionic.cli.options import json_option, settings, store_option

if TYPE_CHECKING:
    from superionic.documents.validation import ValidationSummary
    from superionic.stores.connecting import Stores
    from superionic.stores.reading import Unreadable


@click.command("show")
@store_option
@click.option("--study", help="Only documents of this study.")
@click.option("--label", help="Only documents of this ordering.")
@click.option("--formula", help="Only documents of this reduced formula.")
@click.option("--engine", help="Only documents of this engine.")
@click.option("--potential", help="Only documents of this model, for example 0.3.0.")
@click.option("--class", "ordering_class", help="Only documents of this class of ordering, for example disordered.")
@click.option("--temperature", "temperature_K", type=float, help="Only runs at this temperature in K.")
@click.option("--tag", "tags", multiple=True, help="Only documents with this tag; may be given again.")
@click.option(
    "--verdict", type=click.Choice(["sufficient", "insufficient", "unusable"]), help="Only with this verdict."
)
@click.option("--costs", is_flag=True, help="Show what was calculated and what it cost, instead of results.")
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV tables, units in the names of the columns.")
def command(
    store_dir: Path | None,
    as_json: bool,
    as_csv: bool,
    costs: bool,
    temperature_K: float | None,
    tags: tuple[str, ...],
    **wanted: str | None,
) -> None:
    """Show the documents: diffusivity of every run, Arrhenius fits, comparisons, and what is wrong with them."""
    from superionic.cli import tables
    from superionic.cli.validations import validation_lines
    from superionic.stores import query
    from superionic.stores.connecting import open_stores

    if costs:
        _show_costs(store_dir, as_json, as_csv, temperature_K, tags, wanted)
        return
    unreadable: list[Unreadable] = []
    criteria = query.criteria(temperature_K=temperature_K, tags=tags, **wanted)
    with open_stores(settings(store_dir)).connected() as stores:
        read = query.diffusivity_documents if as_json else query.diffusivity_summaries
        runs = read(stores, criteria, unreadable)
        fits = query.arrhenius_documents(stores, criteria, unreadable) if temperature_K is None else []
        compared = query.comparison_documents(stores, criteria, unreadable) if temperature_K is None else []
        failures = query.failure_documents(stores, criteria, unreadable)
        validations = _validations(stores, criteria, unreadable, whole=as_json)
    if as_json:
        click.echo(json.dumps(tables.as_json([*runs, *fits, *compared, *validations]), indent=2))
    elif as_csv:
        click.echo(tables.as_csv(runs, fits, compared), nl=False)
    else:
        click.echo("\n".join([*tables.document_lines(runs, fits, compared), *validation_lines(validations)]))
    for message in (*failures, *unreadable):
        click.echo(f"superionic: {message}", err=True)


def _validations(
    stores: Stores, criteria: dict[str, Any], unreadable: list[Unreadable], *, whole: bool
) -> Sequence[ValidationSummary]:
    """Validations of a study, or of a potential; none where something else is asked for."""
    from superionic.stores.validations import validation_documents, validation_summaries

    fields = {"identity.study": "study", "identity.potential.model": "judgements.potential.model"}
    if not set(criteria) <= set(fields):
        return []
    read = validation_documents if whole else validation_summaries
    return read(stores, {fields[field]: value for field, value in criteria.items()}, unreadable)


def _show_costs(
    store_dir: Path | None,
    as_json: bool,
    as_csv: bool,
    temperature_K: float | None,
    tags: tuple[str, ...],
    wanted: dict[str, Any],
) -> None:
    from superionic.cli import costs
    from superionic.stores import query
    from superionic.stores.connecting import open_stores
    from superionic.stores.costs import cost_rows

    verdict = wanted.pop("verdict")
    if verdict is not None or temperature_K is not None:
        given = "--verdict" if verdict is not None else "--temperature"
        raise click.UsageError(f"{given} chooses among results; costs are summed over temperatures: leave it out")
    with open_stores(settings(store_dir)).connected() as stores:
        rows = cost_rows(stores.jobs, query.criteria(tags=tags, **wanted))
    if as_json:
        click.echo(json.dumps(costs.as_json(rows), indent=2))
    elif as_csv:
        click.echo(costs.as_csv(rows), nl=False)
    else:
        click.echo("\n".join(costs.lines(rows)))
