"""A small file system of its own that really fills up: a tmpfs in a mount namespace that ends with the test."""

import os
import subprocess

import pytest

_HOLD = 'mount -t tmpfs -o size="$2" tmpfs "$1" && echo mounted && exec sleep infinity'


class SmallDisk:
    """A tmpfs on `folder`, seen only by the processes that `command` starts.

    Root mounts it in a namespace of its own; anybody else needs user namespaces, as most Linux systems have them.
    """

    def __init__(self, folder, size):
        folder.mkdir(parents=True)
        self.folder = folder
        self.user = [] if os.geteuid() == 0 else ["--user"]
        flags = ["-m"] if os.geteuid() == 0 else ["-rm"]
        self.holder = subprocess.Popen(
            ["unshare", *flags, "sh", "-c", _HOLD, "sh", str(folder), size], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        if self.holder.stdout.readline() != "mounted\n":
            pytest.fail(f"no small file system for this test: {self.holder.communicate()[1].strip()}")

    def command(self, words):
        """The same command, run where the small file system is."""
        keep = [*self.user, "--preserve-credentials"] if self.user else []
        return ["nsenter", f"--target={self.holder.pid}", "--mount", *keep, *map(str, words)]

    def grow(self, size):
        """Make room, as an administrator would."""
        subprocess.run(self.command(["mount", "-o", f"remount,size={size}", self.folder]), check=True)

    def close(self):
        self.holder.kill()
        self.holder.wait()
