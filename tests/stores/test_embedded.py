"""Embedded stores survive a process killed while montydb made a collection, and find a blob without the others."""

import pytest
from maggma.stores import MontyStore

from superionic.settings import SuperionicSettings
from superionic.stores import embedded
from superionic.stores.connecting import open_stores
from superionic.stores.embedded import KeyedStore


@pytest.fixture
def stores(tmp_path):
    return open_stores(SuperionicSettings(store_dir=tmp_path, jobflow_config=None))


def test_a_file_whose_table_was_not_made_yet_is_completed(stores, tmp_path):
    folder = tmp_path / "store" / "db"
    folder.mkdir(parents=True)
    for name in ("jobs", "data", "diffusivity", "arrhenius"):
        (folder / f"{name}.collection").touch()  # what a kill leaves between the two steps of montydb
    with stores.connected():
        for store in (stores.jobs.docs_store, stores.jobs.additional_stores["data"], stores.diffusivity):
            assert store.count() == 0
            store.update([{"a": 1}], key="a")
            assert store.count() == 1


def test_what_is_stored_stays(stores):
    for expected in (0, 1, 2):
        with stores.connected():
            assert stores.diffusivity.count() == expected
            stores.diffusivity.update([{"run_id": str(expected)}], key="run_id")


def test_removing_from_a_store_never_written_to_does_nothing(stores):
    with stores.connected():
        stores.diffusivity.remove_docs({"run_id": "a"})
        assert stores.diffusivity.count() == 0


def blob(number, **fields):
    return {"blob_uuid": f"b{number}", "data": "x" * 1000, "job_uuid": f"j{number % 2}", "job_index": number, **fields}


@pytest.fixture
def blobs(stores):
    with stores.connected():
        store = stores.jobs.additional_stores["data"]
        assert type(store) is KeyedStore
        store.update([blob(number) for number in range(6)], key="blob_uuid")
        yield store


@pytest.fixture
def decoded(monkeypatch):
    """Sizes of the documents that are decoded."""
    sizes = []
    monkeypatch.setattr(
        embedded, "decode", lambda value, plain=embedded.decode: sizes.append(len(value)) or plain(value)
    )
    return sizes


def numbers(store, criteria):
    return sorted(found["job_index"] for found in store.query(criteria))


def test_a_blob_is_found_by_its_key_without_decoding_others(blobs, decoded):
    assert blobs.query_one({"blob_uuid": "b3"}, ["blob_uuid", "job_index"]) == {"blob_uuid": "b3", "job_index": 3}
    assert numbers(blobs, {"blob_uuid": {"$in": ["b1", "b4"]}}) == [1, 4]
    assert len(decoded) == 3


def test_any_query_finds_what_a_plain_montystore_finds(blobs):
    plain = MontyStore.from_dict({**blobs.as_dict(), "@module": "maggma.stores.mongolike", "@class": "MontyStore"})
    plain.connect()
    for criteria in ({}, {"job_uuid": "j1"}, {"job_uuid": "j0", "job_index": {"$gt": 2}}, {"blob_uuid": {"$ne": "b0"}}):
        assert numbers(blobs, criteria) == numbers(plain, criteria)
        assert blobs.count(criteria) == plain.count(criteria) == len(numbers(plain, criteria))
    plain.update([blob(7), blob(2, data="new")], key="blob_uuid")
    assert numbers(blobs, {"blob_uuid": {"$in": ["b7", "b2"]}}) == [2, 7]
    assert blobs.query_one({"blob_uuid": "b2"})["data"] == "new"
    (last,) = blobs.query({"job_uuid": "j1"}, ["job_index"], sort={"job_index": -1}, limit=1)
    assert last["job_index"] == 7


def test_what_a_plain_montystore_wrote_is_replaced_too(stores):
    documents = [{"run_id": f"r{number}", "msd": {"lag_ps": [1.0]}, "version": 1} for number in range(3)]
    with stores.connected():
        keyed = stores.diffusivity
        plain = MontyStore.from_dict({**keyed.as_dict(), "@module": "maggma.stores.mongolike", "@class": "MontyStore"})
        plain.connect()
        plain.update(documents, key="run_id")
        for version in (2, 3):
            keyed.update([{**documents[1], "version": version}], key="run_id")
            assert sorted((d["run_id"], d["version"]) for d in keyed.query()) == [("r0", 1), ("r1", version), ("r2", 1)]


def test_only_the_fields_asked_for_are_decoded(stores, decoded):
    document = {"run_id": "r", "kind": "diffusivity", "identity": {"label": "O", "tags": ["a"]}, "lines": [{"a": [1]}]}
    with stores.connected():
        store = stores.diffusivity
        store.update([{**document, "msd": {"lag_ps": [0.1] * 1000}}], key="run_id")
        wanted = ["run_id", "identity", "lines", "missing"]
        (found,) = store.query({"kind": "diffusivity", "identity.tags": "a"}, properties=wanted)
        assert found == {key: document[key] for key in ("run_id", "identity", "lines")}
        assert sum(decoded) < 200
        assert list(store.query({"$or": [{"run_id": "r"}, {"kind": "no"}]}, properties=["run_id"])) == [{"run_id": "r"}]
        assert list(store.query({"identity.label": "ELC"}, properties=["run_id"])) == []


def test_blobs_are_replaced_and_removed(blobs):
    blobs.update(blob(2, data="new"))
    assert blobs.count() == 6
    assert blobs.query_one({"blob_uuid": "b2"})["data"] == "new"
    blobs.remove_docs({"job_uuid": "j0", "job_index": 2})
    blobs.remove_docs({"blob_uuid": {"$in": ["b5", "nowhere"]}})
    assert numbers(blobs, {}) == [0, 1, 3, 4]


def test_a_blob_store_survives_json(blobs):
    again = KeyedStore.from_dict(blobs.as_dict())
    again.connect()
    assert again.count() == 6
