"""CHGNet shared by all runs on one device: each looks after its own atoms, one process evaluates them together.

An evaluation of 80 atoms leaves a GPU nearly idle, and processes that use it at the same time take turns. Here every
run stays a process and a job of its own, whoever started it (the local manager, jobflow-remote's parallel batch
workers, `rlaunch multi`), integrates and keeps its neighbour list, and sends its graph to a server on the same
machine, which evaluates in one batch what has come. A run may come and go at any moment. With the fused kernels a
system's result does not depend on its batch, bit for bit; with the torch kernels it may differ in the last places of
float32, since matrix products of another size may round differently.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Self

from numpy.typing import ArrayLike

from superionic.documents import PotentialReference
from superionic.errors import InputError
from superionic.potentials.checks import checked_numbers
from superionic.potentials.chgnet.evaluator import ChgnetSession, Kernels
from superionic.potentials.chgnet.graph import CrystalGraph
from superionic.potentials.chgnet.reference import KNOWS, PRETRAINED, SUPPORTED_NUMBERS, weights_path
from superionic.potentials.chgnet.server import locked
from superionic.potentials.interface import Evaluation

__all__ = ["SharedPotential", "server_address"]

_START_S = 300.0
_ATTEMPTS = 3


class SharedPotential:
    """A client of the server of one potential on one device; starts the server if there is none.

    Parameters
    ----------
    model, device, kernels
        As `superionic.potentials.load_chgnet`.
    idle_s
        Seconds without a client after which a server that this client starts ends.

    Raises
    ------
    InputError
        A model that is no file, or a folder of temporary files that cannot be trusted.
    ConnectionError
        The server cannot be started; its last words are in the message.
    """

    def __init__(
        self, model: str | Path = "0.3.0", device: str = "cuda", kernels: Kernels = "auto", idle_s: float = 20.0
    ) -> None:
        where = str(model) if str(model) in PRETRAINED else str(weights_path(model).resolve())
        self._arguments = [where, device, kernels, str(idle_s)]
        self.address = server_address(model, device, kernels)
        self.reference: PotentialReference
        self.cutoff_A: float
        self.bond_cutoff_A: float
        self.supported_numbers = SUPPORTED_NUMBERS
        self.gives_stress = True
        self._server = self._connected()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the server."""
        self._server.close()

    def session(self, numbers: ArrayLike, skin_A: float = 0.6) -> ChgnetSession:
        """As `ChgnetPotential.session`; the neighbour list is kept in this process."""
        return ChgnetSession(self, checked_numbers(numbers, SUPPORTED_NUMBERS, KNOWS), skin_A)

    def evaluate_graphs(self, graphs: Sequence[CrystalGraph]) -> list[Evaluation]:
        """As `ChgnetPotential.evaluate_graphs`; a server that was killed is started anew, and asked again.

        Raises
        ------
        ConnectionError
            The server cannot be started, or dies again and again.
        """
        for _ in range(_ATTEMPTS):
            try:
                self._server.send(graphs)
                reply: list[Evaluation] | Exception = self._server.recv()
            except (EOFError, OSError):
                self._server.close()
                self._server = self._connected()
                continue
            if isinstance(reply, Exception):
                raise reply
            return reply
        raise ConnectionError(
            f"the process that evaluates died {_ATTEMPTS} times; its last words: {self._last_words()}"
        )

    def _connected(self) -> Connection:
        with locked(self.address):
            return self._greeted() or self._started()

    def _greeted(self) -> Connection | None:
        """A connection to the server that is there, None if there is none."""
        try:
            server: Connection = Client(str(self.address), "AF_UNIX")
            self.reference, self.cutoff_A, self.bond_cutoff_A = server.recv()
        except (EOFError, OSError):
            return None
        return server

    def _started(self) -> Connection:
        self.address.unlink(missing_ok=True)  # of a server that was killed
        command = [sys.executable, "-m", "superionic.potentials.chgnet.server", str(self.address), *self._arguments]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with self.address.with_suffix(".log").open("w") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=environment
            )
        deadline = time.monotonic() + _START_S
        while process.poll() is None and time.monotonic() < deadline:
            server = self._greeted() if self.address.exists() else None
            if server is not None:
                return server
            time.sleep(0.05)
        process.kill()
        raise ConnectionError(f"the process that evaluates did not start; its last words: {self._last_words()}")

    def _last_words(self) -> str:
        return self.address.with_suffix(".log").read_text()[-1000:].strip() or "none"


def server_address(model: str | Path, device: str, kernels: Kernels) -> Path:
    """Socket of the server of these weights on this device, in a folder that only this user can enter.

    Raises
    ------
    InputError
        If the model is no file, or the folder is another user's.
    """
    folder = Path(tempfile.gettempdir()) / f"superionic-shared-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.stat()
    if folder.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise InputError(f"{str(folder)!r} is open to other users: remove it, or set TMPDIR to a folder of your own")
    what = (
        hashlib.sha256(weights_path(model).read_bytes()).hexdigest(), device, kernels, version("superionic"),
        sys.executable, os.environ.get("CUDA_VISIBLE_DEVICES"),
    )  # fmt: skip
    return folder / hashlib.sha256(repr(what).encode()).hexdigest()[:16]
