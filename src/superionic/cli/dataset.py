"""superionic dataset ...: parse, call, print."""

from __future__ import annotations

from pathlib import Path

import click

from superionic.cli.dataset_import import import_command
from superionic.cli.dataset_lines import dataset_line, dataset_lines, dataset_title
from superionic.cli.options import json_option, settings, store_option
from superionic.errors import InputError

FORMATS = ("superionic", "extxyz", "mace", "sevennet", "matgl", "chgnet")
_SUFFIXES = {"superionic": ".dataset.json", "chgnet": ".json"}


@click.group("dataset")
def command() -> None:
    """Labelled frames: what potentials are trained on and judged by.

    A dataset is named by its name (the newest version), or by the first letters of a version.
    """


command.add_command(import_command)


@command.command("show")
@click.argument("dataset", required=False)
@json_option
@store_option
def show(dataset: str | None, as_json: bool, store_dir: Path | None) -> None:
    """Show all datasets, or what one of them holds and what was left out of it."""
    from superionic.stores.connecting import open_stores
    from superionic.stores.datasets import dataset_documents, load_dataset
    from superionic.stores.reading import Unreadable

    unreadable: list[Unreadable] = []
    with open_stores(settings(store_dir)).connected() as stores:
        found = dataset_documents(stores.jobs, unreadable) if dataset is None else [load_dataset(stores.jobs, dataset)]
    if as_json:
        click.echo("[" + ",\n".join(document.model_dump_json(exclude={"payload"}) for document in found) + "]")
    elif dataset is None:
        click.echo("\n".join(dataset_line(document) for document in found) or "no dataset is stored")
    else:
        click.echo("\n".join(dataset_lines(found[0])))
    for message in unreadable:
        click.echo(f"superionic: {message}", err=True)


@command.command("export")
@click.argument("dataset")
@click.option("--format", "file_format", type=click.Choice(FORMATS), required=True, help="Whose keys and units.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File [default: NAME in this folder].")
@click.option("--part", type=click.Choice(["train", "validation", "test"]), help="One part of the split only.")
@store_option
def export(dataset: str, file_format: str, out: Path | None, part: str | None, store_dir: Path | None) -> None:
    """Write DATASET to a file that a code trains on; 'superionic' keeps everything, to be imported elsewhere."""
    from superionic.datasets.document import dataset_frames
    from superionic.datasets.extxyz import write_extxyz
    from superionic.datasets.sources.chgnet_json import write_chgnet_json
    from superionic.stores.connecting import open_stores
    from superionic.stores.datasets import load_dataset

    with open_stores(settings(store_dir)).connected() as stores:
        document = load_dataset(stores.jobs, dataset)
    path = out or Path(f"{document.name}{'-' + part if part else ''}{_SUFFIXES.get(file_format, '.extxyz')}")
    if file_format == "superionic":
        if part is not None:
            raise InputError("--part: the format 'superionic' keeps whole datasets: leave it out")
        path.write_text(document.model_dump_json() + "\n")
        count = document.n_frames
    else:
        frames = dataset_frames(document)
        frames = frames if part is None else frames.part(part)  # type: ignore[arg-type]  # click.Choice
        if file_format == "chgnet":
            count = write_chgnet_json(frames, path)
        else:
            count = write_extxyz(frames, path, "ase" if file_format == "extxyz" else file_format)
    click.echo(f"wrote {count} frames of {dataset_title(document)} to {path}")


@command.command("merge")
@click.argument("datasets", nargs=-1, required=True)
@click.option("--name", required=True, help="Name of the new dataset.")
@click.option("--mixed", is_flag=True, help="Labels of different references are meant to stand side by side.")
@store_option
def merge(datasets: tuple[str, ...], name: str, mixed: bool, store_dir: Path | None) -> None:
    """Join DATASETS to a new one that names them as its parents; frames that two of them share are kept once."""
    from superionic.datasets.joining import joined_dataset
    from superionic.documents.dataset_checks import DatasetChecks
    from superionic.managers.store_run import store_dataset
    from superionic.stores.connecting import open_stores
    from superionic.stores.datasets import load_dataset

    with open_stores(settings(store_dir)).connected() as stores:
        parents = [load_dataset(stores.jobs, dataset) for dataset in datasets]
        document = joined_dataset(name, parents, DatasetChecks(mixed_references=mixed))
        store_dataset(stores.jobs, document)
    click.echo("\n".join(dataset_lines(document)))


@command.command("split")
@click.argument("dataset")
@click.option(
    "--by",
    type=click.Choice(["block", "run", "structure", "temperature", "frame"]),
    default="block",
    show_default=True,
    help="What stays together; 'frame' flatters the errors.",
)
@click.option("--fractions", default="0.76,0.19,0.05", show_default=True, help="Of training, validation and test.")
@click.option(
    "--hold-out", "held_out", multiple=True, help="Structure or temperature for the test; may be given again."
)
@click.option("--seed", default=0, show_default=True, help="Of the order in which they are dealt out.")
@store_option
def split(dataset: str, by: str, fractions: str, held_out: tuple[str, ...], seed: int, store_dir: Path | None) -> None:
    """Deal out the frames of DATASET for training, validation and test: a new version of it."""
    from pydantic import ValidationError

    from superionic.datasets.joining import split_dataset
    from superionic.documents import SplitSettings
    from superionic.errors import first_error
    from superionic.managers.store_run import store_dataset
    from superionic.stores.connecting import open_stores
    from superionic.stores.datasets import load_dataset

    given = {"by": by, "fractions": fractions.split(","), "held_out": list(held_out), "seed": seed}
    try:
        chosen = SplitSettings.model_validate(given)
    except ValidationError as error:
        raise InputError(f"split: {first_error(error)}") from error
    with open_stores(settings(store_dir)).connected() as stores:
        document = split_dataset(load_dataset(stores.jobs, dataset), chosen)
        store_dataset(stores.jobs, document)
    click.echo("\n".join(dataset_lines(document)))
