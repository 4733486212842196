"""superionic potentials: parse, call, print."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from superionic.cli.options import settings, store_option
from superionic.errors import InputError

if TYPE_CHECKING:
    from superionic.documents.fine_tuning import PartErrors
    from superionic.documents.trained_potential import TrainedPotentialDocument


@click.group("potentials", invoke_without_command=True)
@store_option
@click.pass_context
def command(context: click.Context, store_dir: Path | None) -> None:
    """Trained potentials: list them with their errors, or export one."""
    if context.invoked_subcommand is not None:
        return
    from superionic.stores.connecting import open_stores
    from superionic.stores.potentials import trained_potentials
    from superionic.stores.reading import Unreadable

    unreadable: list[Unreadable] = []
    with open_stores(settings(store_dir)).connected() as stores:
        found = trained_potentials(stores.jobs, unreadable)
    for uuid, document in found:
        click.echo(f"{uuid}\n" + "\n".join(potential_lines(document)))
    if not found:
        click.echo("no trained potential is stored")
    for message in unreadable:
        click.echo(f"superionic: {message}", err=True)


@command.command("export")
@click.argument("potential")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@store_option
def export(potential: str, file: Path, store_dir: Path | None) -> None:
    """Write the checkpoint of POTENTIAL (name, or first letters of its id) to FILE, for chgnet and LAMMPS too."""
    if file.exists():
        raise InputError(f"FILE {str(file)!r} exists: give another name")
    import base64

    from superionic.potentials.chgnet.checkpoint import write_checkpoint
    from superionic.stores.connecting import open_stores
    from superionic.stores.potentials import load_trained

    with open_stores(settings(store_dir)).connected() as stores:
        document = load_trained(stores.jobs, potential)
    write_checkpoint(file, base64.b64decode(document.payload), document.sha256)
    click.echo(f"{file}: {document.name}, SHA-256 {document.sha256}")


def potential_lines(document: TrainedPotentialDocument) -> list[str]:
    """What a potential is, and what it errs by."""
    forgot = (document.foreign_force_error_before_meV_per_A, document.foreign_force_error_meV_per_A)
    title = (
        f"{document.name}: {document.base.model} on {document.dataset}, preset {document.preset or 'none'}, "
        f"epoch {document.best_epoch} of {document.settings.n_epochs}, weights {document.sha256[:12]}"
    )
    return [
        title,
        *(f"  {line}" for part, errors in document.errors.items() for line in _errors(part, errors)),
        f"  foreign crystals: {forgot[0]:.1f} meV/A before, {forgot[1]:.1f} after",
    ]


def _errors(part: str, errors: PartErrors) -> Iterator[str]:
    found = errors.all
    stress = "" if found.stress_mae_GPa is None else f", {found.stress_mae_GPa:.3f} GPa"
    slope = "" if found.force_slope is None else f", slope of forces {found.force_slope:.3f}"
    yield (
        f"{part} ({found.n_frames} frames): {found.energy_mae_meV_per_atom or 0:.2f} meV/atom, "
        f"{found.force_mae_meV_per_A:.1f} meV/A{stress}{slope}"
    )
