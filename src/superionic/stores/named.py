"""Outputs in a JobStore that users name: all of a kind by age, and the one that somebody means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jobflow import JobStore

from superionic.errors import InputError

_LEAST_LETTERS = 4
"""Of an id: fewer may be meant by anybody."""

Entry = dict[str, Any]


def outputs_by_age(jobs: JobStore, kind: str) -> list[Entry]:
    """Job documents whose output is of a kind, the oldest first; no blob is read.

    Parameters
    ----------
    jobs
        The JobStore, connected.
    kind
        As in the outputs.
    """
    found = jobs.docs_store.query({"output.kind": kind}, properties=["uuid", "completed_at", "output"])
    return sorted(found, key=lambda entry: str(entry.get("completed_at")))


def output_meant(
    entries: list[Entry], text: str, ids_of: Callable[[Entry], tuple[str, ...]], what: str, id_name: str
) -> Entry:
    """The newest of the name `text`, or the one with an id that begins with it.

    Parameters
    ----------
    entries
        From `outputs_by_age`.
    text
        What the user wrote.
    ids_of
        Ids of an entry; the first tells entries apart, so that one that is stored twice is one.
    what, id_name
        What they are called in messages: 'dataset' and 'a version', for example.

    Raises
    ------
    InputError
        If there is none, or more than one.
    """
    found = [entry for entry in entries if entry["output"].get("name") == text][-1:]
    if not found and len(text) >= _LEAST_LETTERS:
        found = [entry for entry in entries if any(known.startswith(text) for known in ids_of(entry))]
    n_meant = len({ids_of(entry)[0] for entry in found})
    if n_meant != 1:
        known = f"no {what} is" if not found else f"{n_meant} {what}s are"
        raise InputError(f"{known} in this store with the name {text!r}, or with {id_name} that begins so")
    return found[-1]
