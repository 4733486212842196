"""superionic import FILE...: parse, call, print."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import click

from superionic.cli.importing import description_options, import_settings, store_and_tell
from superionic.cli.options import settings, store_option

_READ = {"vasprun", "XDATCAR", "INCAR"}


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@description_options
@click.option("--engine", help="Code that made the run, if the format does not tell.")
@click.option("--ensemble", type=click.Choice(["nvt", "nve", "npt"]), help="Ensemble, if nothing tells it.")
@click.option(
    "--topology",
    type=click.Path(path_type=Path, dir_okay=False),
    help="LAMMPS data file, CP2K cell file, or structure file of the atoms.",
)
@click.option("--cell", help="a,b,c in Å, or nine components of the cell vectors, for a format that holds no cell.")
@click.option("--elements", help="Elements of LAMMPS's atom types 1, 2, ..., for example Li,In,Cl.")
@store_option
def command(
    files: tuple[Path, ...],
    topology: Path | None,
    cell: str | None,
    elements: str | None,
    store_dir: Path | None,
    **described: Any,
) -> None:
    """Store the trajectory in FILES as one run: VASP, LAMMPS, ASE, CP2K, xtc or dcd; parts of a chain in their order.

    Importing the same files again does nothing; `superionic build` makes documents of what was imported.
    """
    from superionic.makers.import_trajectory import imported_run
    from superionic.managers.store_run import content_run_id
    from superionic.stores.connecting import open_stores

    chosen = import_settings(
        topology=None if topology is None else str(topology.resolve()),
        cell_A=_cell(cell),
        elements=elements.split(",") if elements else None,
        **described,
    )
    run = imported_run([file.resolve() for file in files], chosen)
    companions = [topology] if topology else []
    run_id = content_run_id(
        [_fingerprint(file) for file in (*files, *companions)], chosen.model_dump(exclude={"analysis"})
    )
    with open_stores(settings(store_dir)).connected() as stores:
        store_and_tell(stores.jobs, run_id, run)


def _fingerprint(path: Path) -> list[str]:
    """SHA-256 of a file, or of the files of a directory that are read."""
    files = sorted(path.glob("*")) if path.is_dir() else [path]
    return [_sha256(file) for file in files if file.is_file() and (file == path or file.name.split(".")[0] in _READ)]


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _cell(text: str | None) -> list[list[float]] | None:
    from superionic.errors import InputError

    if text is None:
        return None
    try:
        numbers = [float(word) for word in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 3:
        return [[numbers[0], 0, 0], [0, numbers[1], 0], [0, 0, numbers[2]]]
    if len(numbers) == 9:
        return [numbers[:3], numbers[3:6], numbers[6:]]
    raise InputError(f"--cell {text!r} is no cell: give a,b,c in Å, or nine components of the cell vectors")
