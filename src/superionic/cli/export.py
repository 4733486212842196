"""superionic export RUN: parse, call, print."""

from __future__ import annotations

from pathlib import Path

import click

from superionic.cli.options import settings, store_option

SUFFIXES = {"extxyz": ".extxyz", "xdatcar": ".XDATCAR", "lammps": ".lammpstrj", "zarr": ".zarr", "density": ".CHGCAR"}


@click.command("export")
@click.argument("run")
@click.option("--format", "file_format", type=click.Choice(list(SUFFIXES)), required=True, help="Of the file.")
@click.option("--out", type=click.Path(path_type=Path), help="File, or folder for zarr [default: RUN in this folder].")
@click.option("--wrap", is_flag=True, help="Put every position back into the cell.")
@store_option
def command(run: str, file_format: str, out: Path | None, wrap: bool, store_dir: Path | None) -> None:
    """Write the trajectory of RUN (its UUID, the first letters of it, or its label) to a file that other tools read.

    'density' writes what its document holds instead: the density of the mobile ions among the framework, as CHGCAR.
    """
    from superionic.errors import InputError
    from superionic.stores.connecting import open_stores
    from superionic.stores.query import diffusivity_document
    from superionic.stores.runs import find_run, iter_segments
    from superionic.trajectories.export import export

    with open_stores(settings(store_dir)).connected() as stores:
        run_id = find_run(stores.jobs, run)
        path = out or Path(f"{run_id}{SUFFIXES[file_format]}")
        if out is None and path.name != str(path):
            raise InputError(f"the id {run_id!r} is no name of a file: say with --out where the frames go")
        if file_format == "density":
            from superionic.plots.density import write_density
            from superionic.trajectories import stitch

            write_density(stitch(iter_segments(stores.jobs, run_id)), diffusivity_document(stores, run_id), path)
            click.echo(f"wrote the density of the mobile ions to {path}")
            return
        count = export(iter_segments(stores.jobs, run_id), path, file_format, wrap)
    click.echo(f"wrote {count} frames to {path}")
