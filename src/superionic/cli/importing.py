"""Options that import and adopt share, and what both do with a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError

from superionic.cli.options import analysis_option
from superionic.errors import InputError, first_error

if TYPE_CHECKING:
    from jobflow import JobStore

    from superionic.documents import ImportSettings
    from superionic.trajectories.imported import ImportedRun

_OPTIONS = [
    click.option("--host", help="Packaged host, or path of a host.yaml or CIF, that names the sites."),
    click.option("--mobile", help="Mobile ion with its charge, Li+, or several, Li+,Na+ [default: the host's]."),
    click.option("--temperature", "temperature_K", type=float, help="Target temperature in K, if nothing tells it."),
    click.option("--time-step", "time_step_fs", type=float, help="MD time step in fs, if nothing tells it."),
    click.option("--stride", type=int, help="MD steps from frame to frame, if nothing tells it."),
    click.option("--equilibration", "equilibration_ps", default=0.0, show_default=True, help="Not analysed, in ps."),
    click.option("--label", help="Label of the run [default: its formula]."),
    click.option("--potential", help="Functional or model behind the forces, for example PBEsol."),
    click.option("--study", help="Study that the run belongs to."),
    analysis_option,
    click.option("--tag", "tags", multiple=True, help="Word to find the run by; may be given several times."),
    click.option(
        "--unwrapped", is_flag=True, help="The positions are continuous although their format does not say so."
    ),
]


def description_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What the user says about a run."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def import_settings(**given: Any) -> ImportSettings:
    """The options as a document.

    Raises
    ------
    InputError
        If one is out of range.
    """
    from superionic.documents import ImportSettings
    from superionic.study.load import load_analysis

    host = given.get("host")
    if host is not None and Path(host).is_file():
        given["host"] = str(Path(host).resolve())
    analysis_file = given.pop("analysis_file", None)
    if analysis_file is not None:
        given["analysis"] = load_analysis(analysis_file)
    try:
        return ImportSettings(**{**given, "tags": list(given.get("tags", ()))})
    except ValidationError as error:
        raise InputError(f"import: {first_error(error)}") from error


def store_and_tell(jobs: JobStore, run_id: str, run: ImportedRun) -> None:
    """Store a run unless it is stored, and print what it is."""
    from superionic.managers.store_run import is_stored, store_run
    from superionic.stores.runs import load_summary

    if is_stored(jobs, run_id):
        click.echo(f"run {run_id} is stored already")
        summary = load_summary(jobs, run_id)
        if summary is not None and summary.analysis != run.analysis:
            study = summary.identity.study or "''"
            click.echo(f"its analysis stays as it was: `superionic build --study {study} --analysis FILE` changes it")
        return
    summary = store_run(jobs, run_id, f"import {run.identity.label}", run.segments(run_id))
    for note in summary.notes:
        click.echo(f"note: {note}")
    identity, protocol = summary.identity, summary.protocol
    click.echo(
        f"run {run_id}: {identity.formula}, {identity.engine}, {protocol.temperature_K:g} K, {summary.length_ps:g} ps "
        f"in steps of {protocol.time_step_fs:g} fs, a frame every {protocol.stride}, {summary.n_segments} segment(s)"
    )
