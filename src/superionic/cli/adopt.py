"""superionic adopt --query: parse, call, print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from superionic.cli.importing import description_options, import_settings, store_and_tell
from superionic.cli.options import settings, store_option
from superionic.errors import InputError


@click.command("adopt")
@click.option("--query", required=True, help='MongoDB query of job documents as JSON, for example \'{"name": "MD"}\'.')
@click.option(
    "--makers",
    "maker_files",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="JSON of the flow, jobs or Maker that was run (monty's dumpfn, or a dump of the queue).",
)
@click.option("--project", help="jobflow-remote project whose queue holds the jobs and their Makers.")
@description_options
@store_option
def command(
    query: str, maker_files: tuple[Path, ...], project: str | None, store_dir: Path | None, **described: Any
) -> None:
    """Store the trajectories of atomate2's MD jobs (ForceFieldMDMaker, VASP MDMaker, MultiMDMaker) as runs.

    They are read where they are, in the JobStore of the settings; time step and temperature come from the Makers,
    for VASP from its INCAR.
    """
    from superionic.makers.import_trajectory import described_run
    from superionic.managers.store_run import content_run_id
    from superionic.stores.connecting import open_stores
    from superionic.trajectories.sources.atomate2 import StoredTrajectories, makers_in

    chosen = import_settings(**described)
    makers = makers_in([json.loads(file.read_text()) for file in maker_files])
    with open_stores(settings(store_dir)).connected() as stores:
        trajectories = StoredTrajectories(stores.jobs)
        runs = trajectories.runs(_parsed(query))
        if not runs:
            raise InputError(f"--query {query} matches no job with a stored trajectory: correct it")
        makers |= _makers_of_project(project, [uuid for run in runs for uuid in run]) if project else {}
        failed = False
        for uuids in runs:
            try:
                sources = [trajectories.source(uuid, makers.get(uuid, makers.get(""))) for uuid in uuids]
                run = described_run(sources, chosen)
                told = chosen.model_dump(exclude={"analysis"}), run.protocol.model_dump()
                store_and_tell(stores.jobs, content_run_id(uuids, *told), run)
            except InputError as error:  # one job that cannot be adopted must not keep the others back
                click.echo(f"superionic: {error}", err=True)
                failed = True
    if failed:
        raise click.exceptions.Exit(1)


def _parsed(query: str) -> dict[str, Any]:
    try:
        parsed = json.loads(query)
    except json.JSONDecodeError as error:
        raise InputError(f"--query {query} is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise InputError(f'--query {query} is no JSON object: write it as in \'{{"name": "MD"}}\'')
    return parsed


def _makers_of_project(project: str, uuids: list[str]) -> dict[str, dict[str, Any]]:
    """Makers of jobs in a jobflow-remote queue, as the JSON that is stored there."""
    from jobflow_remote.jobs.jobcontroller import JobController

    from superionic.trajectories.sources.atomate2 import makers_in

    controller = JobController.from_project_name(project)
    try:
        found = list(controller.jobs.find({"uuid": {"$in": uuids}}, {"job.uuid": 1, "job.function": 1}))
    finally:
        controller.close()
    return makers_in(found)
