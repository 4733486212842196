"""superionic submit STUDY.yaml: parse, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from superionic.cli.options import settings, study_argument

if TYPE_CHECKING:
    from superionic.study.entries import Study


@click.command("submit")
@study_argument
@click.option("--manager", type=click.Choice(["jobflow-remote", "fireworks"]), required=True, help="Where to.")
@click.option("--project", help="Project of jobflow-remote [default: of its settings].")
@click.option("--launchpad", type=click.Path(path_type=Path, dir_okay=False), help="my_launchpad.yaml of FireWorks.")
@click.option("--worker", help="Worker of the kinds of jobs for which run_config names none.")
def command(study_file: Path, manager: str, project: str | None, launchpad: Path | None, worker: str | None) -> None:
    """Submit the jobs of STUDY_FILE that the queue does not have yet; `run_config` in it says what runs where.

    Submitted again, nothing is done twice; with a temperature more, only that is submitted.
    """
    from superionic.errors import InputError
    from superionic.managers.identity import with_content_uuids
    from superionic.study.load import load_study

    try:
        if manager == "jobflow-remote":
            from superionic.managers.remote import submit_to_jobflow_remote
        else:
            from superionic.managers.fireworks import submit_to_fireworks
    except ImportError as error:
        raise InputError(f"{error.name} is not installed: pip install 'superionic[remote]'") from error
    if manager == "jobflow-remote" and launchpad is not None:
        raise InputError("--launchpad belongs to --manager fireworks: leave it out")
    if manager == "fireworks" and project is not None:
        raise InputError("--project belongs to --manager jobflow-remote: leave it out")
    study = load_study(study_file)
    flow = with_content_uuids(study.plan(runs_here=False).flow())
    flow.update_metadata({"study": study.name})
    if manager == "jobflow-remote":
        submission = submit_to_jobflow_remote(flow, study.run_config, project, worker)
    else:
        submission = submit_to_fireworks(flow, study.run_config, launchpad, worker)
    _record_analysis(study)
    for line in submission.lines():
        click.echo(line)


def _record_analysis(study: Study) -> None:
    """Record the settings of the study where this machine has the database; elsewhere they travel with its new runs."""
    from superionic.stores.connecting import open_stores
    from superionic.stores.studies import record_settings

    chosen = settings(None)
    if chosen.jobflow_config is not None:
        with open_stores(chosen).connected() as stores:
            record_settings(stores.studies, study.name, study.analysis)
