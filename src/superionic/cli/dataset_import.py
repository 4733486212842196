"""superionic dataset import FILE...: parse, call, print."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import click
from pydantic import TypeAdapter, ValidationError

from superionic.cli.options import settings, store_option
from superionic.errors import InputError, first_error

if TYPE_CHECKING:
    from superionic.documents import DatasetDocument
    from superionic.documents.dataset import LabelReference

_FORMATS = ("vasp", "extxyz", "records", "ase-db", "chgnet", "superionic")
_OWN = b'{"kind":"dataset"'


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--name", help="Name of the dataset; what it has in a file of format superionic.")
@click.option(
    "--format", "file_format", type=click.Choice(_FORMATS), help="Of the files, if their content does not tell."
)
@click.option(
    "--reference",
    "reference_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="YAML of what gave the labels: `potential:` of a study, or family, model and settings.",
)
@click.option("--extend", "extended", metavar="DATASET", help="Add the frames to this dataset: a new version of it.")
@click.option("--structure", help="Label of the structure, if the files do not say.")
@click.option("--temperature", "temperature_K", type=float, help="In K, if the files do not say.")
@click.option("--stride", default=1, show_default=True, type=click.IntRange(1), help="Every how many frames of a run.")
@click.option("--first", default=0, show_default=True, type=click.IntRange(0), help="First frame of a run, from 0.")
@click.option("--dialect", type=click.Choice(["ase", "mace", "sevennet", "matgl"]), help="Keys of extended xyz.")
@click.option("--energy-unit", default="eV", show_default=True, help="eV, Hartree, Ry, kcal/mol or kJ/mol.")
@click.option("--per-atom", is_flag=True, help="Energies are over the number of atoms.")
@click.option("--force-unit", default="eV/A", show_default=True, help="eV/A, Hartree/Bohr, Ry/Bohr, Hartree/A, ...")
@click.option("--stress-unit", default="eV/A3", show_default=True, help="eV/A3, GPa, kB, bar or Hartree/Bohr3.")
@click.option("--compression-positive", is_flag=True, help="A compressed cell has a positive stress, unlike in ASE.")
@click.option("--max-force", "max_force_eV_per_A", type=float, help="Largest force that is let in, in eV/Å.")
@click.option("--mixed", is_flag=True, help="Labels of different references are meant to stand side by side.")
@click.option(
    "--against",
    default="0.3.0",
    show_default=True,
    help="CHGNet model that units and signs are checked against, or no.",
)
@store_option
def import_command(
    files: tuple[Path, ...],
    name: str | None,
    file_format: str | None,
    reference_file: Path | None,
    extended: str | None,
    structure: str | None,
    temperature_K: float | None,
    stride: int,
    first: int,
    dialect: str | None,
    energy_unit: str,
    per_atom: bool,
    force_unit: str,
    stress_unit: str,
    compression_positive: bool,
    max_force_eV_per_A: float | None,
    mixed: bool,
    against: str,
    store_dir: Path | None,
) -> None:
    """Store labelled frames in FILES as a dataset, after every check; bad ones are left out by name.

    VASP directories (static, relaxations, molecular dynamics) at any depth, vasprun.xml, extended xyz, ASE databases,
    CHGNet's JSON, records of labels (.jsonl), and datasets of this package.
    """
    from superionic.cli.dataset_lines import dataset_lines
    from superionic.datasets.joining import checked_dataset
    from superionic.datasets.sources import Found, Given, read_labels
    from superionic.datasets.units import LabelUnits
    from superionic.documents import ChgnetSettings
    from superionic.documents.dataset_checks import DatasetChecks
    from superionic.managers.store_run import store_dataset
    from superionic.potentials.load import load
    from superionic.stores.connecting import open_stores
    from superionic.stores.datasets import load_dataset

    with open_stores(settings(store_dir)).connected() as stores:
        if file_format == "superionic" or all(_is_own(file) for file in files):
            for file in files:
                document = _own(file, name)
                store_dataset(stores.jobs, document)
                click.echo("\n".join(dataset_lines(document)))
            return
        before = None if extended is None else load_dataset(stores.jobs, extended)
        name = name or (before.name if before is not None else None)
        if name is None:
            raise InputError("--name is missing: what is the dataset to be called?")
        reference = None if reference_file is None else read_reference(reference_file)
        given = Given(reference, structure, temperature_K, stride, first, dialect)
        found = Found()
        for file in files:
            found.extend(read_labels(file, given, file_format))
        label_units = LabelUnits.named(energy_unit, force_unit, stress_unit, per_atom, compression_positive)
        thresholds = {} if max_force_eV_per_A is None else {"max_force_eV_per_A": max_force_eV_per_A}
        with ExitStack() as stack:
            model = None if against == "no" else stack.enter_context(closing(load(ChgnetSettings(model=against))))
            document = checked_dataset(
                name,
                [label_units.converted(candidate) for candidate in found.candidates],
                excluded=found.excluded,
                checks=DatasetChecks(mixed_references=mixed, **thresholds),
                model=model,
                extends=before,
            )
        store_dataset(stores.jobs, document)
    click.echo("\n".join(dataset_lines(document)))


def read_reference(file: Path) -> LabelReference:
    """What gave labels, from a YAML file: settings of a potential, or family, model and settings in words.

    Raises
    ------
    InputError
        If the file is neither, or the potential is not installed.
    """
    from superionic.datasets.references import reference_of
    from superionic.documents import PotentialSettings
    from superionic.documents.dataset import LabelReference
    from superionic.potentials.load import opened
    from superionic.study.strict_yaml import read_yaml

    if not file.is_file():
        raise InputError(f"--reference {str(file)!r} does not exist")
    content = read_yaml(file.read_text())
    if not isinstance(content, dict):
        raise InputError(
            f"--reference {file} holds no keys: write family, model and settings, or `potential:` of a study"
        )
    try:
        if "model" in content and "family" in content and "settings" in content:
            said = {key: value for key, value in content.items() if key != "settings"}
            return LabelReference.model_validate({"potential": said, "settings": content["settings"]})
        chosen = TypeAdapter(PotentialSettings).validate_python(content)
    except ValidationError as error:
        raise InputError(f"--reference {file}: {first_error(error)}") from error
    with opened(chosen) as potential:
        return reference_of(chosen, potential.reference)


def _is_own(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        return stream.read(len(_OWN)) == _OWN


def _own(file: Path, name: str | None) -> DatasetDocument:
    """A dataset that this package wrote, its frames compared with their digest."""
    import json

    from superionic.datasets.document import dataset_frames
    from superionic.documents import DatasetDocument
    from superionic.errors import StoreError

    try:
        document = DatasetDocument.from_stored(json.loads(file.read_text()))
        dataset_frames(document)
    except (ValueError, StoreError) as error:
        raise InputError(f"{file} is not readable as a dataset of this package: {error}") from error
    return document if name is None else document.model_copy(update={"name": name})
