"""Builders on a real MongoDB: two processes under mrun, and one that is killed half-way."""

import time

import pytest

from cluster import README_URI, readme_blocks
from own_crystal import run_and_lose_the_files
from sample_runs import store_run
from superionic.builders import build_documents

pytestmark = pytest.mark.mongo
N_RUNS = 12


def content(db):
    """Documents without what says when and as what they were stored."""
    found = {}
    for name, key in (("diffusivity", "run_id"), ("arrhenius", "group"), ("comparison", "comparison")):
        for document in db[name].find({}, {"_id": 0}):
            document["provenance"].pop("created_at")
            assert document[key] not in found
            found[document[key]] = document
    return found


@pytest.fixture
def filled(cluster):
    """Runs of two orderings, and the documents that a builder in this process makes of them."""
    cluster.run("superionic", "init", "--mongo", cluster.uri)
    with cluster.stores() as stores:
        for number in range(N_RUNS):
            store_run(
                stores.jobs, run_id=f"r{number}", temperature_K=600 + 50 * (number // 2), step_A=0.1 + 0.02 * number,
                seed=number, label="O" if number % 2 else "ELC", frames_each=300,
            )  # fmt: skip
        build_documents(stores)
    wanted = content(cluster.db)
    assert len(wanted) == N_RUNS + 2 + 1
    cluster.db.diffusivity.delete_many({})
    cluster.db.arrhenius.delete_many({})
    cluster.db.comparison.delete_many({})
    cluster.mrun = {"cwd": cluster.home / "superionic"}
    return cluster, wanted


def test_two_processes_under_mrun_make_the_same_documents(filled):
    cluster, wanted = filled
    done = cluster.run("mrun", "-n", "2", "--no_bars", "builders.py", **cluster.mrun)
    assert content(cluster.db) == wanted
    assert "Traceback" not in done.stderr
    before = list(cluster.db.diffusivity.find())
    cluster.run("mrun", "-n", "2", "builders.py", **cluster.mrun)
    assert list(cluster.db.diffusivity.find()) == before
    check_queries_of_the_readme(cluster)


def check_queries_of_the_readme(cluster):
    """Tables, models and plain pymongo find the one run of O at 700 K."""
    (stored,) = cluster.db.diffusivity.find({"identity.label": "O", "temperature_K": 700})
    assert "700" in cluster.run("superionic", "show", "--label", "O", "--temperature", "700").stdout
    assert cluster.run("superionic", "show", "--study", "quickstart", "--csv").stdout == ""
    costs = cluster.run("superionic", "show", "--costs").stdout
    assert "core hours" in costs
    cluster.check_readme(2)
    by_model, by_pymongo = (
        cluster.run("python", "-c", code.replace(README_URI, cluster.uri)).stdout for code in readme_blocks("python")
    )
    assert stored["run_id"] in by_model
    assert by_pymongo.split() == [str(stored["diffusivity_cm2_per_s"]["value"]), stored["quality"]["verdict"]]


def test_two_builders_at_once_double_nothing(filled):
    cluster, wanted = filled
    builders = [cluster.start("mrun", "-n", "1", "--no_bars", "builders.py", **cluster.mrun) for _ in range(2)]
    for builder in builders:
        builder.wait(200)
    cluster.run("superionic", "build")
    assert content(cluster.db) == wanted


def test_a_builder_killed_half_way_and_run_again_makes_the_same_documents(filled):
    cluster, wanted = filled
    builder = cluster.start("superionic", "build")
    while not cluster.db.diffusivity.count_documents({}):
        assert builder.poll() is None
        time.sleep(0.005)
    cluster.kill_runner(builder)
    assert 0 < cluster.db.diffusivity.count_documents({}) < N_RUNS
    cluster.run("superionic", "build")
    assert content(cluster.db) == wanted


def test_a_crystal_of_ones_own_is_found_in_the_database_when_its_files_are_gone(cluster):
    cluster.run("superionic", "init", "--mongo", cluster.uri)
    with cluster.stores() as stores:
        document = run_and_lose_the_files(stores, cluster.folder)
    assert {site.label for site in document.sites.sites} == {"corner", "edge", "top", "side", "gate"}
    stored = cluster.db.jobs.find_one({"output.kind": "trajectory_segment", "output.segment": 0})
    assert stored["output"]["host_crystal"]["name"] == "mine"
