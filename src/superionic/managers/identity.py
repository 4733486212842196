"""Job UUIDs made from what a job does, so that the same job is recognised when a study is run again."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid5

from jobflow import Flow, Job
from monty.json import MontyDecoder, MontyEncoder

_NAMESPACE = UUID("6f1c1f0e-4f0f-4d0c-9a53-5b8c0b4a7a11")
_DIGITS = 9
_IRRELEVANT = {"@version", "analysis", "notes"}
_CAME_LATER: dict[str, Any] = {
    "structure": None,
    "composition_tolerance": 0.02,
    "other_mobile_species": [],
    "masses_u": {},
}
"""Fields that the jobs of earlier studies lack, with the values that ask for nothing new."""
_NOTHING = 1e-12  # below it a coordinate is rounding error


def jobs_of(flow: Flow) -> list[Job]:
    """All jobs of a flow, each after those it depends on."""
    with warnings.catch_warnings():  # independent jobs are what makes a study run side by side
        warnings.filterwarnings("ignore", message="Some jobs are not connected")
        return [job for job, _ in flow.iterflow()]


def with_content_uuids(flow: Flow) -> Flow:
    """The same flow with UUIDs that depend only on what each job computes and from what.

    A flow built twice from one study gets the same UUIDs; one with a temperature more keeps those of its old jobs.
    """
    text = json.dumps(flow, cls=MontyEncoder)
    renamed: dict[str, str] = {}
    for job in jobs_of(flow):
        content = json.dumps(_what_it_does(job), sort_keys=True)
        for old, new in renamed.items():
            content = content.replace(old, new)
        uuid = str(uuid5(_NAMESPACE, content))
        while uuid in renamed.values():  # the same job twice in one flow
            uuid = str(uuid5(_NAMESPACE, uuid))
        renamed[job.uuid] = uuid
    for index, old in enumerate(_flow_uuids(flow)):
        renamed[old] = str(uuid5(_NAMESPACE, f"{index} {sorted(renamed.values())}"))
    for old, new in renamed.items():
        text = text.replace(old, new)
    return json.loads(text, cls=MontyDecoder)


def _what_it_does(job: Job) -> Any:
    description = json.loads(json.dumps(job, cls=MontyEncoder))
    return _canonical({key: description[key] for key in ("function", "function_args", "function_kwargs")})


def _canonical(value: Any) -> Any:
    """What matters.

    Neither an update of pymatgen, nor the last digits of another processor, nor how a run is to be analysed, nor what
    was said when its crystal was read make a job a new one.
    """
    if isinstance(value, dict):
        return {
            key: _canonical(entry)
            for key, entry in value.items()
            if key not in _IRRELEVANT and not (key in _CAME_LATER and entry == _CAME_LATER[key])
        }
    if isinstance(value, list):
        return [_canonical(entry) for entry in value]
    if isinstance(value, float):
        return 0.0 if abs(value) < _NOTHING else float(f"{value:.{_DIGITS}g}")
    return value


def _flow_uuids(flow: Flow) -> Iterator[str]:
    yield flow.uuid
    for member in flow.jobs:
        if isinstance(member, Flow):
            yield from _flow_uuids(member)
