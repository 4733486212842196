"""Options and output that enumerate, decorate and place share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from superionic.cli.options import json_option

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from superionic.documents import Document

SUFFIXES = {"cif": ".cif", "poscar": ".vasp"}

supercell_option = click.option(
    "--supercell", nargs=3, type=int, default=(1, 1, 1), show_default=True, help="Repeats along a, b, c."
)
_SEED = click.option("--seed", default=0, show_default=True, help="Seed of the random numbers.")
_OUT = click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to write the cells into.")
_FORMAT = click.option(
    "--format", "file_format", type=click.Choice(list(SUFFIXES)), default="cif", show_default=True, help="Of the files."
)


def seed_and_output_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add --seed, --json, --out and --format."""
    return _SEED(json_option(_OUT(_FORMAT(command))))


def report(
    document: Document,
    lines: Iterable[str],
    cells: Mapping[str, Structure],
    as_json: bool,
    out: Path | None,
    file_format: str,
) -> None:
    """Write the cells that are asked for, and print the document or its lines."""
    files = [] if out is None else _write_cells(cells, out, file_format)
    if as_json:
        _print_json(document)
        return
    for line in lines:
        click.echo(line)
    for file in files:
        click.echo(f"wrote {file}")


def _write_cells(cells: Mapping[str, Structure], out: Path, file_format: str) -> list[Path]:
    """One file for every cell, with site labels where the format takes them."""
    from pymatgen.core import Structure
    from pymatgen.io.cif import CifWriter
    from pymatgen.io.vasp import Poscar

    out.mkdir(parents=True, exist_ok=True)
    written = []
    for name, cell in cells.items():
        path = out / f"{name}{SUFFIXES[file_format]}"
        if file_format == "cif":
            labels = cell.site_properties["site_label"]
            names = [
                f"{atom.specie.symbol}{i}_{label}" for i, (atom, label) in enumerate(zip(cell, labels, strict=True))
            ]
            CifWriter(Structure(cell.lattice, cell.species, cell.frac_coords, labels=names)).write_file(path)
        else:
            Poscar(cell, comment=name).write_file(path)
        written.append(path)
    return written


def _print_json(document: Document) -> None:
    """Print a document as JSON that monty's decoder reads back."""
    from monty.json import MontyEncoder

    click.echo(json.dumps(document.model_dump(), cls=MontyEncoder, indent=2))
