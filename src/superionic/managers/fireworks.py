"""Submit a study to FireWorks."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fireworks import LaunchPad
from jobflow import Flow
from jobflow.managers.fireworks import flow_to_workflow

from superionic.documents.run_config import Execution, RunConfig, RunOptions
from superionic.errors import InputError
from superionic.managers.identity import jobs_of
from superionic.managers.run_config import apply_by_kind
from superionic.managers.submission import Submission, new_part

_UUID = "spec._tasks.job.uuid"


def submit_to_fireworks(
    flow: Flow, run_config: RunConfig, launchpad_file: Path | None = None, worker: str | None = None
) -> Submission:
    """Add to the LaunchPad what is new of `flow`; `rlaunch` and `qlaunch` do the rest.

    The workers find the JobStore by their own JOBFLOW_CONFIG_FILE, so that no credentials enter the LaunchPad.

    Parameters
    ----------
    flow
        A flow with content UUIDs.
    run_config
        Which kind of job runs where.
    launchpad_file
        A my_launchpad.yaml; the one of FireWorks' own settings if None.
    worker
        Name of the FireWorks worker of the kinds that name none; any worker if None.

    Raises
    ------
    InputError
        If the file is missing, an exec_config is a name, or a new job depends on an unfinished one.
    """
    for kind, options in run_config.kinds():
        if isinstance(options.exec_config, str):
            raise InputError(
                f"run_config.{kind}.exec_config = {options.exec_config!r} is a name, which only jobflow-remote knows: "
                "write its modules, export, pre_run and post_run here"
            )
    launchpad = open_launchpad(launchpad_file)
    states = _states(flow, launchpad)
    new = new_part(flow, states)
    if new is None:
        return Submission([], states)

    def apply(flow: Flow, function: Callable[..., Any] | None, options: RunOptions) -> None:
        flow.update_config({"manager_config": firework_spec(options, worker)}, function_filter=function)

    apply_by_kind(new, run_config, apply)
    launchpad.add_wf(flow_to_workflow(new, allow_external_references=bool(states)))
    return Submission([job.name for job in jobs_of(new)], states)


def open_launchpad(file: Path | None) -> LaunchPad:
    """The LaunchPad of a file, or of FireWorks' settings.

    Raises
    ------
    InputError
        If there is no such file.
    """
    if file is None:
        return LaunchPad.auto_load()
    if not file.is_file():
        raise InputError(f"--launchpad {str(file)!r} does not exist: give a my_launchpad.yaml (see `superionic init`)")
    return LaunchPad.from_file(str(file))


def firework_spec(options: RunOptions, worker: str | None) -> dict[str, Any]:
    """The options of a job as reserved keys of a FireWorks spec."""
    spec: dict[str, Any] = {"_priority": options.priority}
    if options.worker or worker:
        spec["_fworker"] = options.worker or worker
    adapter = dict(options.resources)
    if isinstance(options.exec_config, Execution):
        adapter.update(_rocket_commands(options.exec_config))
    if adapter:
        spec["_queueadapter"] = adapter
    return spec


def _rocket_commands(execution: Execution) -> dict[str, str]:
    """What a queue script does before and after the job."""
    before = [f"module load {shlex.quote(module)}" for module in execution.modules]
    before += [f"export {name}={shlex.quote(str(value))}" for name, value in execution.export.items()]
    before += [execution.pre_run] if execution.pre_run else []
    commands = {"pre_rocket": "\n".join(before), "post_rocket": execution.post_run or ""}
    return {key: value for key, value in commands.items() if value}


def _states(flow: Flow, launchpad: LaunchPad) -> dict[str, str]:
    """State of each job that the LaunchPad has; of a chain, that of the job made last."""
    query = {_UUID: {"$in": list(flow.job_uuids)}}
    found = launchpad.fireworks.find(query, ["state", "spec._tasks.job.uuid"], sort=[("fw_id", 1)])
    return {task["job"]["uuid"]: firework["state"] for firework in found for task in firework["spec"]["_tasks"]}
