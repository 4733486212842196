"""superionic build: parse, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from superionic.cli.options import analysis_option, settings, store_option

if TYPE_CHECKING:
    from superionic.documents import AnalysisSettings
    from superionic.stores.connecting import Stores


@click.command("build")
@click.argument("study_file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@store_option
@click.option("--study", "name", help="Name of the study to analyse with other settings; '' for runs of no study.")
@analysis_option
@click.option(
    "--temperature", "temperatures_K", type=float, multiple=True,
    help="Temperature in K to extrapolate to, instead of those of the study; may be given again.",
)  # fmt: skip
def command(
    study_file: Path | None,
    store_dir: Path | None,
    name: str | None,
    analysis_file: Path | None,
    temperatures_K: tuple[float, ...],
) -> None:
    """Build diffusivity, Arrhenius and comparison documents from what is stored; what is up to date is left alone.

    Every study is analysed as it asks for. With STUDY_FILE, or --study NAME, settings of that study are recorded first:
    those of the file, of --analysis and of --temperature; its documents are made anew, those of others are not.
    """
    from superionic.builders import build_documents
    from superionic.errors import InputError
    from superionic.stores.connecting import open_stores
    from superionic.study.load import load_study

    if study_file is not None and name is not None:
        raise InputError(f"STUDY_FILE names its study: leave out --study {name!r}")
    if study_file is None and name is None and (analysis_file or temperatures_K):
        raise InputError("--analysis and --temperature belong to a study: give STUDY_FILE or --study NAME too")
    study = None if study_file is None else load_study(study_file)
    chosen = settings(store_dir)
    with open_stores(chosen).connected() as stores:
        if study is not None:
            _record(stores, study.name, study.analysis, analysis_file, temperatures_K)
        elif name is not None:
            _record(stores, name, _known_settings(stores, name), analysis_file, temperatures_K)
        built = build_documents(stores, chosen.analysis_memory_GB)
    click.echo(
        f"built {built.diffusivity} diffusivity, {built.arrhenius} Arrhenius, {built.comparison} comparison documents"
    )
    for failure in built.failures:
        click.echo(f"superionic: {failure}", err=True)
    if built.failures:
        raise click.exceptions.Exit(1)


def _known_settings(stores: Stores, name: str) -> AnalysisSettings:
    """What is recorded of a study, else the defaults."""
    from superionic.documents import AnalysisSettings
    from superionic.errors import InputError, StoreError
    from superionic.stores.runs import stored_runs
    from superionic.stores.studies import recorded_settings

    records, unreadable = recorded_settings(stores.studies)
    for record in unreadable:
        if record.name == name:
            raise StoreError(str(record))
    known = {run.study or "" for run in stored_runs(stores.jobs, {})} | set(records)
    if name not in known:
        raise InputError(f"--study {name!r} is none of the studies in this store: {sorted(known)}")
    return records.get(name, AnalysisSettings())


def _record(
    stores: Stores,
    name: str,
    analysis: AnalysisSettings,
    analysis_file: Path | None,
    temperatures_K: tuple[float, ...],
) -> None:
    from pydantic import ValidationError

    from superionic.documents import AnalysisSettings
    from superionic.errors import InputError, first_error
    from superionic.stores.studies import record_settings
    from superionic.study.load import load_analysis

    if analysis_file is not None:
        analysis = load_analysis(analysis_file)
    if temperatures_K:
        wanted = {**analysis.model_dump(), "extrapolation_temperatures_K": list(temperatures_K)}
        try:
            analysis = AnalysisSettings(**wanted)
        except ValidationError as error:
            raise InputError(f"--temperature: {first_error(error)}") from error
    record_settings(stores.studies, name, analysis)
