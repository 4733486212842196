"""Embedded stores survive a process killed while montydb made a collection."""

import pytest

from superionic.settings import SuperionicSettings
from superionic.stores import open_stores


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
