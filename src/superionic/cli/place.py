"""superionic place STRUCTURE: parse, call, print."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from superionic.cli.structures import crystal_options, host_of, report, seed_and_output_options

if TYPE_CHECKING:
    from superionic.documents.placement import PlacementDocument
    from superionic.structures.host import Host


@click.command("place")
@click.argument("structure_files", metavar="STRUCTURE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--host", required=True, help="Host crystal: a packaged name, or the path of a host.yaml or CIF.")
@click.option("--method", type=click.Choice(["random", "anneal"]), default="anneal", show_default=True)
@click.option("--energy", type=click.Choice(["shifted-force", "ewald"]), default="ewald", show_default=True)
@click.option("--candidates", "n_candidates", default=30_000, show_default=True, help="Random placements to draw.")
@click.option("--swaps", "n_swaps", default=4_000_000, show_default=True, help="Swaps of each annealing chain.")
@click.option("--chains", "n_chains", default=24, show_default=True, help="Annealing chains.")
@click.option("--cutoff", "cutoff_A", default=10.0, show_default=True, help="Cutoff of the shifted force in Å.")
@click.option(
    "--site", "site_labels", multiple=True, help="Labels to use [default: those with cations in the crystal]."
)
@click.option("--keep", default=10, show_default=True, help="Distinct placements to keep for each structure.")
@click.option("--shared", is_flag=True, help="The same mobile ions in all structures.")
@crystal_options
@seed_and_output_options
def command(
    structure_files: tuple[Path, ...],
    host: str,
    mobile: str | None,
    charges: tuple[str, ...],
    site_labels: tuple[str, ...],
    shared: bool,
    as_json: bool,
    out: Path | None,
    file_format: str,
    **search: object,
) -> None:
    """Place the mobile ions of ordered frameworks: CIF or POSCAR files of STRUCTURE.

    Mobile ions that a file already has are ignored. Several files are placed together.
    """
    from superionic.makers.placement import PlacementMaker
    from superionic.structures.carry import read_framework
    from superionic.structures.placement import PlacementSearch

    crystal = host_of(host, mobile, charges)
    document = PlacementMaker(
        search=PlacementSearch(site_labels=site_labels or None, **search),  # type: ignore[arg-type]
        sublattice="shared" if shared else "per_framework",
    ).placements({path.stem: read_framework(path) for path in structure_files}, crystal)
    cells = {f"{c.framework}-{c.rank}": c.ordering.structure for c in document.cells}
    report(document, _lines(document, crystal), cells, as_json, out, file_format)


def _lines(document: PlacementDocument, host: Host) -> Iterator[str]:
    from superionic.structures.composition import cell_beside_crystal, in_words
    from superionic.structures.summary import crystal_in_words, shortest_distance

    yield from crystal_in_words(host)
    yield f"{document.energy} energies, {document.method} search, {document.sublattice} sublattice"
    for cell in document.cells:
        closest, pair = shortest_distance(cell.ordering.structure)
        yield (
            f"  {cell.framework} {cell.rank:>3}  {cell.energy_eV:12.4f} eV  x {cell.multiplicity}  "
            f"image {cell.image}  {cell.ordering.formula}  "
            f"shortest {pair} {closest:.2f} Å"
        )
    for name, structure in {cell.framework: cell.ordering.structure for cell in document.cells}.items():
        yield f"ions of {name}: {in_words(cell_beside_crystal(host, structure))}"
