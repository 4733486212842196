"""How the `run_config` block of a study reaches jobs that do not exist yet."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from jobflow import Flow

from superionic.documents.run_config import JobKind, RunConfig, RunOptions

# Functions of each kind; a job of any other function is "analysis". Add a maker's job here when it is heavy.
_FUNCTIONS: dict[JobKind, tuple[str, ...]] = {
    "dft": (
        "superionic.makers.aimd:run_aimd_segment",
        "superionic.makers.aimd:ReferenceRelaxMaker.make",
        "superionic.makers.labels:label_batch",
        "atomate2.vasp.jobs.base:BaseVaspMaker.make",
        "atomate2.cp2k.jobs.base:BaseCp2kMaker.make",
    ),
    "train": (),
    "md": (
        "superionic.makers.mltp_md:run_md_segment",
        "superionic.makers.relax:RelaxMaker.make",
        "superionic.makers.validation:label_again",
    ),
}


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
