"""Runs that share one process for their evaluations get what they would have got alone, whatever happens to others."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from superionic.errors import InputError
from superionic.potentials import PotentialError
from superionic.potentials.chgnet import ChgnetPotential, SharedPotential, load_chgnet, shared
from superionic.potentials.chgnet.server import Server

IDLE_S = 1.0


@pytest.fixture
def address(tmp_path, monkeypatch):
    """Sockets in a folder of this test; paths of sockets must be short."""
    folder = Path("/tmp") / f"s{os.getpid()}-{tmp_path.name[-20:]}"  # noqa: S108
    folder.mkdir()
    monkeypatch.setattr(shared.tempfile, "gettempdir", lambda: str(folder))
    yield folder
    wait_until(lambda: not servers(folder))
    subprocess.run(["rm", "-r", str(folder)], check=True)


@pytest.fixture
def thread(address, fused):
    """A server as a thread of this process, which needs no start of its own."""
    server = Server(fused, shared.server_address("0.3.0", "cpu", "fused"), idle_s=0.1)
    thread = threading.Thread(target=server.serve)
    thread.start()
    wait_until(server.address.exists)
    yield
    thread.join()


def servers(folder):
    """Processes that serve in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if "superionic.potentials.chgnet.server" in command and str(folder) in command:
            found.append(int(entry.name))
    return found


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def connect(kernels="fused"):
    return SharedPotential(device="cpu", kernels=kernels, idle_s=IDLE_S)


def walk(potential, system, n_steps, seed, each=lambda step: None):
    """Forces along a random walk: enough for any history to show."""
    random = np.random.default_rng(seed)
    session, positions, forces = potential.session(system.numbers), system.positions_A, []
    for step in range(n_steps):
        each(step)
        positions = positions + random.normal(scale=0.01, size=positions.shape)
        result = session.evaluate(positions, system.cell_A)
        forces.append(np.append(result.forces_eV_per_A.ravel(), result.energy_eV))
    return np.array(forces)


def side_by_side(names, systems, n_steps=12, kernels="fused", each=lambda step: None):
    """A walk of every system at once, each with a client of its own."""
    results = {}

    def work(seed, name):
        with connect(kernels) as potential:
            results[seed] = walk(potential, systems[name], n_steps, seed, each if seed == 0 else lambda step: None)

    threads = [threading.Thread(target=work, args=item) for item in enumerate(names)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [results[seed] for seed in range(len(names))]


NAMES = ["rattled", "hot", "hot", "high entropy", "one atom, no angles"]


@pytest.mark.usefixtures("thread")
def test_runs_that_share_equal_runs_alone_bit_for_bit(systems, fused):
    together = side_by_side(NAMES, systems)
    for seed, name in enumerate(NAMES):
        np.testing.assert_array_equal(together[seed], walk(fused, systems[name], 12, seed))


@pytest.mark.slow
@pytest.mark.usefixtures("address")
def test_torch_kernels_share_to_the_last_places_of_float32(systems, plain):
    together = side_by_side(["hot", "tiny"], systems, 4, "torch")
    for seed, name in enumerate(["hot", "tiny"]):
        np.testing.assert_allclose(together[seed], walk(plain, systems[name], 4, seed), atol=2e-5)


@pytest.mark.slow
def test_a_server_that_is_killed_is_started_anew_and_no_number_changes(systems, fused, address):
    def kill(step):
        if step == 5:
            for process in servers(address):
                os.kill(process, signal.SIGKILL)

    together = side_by_side(["hot", "hot", "tiny"], systems, each=kill)
    for seed, name in enumerate(["hot", "hot", "tiny"]):
        np.testing.assert_array_equal(together[seed], walk(fused, systems[name], 12, seed))


@pytest.mark.slow
def test_one_server_for_all_and_none_when_all_have_gone(address, systems):
    with connect(), connect() as potential:
        assert len(servers(address)) == 1
        assert potential.reference.kernels == "fused"
        assert potential.reference == load_chgnet().reference
    wait_until(lambda: not servers(address))
    with connect() as potential:  # and another one when somebody comes again
        assert walk(potential, systems["hot"], 1, 0).shape == (1, 61)


@pytest.mark.usefixtures("thread")
def test_an_exploded_run_does_not_touch_the_others(systems, fused):
    failed = []

    def explode(step):
        if step == 3:
            with connect() as potential:
                session = potential.session([1, 1])
                try:
                    session.evaluate([[0, 0, 0], [0, 0, 0.05]], 8 * np.eye(3))
                except PotentialError as error:
                    failed.append(error)

    together = side_by_side(["hot", "hot"], systems, 6, each=explode)
    assert len(failed) == 1
    for seed in (0, 1):
        np.testing.assert_array_equal(together[seed], walk(fused, systems["hot"], 6, seed))


@pytest.mark.usefixtures("address")
def test_a_server_that_cannot_start_says_why():
    with pytest.raises(ConnectionError, match="kernels='fast' is unknown"):
        SharedPotential(device="cpu", kernels="fast")
    with pytest.raises(InputError, match="neither one of"):
        SharedPotential("no such model", device="cpu")


def test_a_folder_open_to_others_is_refused(address):
    (address / f"superionic-shared-{os.getuid()}").mkdir(mode=0o755)
    with pytest.raises(InputError, match="open to other users"):
        connect()


class SmallMemory:
    """A network on a device that holds three systems."""

    def __init__(self, network):
        self.network, self.sizes = network, []

    def evaluate(self, graph):
        if len(graph.cells_A) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.sizes.append(len(graph.cells_A))
        return self.network.evaluate(graph)


def test_what_does_not_fit_the_device_is_evaluated_in_parts(systems):
    potential = load_chgnet(kernels="fused")
    chosen = [systems["hot"]] * 10
    whole = potential.evaluate_batch(chosen)
    potential._network = small = SmallMemory(potential._network)
    parts = potential.evaluate_batch(chosen)
    assert small.sizes == [2, 2, 2, 2, 2]
    for one, two in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one.forces_eV_per_A, two.forces_eV_per_A)
    small.sizes.clear()
    potential.evaluate_batch(chosen[:2])
    assert small.sizes == [2]


def test_a_single_system_that_does_not_fit_is_an_error(systems):
    potential = load_chgnet(kernels="fused")

    class Full:
        def evaluate(self, graph):
            raise torch.OutOfMemoryError("CUDA out of memory")

    potential._network = Full()
    with pytest.raises(torch.OutOfMemoryError):
        potential.evaluate_batch([systems["hot"]] * 2)
    assert isinstance(potential, ChgnetPotential)
