"""Options and output that enumerate, decorate and place share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from superionic.cli.options import json_option
from superionic.errors import InputError

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from superionic.documents import Document
    from superionic.documents.frameworks import SupercellMatrix
    from superionic.structures.host import Host
    from superionic.structures.supercell_search import SupercellRequest

SUFFIXES = {"cif": ".cif", "poscar": ".vasp"}

_SUPERCELL = click.option(
    "--supercell", nargs=3, type=int, default=(1, 1, 1), show_default=True, help="Repeats along a, b, c."
)
_MIN_LENGTH = click.option(
    "--min-length", "min_length_A", type=float, help="Instead of repeats: smallest cell this thick (Å) that will do."
)
_MAX_ATOMS = click.option("--max-atoms", default=1000, show_default=True, help="Most atoms, with --min-length.")
_MOBILE = click.option(
    "--mobile", help="Mobile ion, or several as in Li,Na, if not the one the host names or that alone qualifies."
)
_CHARGES = click.option("--charge", "charges", multiple=True, help="Charge of an element, for example Fe=3.")
_SEED = click.option("--seed", default=0, show_default=True, help="Seed of the random numbers.")
_OUT = click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to write the cells into.")
_FORMAT = click.option(
    "--format", "file_format", type=click.Choice(list(SUFFIXES)), default="cif", show_default=True, help="Of the files."
)


def supercell_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add --supercell, --min-length and --max-atoms."""
    return _SUPERCELL(_MIN_LENGTH(_MAX_ATOMS(command)))


def crystal_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add --mobile and --charge."""
    return _MOBILE(_CHARGES(command))


def host_of(name: str, mobile: str | None, charges: Iterable[str]) -> Host:
    """The host that a command names, with the mobile ion and the charges given beside it.

    Raises
    ------
    InputError
        If a charge is not ELEMENT=NUMBER, or the host is wrong.
    """
    from superionic.structures.host import load_host

    stated = {}
    for text in charges:
        element, _, charge = text.partition("=")
        try:
            stated[element.strip()] = float(charge)
        except ValueError as error:
            raise InputError(f"--charge {text!r} is not ELEMENT=NUMBER, for example Fe=3") from error
    return load_host(name, mobile.split(",") if mobile else None, stated)


def supercell_of(
    repeats: tuple[int, int, int], min_length_A: float | None, max_atoms: int
) -> tuple[int, int, int] | SupercellRequest:
    """Repeats, or a request for the smallest cell."""
    from superionic.structures.supercell_search import SupercellRequest

    return repeats if min_length_A is None else SupercellRequest(min_length_A=min_length_A, max_atoms=max_atoms)


def supercell_in_words(matrix: SupercellMatrix, host: Host) -> str:
    """What supercell was chosen: 'supercell 2 x 1 x 2: 4 conventional cells, 12.9 x 11.1 x 12.8 Å'."""
    from superionic.structures.supercell import HostSupercell

    cell = HostSupercell(host, matrix)
    shape = " x ".join(map(str, cell.repeats)) if cell.repeats else str([list(row) for row in cell.matrix])
    lengths = " x ".join(f"{length:.1f}" for length in cell.lattice.abc)
    return f"supercell {shape}: {cell.n_cells} conventional cells, {lengths} Å"


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
