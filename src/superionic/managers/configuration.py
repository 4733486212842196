"""The configuration files that `superionic init` writes."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit, urlunsplit

import yaml

from superionic.errors import InputError
from superionic.stores.kinds import DATA_STORE

Manager = Literal["jobflow-remote", "fireworks"]

_POLL_S = 10

BUILDERS_SCRIPT = '''"""Builds documents in parallel: `mrun -n 2 builders.py` in this folder."""

from superionic.builders.mrun import configured_builders

__builders__ = configured_builders()
'''


@dataclass(frozen=True)
class MongoAddress:
    """A MongoDB and how to log in; the URI itself holds no credentials, so that it may be printed.

    Attributes
    ----------
    uri
        Hosts and options, without user and password.
    database
        Name of the database.
    login
        ``username``, ``password`` and ``authSource`` for a MongoClient; empty without a user.
    """

    uri: str
    database: str
    login: dict[str, str]

    def client_options(self) -> dict[str, Any]:
        """Options of every client: a write counts when it is in the journal, so that a crash loses none."""
        return {**self.login, "journal": True}


def parse_mongo_uri(uri: str, password: str | None = None) -> MongoAddress:
    """Split a connection string.

    Parameters
    ----------
    uri
        ``mongodb://`` or ``mongodb+srv://``, with the name of the database.
    password
        Password of the user that `uri` names without one.

    Raises
    ------
    InputError
        If it is no such string, or names no database; the message never repeats a password.
    """
    parts = urlsplit(uri)
    login, _, hosts = parts.netloc.rpartition("@")
    database = parts.path.strip("/")
    if parts.scheme not in {"mongodb", "mongodb+srv"} or not hosts:
        raise InputError(
            "--mongo is no MongoDB URI: write mongodb://host:27017/database or mongodb+srv://host/database"
        )
    if not database:
        raise InputError(f"--mongo {parts.scheme}://{hosts} names no database: add it, as in {hosts}/superionic")
    options = dict(pair.partition("=")[::2] for pair in parts.query.split("&") if pair)
    source = options.pop("authSource", database)
    user, _, secret = login.partition(":")
    credentials = {}
    if user:
        credentials = {"username": unquote(user), "password": unquote(secret) or password or "", "authSource": source}
    query = "&".join(f"{key}={value}" for key, value in options.items())
    return MongoAddress(urlunsplit((parts.scheme, hosts, f"/{database}", query, "")), database, credentials)


def needs_password(uri: str) -> bool:
    """Whether a connection string names a user without a password."""
    login, found, _ = urlsplit(uri).netloc.rpartition("@")
    return bool(found) and ":" not in login


def mongo_store(address: MongoAddress, store_type: str, collection: str, **options: Any) -> dict[str, Any]:
    """One store of a MongoDB in the short form that jobflow and jobflow-remote read."""
    return {
        "type": store_type,
        "uri": address.uri,
        "database": address.database,
        "collection_name": collection,
        "mongoclient_kwargs": address.client_options(),
        **options,
    }


def mongo_job_store(address: MongoAddress) -> dict[str, Any]:
    """JOB_STORE over MongoStore and GridFSStore."""
    blobs = mongo_store(address, "GridFSStore", "data", key="blob_uuid")
    return {"docs_store": mongo_store(address, "MongoStore", "jobs"), "additional_stores": {DATA_STORE: blobs}}


def embedded_description(folder: Path) -> dict[str, Any]:
    """JOB_STORE over sqlite files, the same that ``store_dir`` opens."""
    monty = {"type": "MontyStore", "database_path": str(folder / "store")}
    return {
        "docs_store": {**monty, "collection_name": "jobs"},
        "additional_stores": {DATA_STORE: {**monty, "collection_name": "data", "key": "blob_uuid"}},
    }


def remote_project(name: str, address: MongoAddress, work_dir: Path) -> dict[str, Any]:
    """A jobflow-remote project with two workers on this machine; queue and results in one database."""
    return {
        "name": name,
        "workers": {"local_shell": _local_worker(work_dir), "pilot": _pilot_worker(work_dir)},
        # jobflow-remote looks every 30 to 60 s, which is most of the time that a small job takes
        "runner": dict.fromkeys(
            ("delay_checkout", "delay_check_run_status", "delay_advance_status", "delay_update_batch"), _POLL_S
        ),
        "queue": {
            "store": mongo_store(address, "MongoStore", "queue"),
            "flows_collection": "queue_flows",
            "auxiliary_collection": "queue_auxiliary",
            "batches_collection": "queue_batches",
        },
        "jobstore": mongo_job_store(address),
    }


def _local_worker(work_dir: Path) -> dict[str, Any]:
    """One process of its own for every job, for MD and everything else that takes minutes or more."""
    cores = len(os.sched_getaffinity(0))
    return {"type": "local", "scheduler_type": "shell", "work_dir": str(work_dir), "max_jobs": cores}


def _pilot_worker(work_dir: Path) -> dict[str, Any]:
    """One process that runs job after job, for thousands of small jobs (see :mod:`superionic.managers.pilot`)."""
    worker = _local_worker(work_dir)
    pilot = f"{shlex.quote(sys.executable)} -m superionic.managers.pilot"
    return {
        **worker,
        "max_jobs": 1,
        "pre_run": f'eval "$({pilot} serve $$)"',
        "execution_cmd": f"{pilot} run {{}}",
        "batch": {
            "jobs_handle_dir": str(work_dir / "pilot" / "handles"),
            "work_dir": str(work_dir / "pilot"),
            "parallel_jobs": worker["max_jobs"],
            "max_wait": 60,
            "sleep_time": 1,
        },
    }


def launchpad(address: MongoAddress) -> dict[str, Any]:
    """my_launchpad.yaml of the same database; jobs are found by UUID through an index."""
    return {
        "host": address.uri,
        "name": address.database,
        "uri_mode": True,
        "mongoclient_kwargs": address.client_options(),
        "user_indices": ["spec._tasks.job.uuid"],
    }


def write_private(file: Path, content: str | dict[str, Any], *, force: bool) -> Path:
    """Write a file that only its owner can read.

    Raises
    ------
    InputError
        If the file exists and is not to be replaced.
    """
    if file.exists() and not force:
        raise InputError(f"{str(file)!r} exists: give --force to replace it, or edit it")
    file.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
    partial = file.with_name(f"{file.name}.part")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    partial.replace(file)
    return file
