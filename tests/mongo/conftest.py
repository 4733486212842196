"""Fixtures of the tests that need a real MongoDB."""

from itertools import count

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
def cluster(mongod, tmp_path):
    cluster = Cluster(tmp_path, mongod, f"superionic_{next(_number)}")
    yield cluster
    cluster.client.drop_database(cluster.database)
    cluster.close()
