"""Settings come from arguments, the environment and the file, in this order, and unknown ones are refused."""

from pathlib import Path

import pytest

from superionic.cli.options import settings
from superionic.errors import InputError
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores


@pytest.fixture
def settings_file(tmp_path, monkeypatch):
    file = tmp_path / "superionic.yaml"
    monkeypatch.setattr("superionic.settings.SETTINGS_FILE", file)
    for name in ("SUPERIONIC_STORE_DIR", "SUPERIONIC_JOBFLOW_CONFIG", "SUPERIONIC_WORKERS"):
        monkeypatch.delenv(name, raising=False)
    return file


def test_without_anything_the_store_is_below_the_working_folder(settings_file):
    assert SuperionicSettings().store_dir == Path("superionic-data")


def test_arguments_beat_environment_beats_file(settings_file, monkeypatch):
    settings_file.write_text("store_dir: from-file\nworkers: 3\n")
    assert SuperionicSettings().store_dir == Path("from-file")
    monkeypatch.setenv("SUPERIONIC_STORE_DIR", "from-environment")
    assert SuperionicSettings().store_dir == Path("from-environment")
    assert SuperionicSettings().workers == 3
    assert settings(Path("from-argument")).store_dir == Path("from-argument")


def test_an_unknown_or_wrong_setting_is_one_sentence(settings_file):
    settings_file.write_text("stor_dir: x\n")
    with pytest.raises(InputError, match="stor_dir"):
        settings(None)
    settings_file.write_text("workers: many\n")
    with pytest.raises(InputError, match="workers"):
        settings(None)


def test_a_missing_or_wrong_jobflow_config_is_named(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        open_stores(SuperionicSettings(jobflow_config=tmp_path / "none.yaml"))
    file = tmp_path / "jobflow.yaml"
    file.write_text("JOB_STORE: {docs_store: {type: MemoryStore}}\n")
    with pytest.raises(InputError, match="additional store 'data'"):
        open_stores(SuperionicSettings(jobflow_config=file))
    file.write_text("OTHER: 1\n")
    with pytest.raises(InputError, match="JOB_STORE"):
        open_stores(SuperionicSettings(jobflow_config=file))


@pytest.mark.parametrize(
    ("docs", "forgets"),
    [
        ("{type: MontyStore, database_path: m, collection_name: a}", "data is a MemoryStore"),
        ("{type: MemoryStore}", "docs_store is a MemoryStore"),
        ("{type: MontyStore, database_path: ':memory:', collection_name: a}", "docs_store is a MontyStore"),
        ("{type: JSONStore, paths: jobs.json, read_only: false}", "loses some"),
    ],
)
def test_a_store_that_forgets_is_refused(tmp_path, docs, forgets):
    file = tmp_path / "jobflow.yaml"
    file.write_text(f"JOB_STORE: {{docs_store: {docs}, additional_stores: {{data: {{type: MemoryStore}}}}}}\n")
    with pytest.raises(InputError, match=forgets):
        open_stores(SuperionicSettings(jobflow_config=file))


def test_a_jobflow_config_gives_its_job_store_and_documents_next_to_it(tmp_path):
    file = tmp_path / "jobflow.yaml"
    file.write_text(
        "JOB_STORE:\n"
        f"  docs_store: {{type: MontyStore, database_path: {tmp_path}, collection_name: outputs}}\n"
        "  additional_stores:\n"
        f"    data: {{type: MontyStore, database_path: {tmp_path}, collection_name: blobs}}\n"
    )
    with open_stores(SuperionicSettings(jobflow_config=file)).connected() as stores:
        stores.diffusivity.update([{"run_id": "a", "kind": "diffusivity"}], key="run_id")
        assert stores.jobs.docs_store.collection_name == "outputs"
        assert stores.jobs.count() == 0
        assert stores.diffusivity.count() == 1
