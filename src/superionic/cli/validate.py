"""superionic validate POTENTIAL --against RUNS: parse, call, print."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from superionic.cli.options import settings, store_option

if TYPE_CHECKING:
    from superionic.documents import AnalysisSettings, PotentialSettings
    from superionic.documents.validation_settings import ConstantPressure
    from superionic.documents.validation_thresholds import ValidationThresholds
    from superionic.makers.validation import Against
    from superionic.stores.connecting import Stores


@click.command("validate")
@click.argument("potential")
@click.option(
    "--against",
    "runs",
    multiple=True,
    required=True,
    help="Runs that are believed: a study, a label, or the first letters of a run's id; may be given again.",
)
@click.option("--beside", multiple=True, help="Another potential to judge beside it; may be given again.")
@click.option("--dataset", help="Dataset of the reference's labels: its test part, or all of it if it is not split.")
@click.option(
    "--thresholds",
    "thresholds_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="YAML file with what stands under `thresholds:` of `validate:` in a study.",
)
@click.option("--length", "length_ps", type=float, help="Length of each run in ps [default: the reference's longest].")
@click.option("--study", help="Name to store the validation and its runs under.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes side by side [default: one a core].")
@store_option
def command(
    potential: str,
    runs: tuple[str, ...],
    beside: tuple[str, ...],
    dataset: str | None,
    thresholds_file: Path | None,
    length_ps: float | None,
    study: str | None,
    workers: int | None,
    store_dir: Path | None,
) -> None:
    """Judge POTENTIAL by stored runs of its reference: run what they are runs of, compare, and give a verdict.

    POTENTIAL is a model or checkpoint of CHGNet, or FAMILY:MODEL, for example sevennet:7net-0. What was run before is
    found; stopped or killed and run again, it goes on.
    """
    chosen = settings(store_dir)
    workers = workers or chosen.workers or len(os.sched_getaffinity(0))
    from superionic.managers.threads import share_cores

    share_cores(workers)  # before numpy and torch are loaded
    from superionic.builders import build_documents
    from superionic.cli.running import run_here
    from superionic.cli.validations import validation_lines
    from superionic.makers.stored_reference import against_stored
    from superionic.makers.validation import ValidationMaker
    from superionic.stores.connecting import open_stores
    from superionic.stores.datasets import load_dataset
    from superionic.stores.validations import validation_summaries

    candidates = {name: _potential(name) for name in dict.fromkeys((potential, *beside))}
    thresholds = _thresholds(thresholds_file)
    with open_stores(chosen).connected() as stores:
        orderings = against_stored(stores.jobs, runs, length_ps)
        labels = None if dataset is None else load_dataset(stores.jobs, dataset)
        _check(candidates, orderings)
        npt = _constant_pressure(orderings)
        analysis = _analysis(stores, orderings)
        maker = ValidationMaker(candidates, thresholds=thresholds, npt=npt, study=study, analysis=analysis)
        steps = sum(
            made.md.n_steps * len(made.md.protocols())
            for against in orderings.values()
            for made in maker.md_makers(against.md)
        )
        run = run_here(maker.make(orderings, labels), steps, stores, chosen, workers)
        built = build_documents(stores, chosen.analysis_memory_GB)
        validations = [
            found
            for found in validation_summaries(stores, {"study": study})
            if {judgement.name for judgement in found.judgements} == set(candidates)
        ]
    click.echo("\n".join(validation_lines(validations)).lstrip("\n"))
    for failure in built.failures:
        click.echo(f"superionic: {failure}", err=True)
    if run.failed or run.skipped or built.failures:
        raise click.exceptions.Exit(1)


def _potential(text: str) -> PotentialSettings:
    from pydantic import TypeAdapter, ValidationError

    from superionic.documents import PotentialSettings
    from superionic.errors import InputError, first_error

    family, colon, model = text.partition(":")
    asked = {"family": family, "calculator" if family == "ase" else "model": model} if colon else {"model": text}
    try:
        found: PotentialSettings = TypeAdapter(PotentialSettings).validate_python(asked)
    except ValidationError as error:
        raise InputError(f"POTENTIAL {text!r}: {first_error(error)}") from error
    return found.beside(Path.cwd())


def _analysis(stores: Stores, orderings: dict[str, Against]) -> AnalysisSettings:
    """As the runs of the reference are analysed."""
    from superionic.stores.studies import recorded_settings

    run = next(iter(orderings.values())).runs[0]
    return recorded_settings(stores.studies)[0].get(run.identity.study or "", run.analysis)


def _thresholds(file: Path | None) -> ValidationThresholds:
    from superionic.documents.validation_thresholds import ValidationThresholds
    from superionic.study.load import load_settings

    return ValidationThresholds() if file is None else load_settings(file, ValidationThresholds, "thresholds:")


def _check(candidates: dict[str, PotentialSettings], orderings: dict[str, Against]) -> None:
    """Refuse before anything runs what a potential cannot run."""
    from contextlib import closing

    from superionic.potentials.load import load
    from superionic.study.runnable import check_runnable

    for name, potential in candidates.items():
        with closing(load(potential)) as loaded:
            for label, against in orderings.items():
                mobile = [against.ordering.mobile_species, *against.ordering.other_mobile_species]
                check_runnable(against.ordering.structure, mobile, loaded, f"{name}, {label}")


def _constant_pressure(orderings: dict[str, Against]) -> ConstantPressure | None:
    """Runs like those that the reference has at constant pressure; None if it has none."""
    from superionic.documents.validation_settings import ConstantPressure
    from superionic.errors import InputError

    runs = [run for against in orderings.values() for run in against.npt_runs]
    if not runs:
        return None
    temperatures = sorted({run.protocol.temperature_K for run in runs})
    if len(temperatures) > 1:
        named = ", ".join(f"{temperature:g}" for temperature in temperatures)
        raise InputError(f"--against: runs at constant pressure are at {named} K: give those of one temperature")
    longest = max(runs, key=lambda run: run.length_ps)
    return ConstantPressure(
        temperature_K=temperatures[0],
        length_ps=longest.length_ps,
        equilibration_ps=longest.protocol.equilibration_ps,
    )
