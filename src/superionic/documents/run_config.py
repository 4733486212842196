"""Which job runs where: the `run_config` block of a study."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args

from pydantic import Field

from superionic.documents.base import Document

JobKind = Literal["dft", "train", "md", "analysis"]


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

    dft: RunOptions = Field(
        default_factory=RunOptions, description="Every job of the reference: its relaxations, its MD and its labels"
    )
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
