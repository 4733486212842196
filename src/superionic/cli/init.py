"""superionic init: parse, call, print."""

from __future__ import annotations

import os
from pathlib import Path

import click

from superionic.settings import SETTINGS_FILE


@click.command("init")
@click.option("--local", is_flag=True, help="sqlite files on this machine [default].")
@click.option("--mongo", "uri", metavar="URI", help="MongoDB: mongodb://[user@]host:port/database.")
@click.option("--manager", type=click.Choice(["jobflow-remote", "fireworks"]), help="Configure it on that MongoDB too.")
@click.option("--project", default="superionic", show_default=True, help="Name of the jobflow-remote project.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("~/superionic"),
    show_default=True,
    help="Where the files and the results go.",
)
@click.option("--force", is_flag=True, help="Replace files that exist.")
def command(local: bool, uri: str | None, manager: str | None, project: str, folder: Path, force: bool) -> None:
    """Write ~/.superionic.yaml, a jobflow.yaml, and the files of a workflow manager.

    A user named in the URI without a password is asked for it; SUPERIONIC_MONGO_PASSWORD answers too. The files are
    readable by their owner alone, and no command prints what they hold.
    """
    from superionic.errors import InputError
    from superionic.managers import configuration as files

    if local and uri:
        raise InputError("--local and --mongo exclude each other: give one of them")
    if manager and not uri:
        raise InputError(f"--manager {manager} needs a MongoDB: give --mongo URI too")
    folder = folder.expanduser().resolve()
    jobflow_file = folder / "jobflow.yaml"
    planned: dict[Path, str | dict[str, object]] = {
        SETTINGS_FILE.expanduser(): {"store_dir": str(folder), "jobflow_config": str(jobflow_file)}
    }
    if uri is None:
        planned[jobflow_file] = {"JOB_STORE": files.embedded_description(folder)}
    else:
        address = files.parse_mongo_uri(uri, _password() if files.needs_password(uri) else None)
        planned[jobflow_file] = {"JOB_STORE": files.mongo_job_store(address)}
        planned[folder / "builders.py"] = files.BUILDERS_SCRIPT
        if manager == "jobflow-remote":
            projects = Path(os.environ.get("JFREMOTE_PROJECTS_FOLDER", "~/.jfremote")).expanduser()
            planned[projects / f"{project}.yaml"] = files.remote_project(project, address, folder / "jobs")
        if manager == "fireworks":
            planned[folder / "my_launchpad.yaml"] = files.launchpad(address)
            planned[folder / "my_fworker.yaml"] = {"name": project, "category": "", "query": "{}"}
    existing = [file for file in planned if file.exists()]
    if existing and not force:
        raise InputError(f"{str(existing[0])!r} exists: give --force to replace it, or edit it")
    (folder / "store").mkdir(parents=True, exist_ok=True)
    for file, content in planned.items():
        click.echo(f"wrote {files.write_private(file, content, force=force)}")
    for line in _next_steps(manager, project, folder):
        click.echo(line)


def _password() -> str:
    given = os.environ.get("SUPERIONIC_MONGO_PASSWORD")
    return given if given is not None else click.prompt("password of the MongoDB user", hide_input=True)


def _next_steps(manager: str | None, project: str, folder: Path) -> list[str]:
    pad = folder / "my_launchpad.yaml"
    steps = {
        None: ["superionic doctor"],
        "jobflow-remote": [
            f"jf -p {project} admin reset -y   # once, on a new database: it empties the queue",
            f"superionic submit STUDY.yaml --manager jobflow-remote --project {project}",
            f"jf -p {project} runner start",
        ],
        "fireworks": [
            f"lpad -l {pad} reset   # once, on a new database: it empties the queue",
            f"superionic submit STUDY.yaml --manager fireworks --launchpad {pad}",
            f"JOBFLOW_CONFIG_FILE={folder}/jobflow.yaml rlaunch -l {pad} -w {folder}/my_fworker.yaml rapidfire",
        ],
    }
    return ["next:", *(f"  {step}" for step in steps[manager])]
