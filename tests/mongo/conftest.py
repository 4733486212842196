"""Fixtures of the tests that need a real MongoDB."""

import tempfile
from itertools import count
from pathlib import Path

import pytest

from cluster import Cluster
from mongod import Mongod

_number = count()


@pytest.fixture(scope="session")
def mongod(tmp_path_factory):
    """One server for all tests of this process; who kills servers takes `own_mongod`."""
    server = Mongod(tmp_path_factory.mktemp("mongod") / "db").start()
    yield server
    server.stop()


@pytest.fixture
def own_mongod(tmp_path):
    server = Mongod(tmp_path / "db").start()
    yield server
    server.stop()


@pytest.fixture
def cluster(mongod):
    yield from _cluster(mongod)


@pytest.fixture(scope="module")
def shared_cluster(mongod):
    """For tests that only read, or write what nobody else reads."""
    yield from _cluster(mongod)


def _cluster(mongod):
    with tempfile.TemporaryDirectory(prefix="si-", ignore_cleanup_errors=True) as folder:  # a socket's path is short
        cluster = Cluster(Path(folder), mongod, f"superionic_{next(_number)}")
        yield cluster
        cluster.client.drop_database(cluster.database)
        cluster.close()
