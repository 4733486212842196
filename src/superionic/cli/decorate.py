"""superionic decorate HOST: parse, call, print."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from superionic.cli.structures import (
    crystal_options,
    host_of,
    report,
    seed_and_output_options,
    supercell_in_words,
    supercell_of,
    supercell_options,
)

if TYPE_CHECKING:
    from superionic.documents.decoration import DecorationSetDocument
    from superionic.structures.host import Host


@click.command("decorate")
@click.argument("host")
@supercell_options
@crystal_options
@click.option("--composition", required=True, help="Cations on the sites, for example In3Lu3Sc4Yb3Zr3.")
@click.option(
    "--arrangement",
    "arrangements",
    multiple=True,
    type=click.Choice(["layered", "clustered", "dispersed", "random"]),
    help="What to look for; may be repeated [default: all four].",
)
@click.option("--number", "n_each", default=1, show_default=True, help="Decorations of each arrangement.")
@click.option(
    "--site",
    "site_labels",
    multiple=True,
    help="Labels to decorate [default: those of the framework's cations, if of one element].",
)
@seed_and_output_options
def command(
    host: str,
    supercell: tuple[int, int, int],
    min_length_A: float | None,
    max_atoms: int,
    mobile: str | None,
    charges: tuple[str, ...],
    composition: str,
    arrangements: tuple[str, ...],
    n_each: int,
    site_labels: tuple[str, ...],
    seed: int,
    as_json: bool,
    out: Path | None,
    file_format: str,
) -> None:
    """Decorate the framework's cation sites of HOST with several elements and balance the charge."""
    from superionic.makers.high_entropy import HighEntropyMaker

    crystal = host_of(host, mobile, charges)
    document = HighEntropyMaker(
        composition=composition,
        supercell=supercell_of(supercell, min_length_A, max_atoms),
        arrangements=arrangements or ("layered", "clustered", "dispersed", "random"),  # type: ignore[arg-type]
        n_each=n_each,
        seed=seed,
        site_labels=site_labels or None,
    ).decorations(crystal)
    cells = {d.name: d.structure for d in document.decorations}
    report(document, _lines(document, crystal), cells, as_json, out, file_format)


def _lines(document: DecorationSetDocument, host: Host) -> Iterator[str]:
    from superionic.structures.summary import crystal_in_words, shortest_distance

    yield from crystal_in_words(host)
    yield supercell_in_words(document.supercell, host)
    yield f"decorated: {', '.join(document.site_labels)}; all other framework ions stay"
    yield (
        f"{document.formula}: {document.n_mobile_ions} mobile ions, {document.n_mobile_vacancies} fewer than ordered; "
        f"S = {document.entropy_R:.3f} R ({document.entropy_class} entropy); "
        f"{document.n_distinct} distinct decorations under {document.group_order} operations"
    )
    yield "  order parameter (z-score)  in plane         between planes   plane order      shortest distance"
    for decoration in document.decorations:
        reached, z = decoration.reached, decoration.z_scores
        columns = [
            _value(reached.in_plane, z.in_plane),
            _value(reached.between_planes, z.between_planes),
            _value(reached.plane_order, z.plane_order),
        ]
        closest, pair = shortest_distance(decoration.structure)
        remark = ""
        if decoration.arrangement == "random" and not decoration.typical_of_random:
            remark = "ordered by chance"
        values = "  ".join(f"{column:<15}" for column in columns)
        yield f"  {decoration.name:<25}  {values}  {pair} {closest:.2f} Å  {remark}".rstrip()


def _value(value: float | None, z: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:+.3f}" + ("" if z is None else f" ({z:+.1f})")
