"""Queries of a real MongoDB use its indexes, and every filter finds what it finds in sqlite files."""

import copy
import time

import pytest

from sample_runs import store_run
from superionic.builders import build_documents
from superionic.stores.query import criteria, diffusivity_documents, diffusivity_table

pytestmark = pytest.mark.mongo
LABELS, TEMPERATURES_K, REPEATS = 50, 20, 10


@pytest.fixture(scope="module")
def many(shared_cluster):
    """10,000 documents like one that a builder made."""
    cluster = shared_cluster
    cluster.run("superionic", "init", "--mongo", cluster.uri)
    with cluster.stores() as stores:
        store_run(stores.jobs, n_segments=1, frames_each=300)
        build_documents(stores)
    template = cluster.db.diffusivity.find_one({}, {"_id": 0})
    documents = []
    for number in range(LABELS * TEMPERATURES_K * REPEATS):
        document = copy.deepcopy(template)
        document["run_id"] = f"run {number}"
        document["identity"]["label"] = f"L{number % LABELS}"
        document["temperature_K"] = float(500 + number // LABELS % TEMPERATURES_K * 25)
        document["identity"]["tags"] = [f"tag {number % 7}"]
        documents.append(document)
    cluster.db.diffusivity.delete_many({})
    cluster.db.diffusivity.insert_many(documents)
    return cluster


def test_ten_thousand_documents_are_queried_through_an_index(many):
    query = {"kind": "diffusivity", **criteria(label="L7", temperature_K=700)}
    plan = many.db.diffusivity.find(query).explain()
    assert plan["executionStats"]["nReturned"] == plan["executionStats"]["totalDocsExamined"] == REPEATS
    assert plan["executionStats"]["executionTimeMillis"] < 50
    with many.stores() as stores:
        started = time.perf_counter()
        documents = diffusivity_documents(stores, criteria(label="L7", temperature_K=700))
        assert time.perf_counter() - started < 1  # 10 ms on an idle machine; the server's own time is checked above
    assert {(document.identity.label, document.temperature_K) for document in documents} == {("L7", 700.0)}
    assert len(diffusivity_table(documents)) == REPEATS


@pytest.mark.parametrize(
    "wanted",
    [
        {"study": "s"}, {"label": "s"}, {"formula": "s"}, {"engine": "s"}, {"potential": "s"}, {"temperature_K": 1},
        {"tags": ["s"]}, {"verdict": "unusable"}, {"ordering_class": "ordered"},
    ],
    ids=lambda wanted: next(iter(wanted)),
)  # fmt: skip
def test_every_filter_has_an_index(many, wanted):
    for name in ("diffusivity", "arrhenius"):
        if name == "arrhenius" and "temperature_K" in wanted:
            continue
        plan = many.db[name].find({"kind": name, **criteria(**wanted)}).explain()["queryPlanner"]["winningPlan"]
        assert "IXSCAN" in str(plan), name
    if "temperature_K" not in wanted:
        asked = {field.replace("identity.", "members.identity."): value for field, value in criteria(**wanted).items()}
        plan = many.db.comparison.find({"kind": "comparison", **asked}).explain()["queryPlanner"]["winningPlan"]
        assert "IXSCAN" in str(plan), "comparison"


def test_one_run_cannot_have_two_documents(many):
    from pymongo.errors import DuplicateKeyError

    with pytest.raises(DuplicateKeyError):
        many.db.diffusivity.insert_one({"run_id": "run 1"})
