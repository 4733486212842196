"""The process that evaluates for all runs on one device; started by `SharedPotential`, it ends when nobody needs it."""

from __future__ import annotations

import argparse
import fcntl
import queue
import selectors
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path

from superionic.potentials.chgnet.evaluator import ChgnetPotential, load_chgnet
from superionic.potentials.chgnet.graph import CrystalGraph
from superionic.potentials.interface import Evaluation

__all__ = ["Server", "locked"]

Request = tuple[Connection, Sequence[CrystalGraph]]
Reply = list[Evaluation] | Exception

_LEAST_PATIENCE_S = 1e-3


class Server:
    """Evaluates what clients send, as much at once as is there.

    Parameters
    ----------
    potential
        What evaluates.
    address
        Path of a Unix socket, in a folder that only this user can enter.
    idle_s
        Seconds without a client after which the server ends.
    """

    def __init__(self, potential: ChgnetPotential, address: Path, idle_s: float) -> None:
        self.potential = potential
        self.address = address
        self.idle_s = idle_s
        self._clients: set[Connection] = set()
        self._requests: queue.Queue[Request] = queue.Queue()
        self._took_s = 0.0
        self._leaving = False
        self._selector = selectors.DefaultSelector()

    def serve(self) -> None:
        """Serve until no client has been there for a while."""
        listener = Listener(str(self.address), "AF_UNIX", backlog=128)
        reception = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        reception.start()
        threading.Thread(target=self._listen, daemon=True).start()
        while True:
            if batch := self._gathered():
                start = time.monotonic()
                self._answer(batch)
                self._took_s = time.monotonic() - start
                continue
            with locked(self.address):  # clients come under the same lock
                if not self._clients:
                    self._leaving = True
                    Client(str(self.address), "AF_UNIX").close()  # wakes the reception
                    reception.join()
                    listener.close()
                    return

    def _accept(self, listener: Listener) -> None:
        while True:
            client = listener.accept()
            if self._leaving:
                return
            self._clients.add(client)
            try:
                client.send((self.potential.reference, self.potential.cutoff_A, self.potential.bond_cutoff_A))
            except OSError:
                self._clients.discard(client)
                continue
            self._selector.register(client, selectors.EVENT_READ, client)

    def _listen(self) -> None:
        """Receive from all clients, in one thread: many would compete with the evaluations for the interpreter.

        The price: a client that is stopped in the middle of a message holds up the others until it goes on.
        """
        while not self._leaving:
            for key, _ in self._selector.select(timeout=1.0):
                client: Connection = key.data
                try:
                    self._requests.put((client, client.recv()))
                except (EOFError, OSError):
                    self._selector.unregister(client)
                    self._clients.discard(client)

    def _gathered(self) -> list[Request]:
        """One request of every second client: the others integrate while these are evaluated.

        Late ones are waited for as long as an evaluation takes.
        """
        try:
            batch = [self._requests.get(timeout=self.idle_s)]
        except queue.Empty:
            return []
        deadline = time.monotonic() + max(_LEAST_PATIENCE_S, self._took_s)
        while 2 * len(batch) < len(self._clients):
            try:
                batch.append(self._requests.get(timeout=max(0.0, deadline - time.monotonic())))
            except queue.Empty:
                break
        return batch

    def _answer(self, batch: list[Request]) -> None:
        try:
            results = iter(self.potential.evaluate_graphs([graph for _, graphs in batch for graph in graphs]))
            replies: list[Reply] = [[next(results) for _ in graphs] for _, graphs in batch]
        except Exception as error:  # noqa: BLE001 - whose it is, they will say one by one
            replies = [error] if len(batch) == 1 else [self._alone(graphs) for _, graphs in batch]
        for (client, _), reply in zip(batch, replies, strict=True):
            try:
                client.send(reply)
            except OSError:  # it was killed meanwhile
                self._clients.discard(client)

    def _alone(self, graphs: Sequence[CrystalGraph]) -> Reply:
        try:
            return self.potential.evaluate_graphs(graphs)
        except Exception as error:  # noqa: BLE001 - the client raises it
            return error


@contextmanager
def locked(address: Path) -> Iterator[None]:
    """While one client looks for the server, or the server leaves, nobody else does."""
    with address.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser()
    for name in ("address", "model", "device", "kernels"):
        parser.add_argument(name)
    parser.add_argument("idle_s", type=float)
    given = parser.parse_args()
    Server(load_chgnet(given.model, given.device, given.kernels), Path(given.address), given.idle_s).serve()


if __name__ == "__main__":
    main()
