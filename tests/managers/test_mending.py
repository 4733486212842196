"""What is lost or damaged after it was stored is named, and made again from the last good segment: the same bytes."""

import base64

import pytest
from click.testing import CliRunner

from quickstart import small_study
from superionic.cli import cli
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores

MD = {
    "temperatures_K": [700], "seeds": [1], "length_ps": 0.12, "segment_length_ps": 0.04, "equilibration_ps": 0.02,
    "stride": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A study that ran: three segments and a summary."""
    folder = tmp_path_factory.mktemp("finished")
    study = small_study(folder, relax=None, md=MD)

    def call(*words):
        done = CliRunner().invoke(cli, [*map(str, words), "--store", str(folder / "store")])
        return f"{done.output}{done.exception or ''}"

    call.run = lambda: call("run", study, "--workers", "1")
    call.stores = lambda: open_stores(SuperionicSettings(store_dir=folder / "store", jobflow_config=None)).connected()
    call.run()
    call.whole = chain(call)
    assert len(call.whole) == 4
    return call


def chain(call):
    with call.stores() as stores:
        found = list(stores.jobs.docs_store.query({"output.kind": {"$in": ["trajectory_segment", "md_run"]}}))
    return {document["index"]: document["output"].get("sha256") for document in found}


def lose_document(stores, segment):
    stores.jobs.docs_store.remove_docs({"uuid": segment["uuid"], "index": segment["index"]})


def lose_blob(stores, segment):
    stores.jobs.additional_stores["data"].remove_docs({"blob_uuid": segment["output"]["payload"]["blob_uuid"]})


def damage_blob(stores, segment):
    blobs = stores.jobs.additional_stores["data"]
    (blob,) = blobs.query({"blob_uuid": segment["output"]["payload"]["blob_uuid"]})
    content = bytearray(base64.b64decode(blob["data"]))
    content[len(content) // 2] ^= 1
    blobs.update({**blob, "data": base64.b64encode(bytes(content)).decode()})
    stores.diffusivity.remove_docs({})


@pytest.mark.parametrize("index", [2, 3])
@pytest.mark.parametrize("harm", [lose_document, lose_blob, damage_blob])
def test_a_harmed_segment_is_seen_named_and_run_again(finished, harm, index):
    with finished.stores() as stores:
        (segment,) = stores.jobs.docs_store.query({"output.kind": "trajectory_segment", "index": index})
        harm(stores, segment)
    assert "superionic repair" in finished("inspect", segment["uuid"])
    assert "1 runs checked, 1 damaged\n" in finished("repair")
    said = finished.run()
    assert f"output {index} is lost" in said
    assert f"{4 - index} after it" in said
    assert chain(finished) == finished.whole
    assert "1 runs checked, 0 damaged\n" in finished("repair")
    assert "every blob belongs to a job" in finished("clean")
    assert "is lost" not in finished.run()


def test_an_analysis_is_never_of_part_of_a_run_that_ended(finished):
    with finished.stores() as stores:
        (segment,) = stores.jobs.docs_store.query({"output.kind": "trajectory_segment", "index": 3})
        lose_document(stores, segment)
        stores.diffusivity.remove_docs({})
    assert "segment 2 is missing" in finished("build")
    assert "1 damaged and forgotten" in finished("repair", segment["uuid"][:8], "--yes")
    assert sorted(chain(finished)) == [1, 2]
    finished.run()
    assert chain(finished) == finished.whole


def test_jobs_that_are_gone_are_run_again_with_a_word(finished):
    with finished.stores() as stores:
        stores.jobs.docs_store.remove_docs({})
    assert "5 finished jobs of this study are not in the store" in finished.run()
    assert chain(finished) == finished.whole
