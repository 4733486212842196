"""Which job runs where: the `run_config` block of a study, and how it reaches jobs that do not exist yet."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args

from jobflow import Flow
from pydantic import Field

from superionic.documents.base import Document

JobKind = Literal["dft", "train", "md", "analysis"]

# Functions of each kind; a job of any other function is "analysis". Add a maker's job here when it is heavy.
_FUNCTIONS: dict[JobKind, tuple[str, ...]] = {
    "dft": ("atomate2.vasp.jobs.base:BaseVaspMaker.make", "atomate2.cp2k.jobs.base:BaseCp2kMaker.make"),
    "train": (),
    "md": ("superionic.makers.mltp_md:run_md_segment", "superionic.makers.relax:RelaxMaker.make"),
}


class Execution(Document):
    """Shell environment of a job."""

    modules: list[str] = Field(default_factory=list, description="Environment modules to load")
    export: dict[str, str | int | float] = Field(
        default_factory=dict, description="Variables to export; never credentials"
    )
    pre_run: str | None = Field(None, description="Shell commands before the job")
    post_run: str | None = Field(None, description="Shell commands after the job")


class RunOptions(Document):
    """Where and with what the jobs of one kind run."""

    worker: str | None = Field(
        None, description="Worker of the jobflow-remote project, or name of the FireWorks worker; --worker if not given"
    )
    resources: dict[str, Any] = Field(
        default_factory=dict, description="What the queue is asked for: keys of qtoolkit, or of the FireWorks qadapter"
    )
    exec_config: str | Execution = Field(
        default_factory=Execution, description="Shell environment, or the name of one in the jobflow-remote project"
    )
    priority: int = Field(
        0, ge=0, description="Jobs with a higher number start first; 0 takes that of the job that makes it"
    )


class RunConfig(Document):
    """Options by kind of job."""

    dft: RunOptions = Field(default_factory=RunOptions, description="VASP and CP2K jobs")
    train: RunOptions = Field(default_factory=RunOptions, description="Fine-tuning of a potential")
    md: RunOptions = Field(default_factory=RunOptions, description="Relaxation and MD with a potential")
    analysis: RunOptions = Field(default_factory=RunOptions, description="Every other job; all of them are small")

    def of(self, kind: JobKind) -> RunOptions:
        """Options of one kind."""
        options: RunOptions = getattr(self, kind)
        return options

    def kinds(self) -> Iterator[tuple[JobKind, RunOptions]]:
        """Every kind with its options."""
        for kind in get_args(JobKind):
            yield kind, self.of(kind)


def apply_by_kind(
    flow: Flow, run_config: RunConfig, apply: Callable[[Flow, Callable[..., Any] | None, RunOptions], object]
) -> None:
    """Give every job of `flow`, and every job these make while they run, the options of its kind.

    Parameters
    ----------
    flow
        Changed in place.
    run_config
        The options.
    apply
        Sets the options of all jobs of one function (None: of all jobs) in a flow, replacing earlier ones, dynamically.
    """
    # Otherwise jobflow hands the options of a job down to the jobs it makes, whatever their kind.
    flow.update_config({"pass_manager_config": False})
    apply(flow, None, run_config.analysis)
    for kind, names in _FUNCTIONS.items():
        if run_config.of(kind) != run_config.analysis:  # every function named here is imported with every job
            for name in names:
                apply(flow, _function(name), run_config.of(kind))


def _function(name: str) -> Callable[..., Any]:
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    return found
