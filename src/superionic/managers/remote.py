"""Submit a study to jobflow-remote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jobflow import Flow
from jobflow_remote import ConfigManager, set_run_config, submit_flow
from jobflow_remote.config.base import ConfigError, ExecutionConfig, Project

from superionic.documents.run_config import Execution, RunConfig, RunOptions
from superionic.errors import InputError
from superionic.managers.identity import jobs_of
from superionic.managers.run_config import apply_by_kind
from superionic.managers.submission import Submission, new_part
from superionic.stores.kinds import require_lasting


def submit_to_jobflow_remote(
    flow: Flow, run_config: RunConfig, project_name: str | None = None, worker: str | None = None
) -> Submission:
    """Add to the queue what is new of `flow`; a runner (`jf runner start`) does the rest.

    Parameters
    ----------
    flow
        A flow with content UUIDs.
    run_config
        Which kind of job runs where.
    project_name
        Project of jobflow-remote; the one of its settings if None.
    worker
        Worker of the kinds that name none; the first of the project if None.

    Raises
    ------
    InputError
        If there is no such project, worker or exec_config, the project's store loses trajectories, or a new job
        depends on an unfinished one.
    """
    project = _project(project_name)
    worker = worker or next(iter(project.workers))
    _check(run_config, project, worker)
    require_lasting(project.get_jobstore(), f"jobstore of project {project.name!r} of jobflow-remote")
    states = _states(flow, project)
    new = new_part(flow, states)
    if new is None:
        return Submission([], states)

    def apply(flow: Flow, function: Callable[..., Any] | None, options: RunOptions) -> None:
        set_run_config(
            flow,
            function_filter=function,
            worker=options.worker or worker,
            resources=options.resources,
            exec_config=_exec_config(options.exec_config),
            priority=options.priority,
            overwrite=True,
        )

    apply_by_kind(new, run_config, apply)
    submit_flow(new, worker=worker, project=project.name, allow_external_references=bool(states))
    return Submission([job.name for job in jobs_of(new)], states)


def _project(name: str | None) -> Project:
    manager = ConfigManager(warn=False)
    try:
        project = manager.get_project(name)
    except ConfigError as error:
        found = ", ".join(sorted(manager.projects_data)) or "none"
        raise InputError(
            f"--project {name!r}: no such project of jobflow-remote that can be read (found: {found}): "
            "write one with `superionic init --mongo URI --manager jobflow-remote`"
        ) from error
    if not project.workers:
        raise InputError(f"--project {project.name!r} has no worker: add one to its file")
    return project


def _check(run_config: RunConfig, project: Project, worker: str) -> None:
    if worker not in project.workers:
        raise InputError(f"--worker {worker!r} is none of {sorted(project.workers)} of project {project.name!r}")
    for kind, options in run_config.kinds():
        if options.worker is not None and options.worker not in project.workers:
            raise InputError(
                f"run_config.{kind}.worker = {options.worker!r} is none of {sorted(project.workers)} "
                f"of project {project.name!r}"
            )
        if isinstance(options.exec_config, str) and options.exec_config not in project.exec_config:
            raise InputError(
                f"run_config.{kind}.exec_config = {options.exec_config!r} is none of {sorted(project.exec_config)} "
                f"of project {project.name!r}"
            )


def _exec_config(given: str | Execution) -> str | ExecutionConfig:
    return given if isinstance(given, str) else ExecutionConfig(**given.model_dump())


def _states(flow: Flow, project: Project) -> dict[str, str]:
    """State of each job that the queue has; of a chain, that of its last index."""
    controller = project.get_job_controller()
    try:
        if controller.auxiliary.find_one({"next_id": {"$exists": True}}) is None:
            raise InputError(
                f"the queue of project {project.name!r} is empty and has never been set up: "
                f"run `jf -p {project.name} admin reset -y` once"
            )
        found = controller.jobs.find(
            {"uuid": {"$in": list(flow.job_uuids)}}, ["uuid", "index", "state"], sort=[("index", 1)]
        )
        return {job["uuid"]: job["state"] for job in found}
    finally:
        controller.close()
