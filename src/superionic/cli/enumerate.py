"""superionic enumerate HOST: parse, call, print."""

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
    from superionic.documents.frameworks import FrameworkSetDocument
    from superionic.structures.host import Host


@click.command("enumerate")
@click.argument("host")
@supercell_options
@crystal_options
@click.option("--move", "moves", multiple=True, help="SPECIES:FROM:TO:COUNT, for example In:2b:4g:1; labels by commas.")
@click.option("--occupancy-tolerance", default=0.0, show_default=True, help="Change of an occupancy to accept.")
@click.option("--composition-tolerance", default=0.02, show_default=True, help="Share of mobile ions that may differ.")
@click.option("--max", "max_distinct", default=1000, show_default=True, help="Most frameworks to enumerate.")
@click.option("--samples", "n_samples", type=int, help="Draw so many distinct frameworks instead of all.")
@seed_and_output_options
def command(
    host: str,
    supercell: tuple[int, int, int],
    min_length_A: float | None,
    max_atoms: int,
    mobile: str | None,
    charges: tuple[str, ...],
    moves: tuple[str, ...],
    occupancy_tolerance: float,
    composition_tolerance: float,
    max_distinct: int,
    n_samples: int | None,
    seed: int,
    as_json: bool,
    out: Path | None,
    file_format: str,
) -> None:
    """Enumerate the symmetry-distinct frameworks of HOST (a packaged name, or the path of a host.yaml, CIF or POSCAR).

    Without --move, the crystal's own partial occupancies are realised.
    """
    from superionic.makers.disorder import DisorderMaker

    crystal = host_of(host, mobile, charges)
    document = DisorderMaker(
        supercell=supercell_of(supercell, min_length_A, max_atoms),
        moves=list(moves) or None,
        occupancy_tolerance=occupancy_tolerance,
        composition_tolerance=composition_tolerance,
        max_distinct=max_distinct,
        n_samples=n_samples,
        seed=seed,
    ).frameworks(crystal)
    cells = {f.name: f.structure for f in document.frameworks}
    report(document, _lines(document, crystal), cells, as_json, out, file_format)


def _lines(document: FrameworkSetDocument, host: Host) -> Iterator[str]:
    from superionic.structures.composition import in_words
    from superionic.structures.summary import crystal_in_words, shortest_distance

    yield from crystal_in_words(host)
    yield supercell_in_words(document.supercell, host)
    if document.ions is not None:
        yield f"ions of every cell: {in_words(document.ions)}"
    yield (
        f"{document.n_distinct} distinct frameworks of {document.n_configurations} configurations "
        f"under {document.group_order} operations"
        + ("" if document.complete else f"; {len(document.frameworks)} sampled")
    )
    for label, row in (document.occupancies or {}).items():
        for element, (wanted, realised) in row.items():
            yield f"occupancy of {label} by {element}: {wanted:g} in the crystal, {realised:.4g} here"
    for framework in document.frameworks:
        layers = ":".join(map(str, framework.ions_per_layer or [])) or "-"
        closest, pair = shortest_distance(framework.structure)
        clusters = ", ".join(f"{c.size} ({c.stacked} stacked)" for c in framework.clusters) or "none"
        yield (
            f"  {framework.name:<10} x {framework.multiplicity:<6} layers {layers:<8} {framework.parity or '-':<6} "
            f"shortest {pair} {closest:.2f} Å  edge-sharing clusters: {clusters}"
        )
