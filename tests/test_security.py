"""What a database holds is data: nothing in it is imported, called or unpickled. Credentials stay where they are."""

import contextlib
import io
import json
import os
import pickle
import re
import sys
import zipfile
from pathlib import Path

import numcodecs
import numpy as np
import pytest
import zarr
from click.testing import CliRunner

from sample_runs import segments, store_end, store_segment
from superionic.cli import cli
from superionic.documents import OrderingDocument, TrajectorySegment
from superionic.errors import StoreError
from superionic.settings import SuperionicSettings
from superionic.stores.connecting import open_stores
from superionic.trajectories.codec import FrameReader

SOURCE = Path(__file__).parents[1] / "src" / "superionic"
EVIL = """
from pathlib import Path
Path({mark!r}).write_text("imported")
class Evil:
    @classmethod
    def from_dict(cls, d):
        Path({mark!r}).write_text("called")
        return cls()
def evil(*args, **kwargs):
    Path({mark!r}).write_text("called")
"""


@pytest.fixture
def mark(tmp_path, monkeypatch):
    """A file that appears if the module `evil_code` is so much as imported."""
    mark = tmp_path / "mark"
    (tmp_path / "evil_code.py").write_text(EVIL.format(mark=str(mark)))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "evil_code", None)
    monkeypatch.delitem(sys.modules, "evil_code")
    return mark


THINGS = [
    {"@module": "evil_code", "@class": "Evil"},
    {"@module": "evil_code", "@callable": "evil", "@bound": None},
    {"@module": "evil_code", "@class": "evil", "value": 1},
    {"@module": "os", "@callable": "system", "@bound": None},
]


class Payload:
    def __reduce__(self):
        return os.system, ("touch pickled",)


@pytest.fixture
def poisoned(tmp_path, mark, monkeypatch):
    """A store whose runs carry such things wherever a document has room for them."""
    monkeypatch.chdir(tmp_path)
    with open_stores(SuperionicSettings(store_dir=tmp_path / "store", jobflow_config=None)).connected() as stores:
        for number, thing in enumerate(THINGS):
            stored = list(segments(run_id=f"r{number}", frames_each=300, label=f"L{number}"))
            for segment in stored:
                store_segment(stores.jobs, segment)
            store_end(stores.jobs, stored[-1])
            for found in list(stores.jobs.docs_store.query({"uuid": f"r{number}"})):
                found.pop("_id")
                output = found["output"]
                output["identity"]["tags"] = [thing]
                output["protocol"]["seed"] = thing
                output["@module"], output["@class"] = thing["@module"], thing.get("@class", "Evil")
                stores.jobs.docs_store.update(found, key=["uuid", "index"])
            versions = {"schema_version": 1, "analysis_version": 1}
            stores.diffusivity.update(
                {"run_id": f"d{number}", "kind": "diffusivity", "identity": thing, **versions, **thing}, "run_id"
            )
            trajectory = {
                "@module": "evil_code",
                "@class": "Evil",
                "species": [thing],
                "coords": thing,
                "lattice": thing,
            }
            stores.jobs.update(
                {"uuid": f"a{number}", "index": 1, "name": "MD", "output": {"objects": {"trajectory": trajectory}}},
                save={"data": ["trajectory"]},
            )
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ["build"], ["show"], ["show", "--json"], ["clean"], ["inspect", "r0"], ["inspect", "r2"],
        ["export", "r1", "--format", "extxyz"], ["adopt", "--query", '{"name": "MD"}', "--mobile", "Li+"],
        ["adopt", "--query", '{"name": "MD"}', "--mobile", "Li+", "--makers", "evil.json"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_no_command_imports_or_calls_what_a_document_names(poisoned, mark, words):
    (poisoned / "evil.json").write_text(json.dumps([{"uuid": "a0", "function": {**THINGS[0], "@bound": THINGS[1]}}]))
    done = CliRunner().invoke(cli, [*words, "--store", str(poisoned / "store")])
    assert not mark.exists()
    assert "evil_code" not in sys.modules
    if words[0] != "clean":  # what is no document is refused by name, not skipped
        assert re.search("not (a )?whole|not readable", f"{done.output}{done.exception}")
    assert done.exception is None or isinstance(done.exception, SystemExit | StoreError)


def test_a_structure_with_a_poisoned_site_is_read_without_its_poison(mark):
    site = {
        "species": [{"element": "Li", "occu": 1}], "abc": [0, 0, 0], "properties": {"magmom": THINGS[0]}, "label": "Li",
    }  # fmt: skip
    structure = {"@module": "evil_code", "@class": "Structure", "lattice": {"matrix": np.eye(3).tolist()},
                 "sites": [site], "properties": THINGS[1]}  # fmt: skip
    with pytest.raises(StoreError, match="Field required"):
        OrderingDocument.from_stored({"structure": structure})
    assert not mark.exists()


def packed(**arrays):
    """A frame store with arrays as someone else may have written them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in arrays.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def with_pickle(zarr_format):
    """A frame store in which reading `step` means unpickling."""
    store = zarr.storage.MemoryStore()
    group = zarr.create_group(store, zarr_format=zarr_format, attributes={"format": 2, "precision_A": 1e-4})
    if zarr_format == 2:
        group.create_array("step", shape=(1,), chunks=(1,), dtype="i8", filters=None, compressors=None)
    else:
        group.create_array("step", shape=(1,), chunks=(1,), dtype="i8", compressors=None)
    members = {name: buffer.to_bytes() for name, buffer in store._store_dict.items()}
    if zarr_format == 2:
        meta = json.loads(members["step/.zarray"])
        meta.update(dtype="|O", filters=[{"id": "vlen-utf8"}], fill_value="", compressor={"id": "pickle"})
        members["step/.zarray"] = json.dumps(meta).encode()
        members["step/0"] = pickle.dumps([Payload()])
    else:
        meta = json.loads(members["step/zarr.json"])
        meta["codecs"] = [{"name": "numcodecs.pickle", "configuration": {"protocol": 5}}, *meta["codecs"]]
        members["step/zarr.json"] = json.dumps(meta).encode()
        members["step/c/0"] = pickle.dumps([Payload()])
    return packed(**members)


@pytest.fixture
def unpickling(tmp_path, monkeypatch):
    """What older versions of numcodecs did without being asked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(numcodecs.pickles, "ALLOW_UNSAFE_PICKLE_DECODE", True, raising=False)


def test_the_attack_works_on_plain_zarr(tmp_path, unpickling):
    """Otherwise the next test would show nothing."""
    with zipfile.ZipFile(io.BytesIO(with_pickle(2))) as archive:
        members = {name: zarr.core.buffer.cpu.Buffer.from_bytes(archive.read(name)) for name in archive.namelist()}
    with contextlib.suppress(TypeError):  # what was unpickled is no array
        zarr.open_group(zarr.storage.MemoryStore(members), mode="r")["step"][:]
    assert (tmp_path / "pickled").exists()


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_trajectory_is_never_unpickled(tmp_path, unpickling, zarr_format):
    with pytest.raises((StoreError, ValueError)):
        FrameReader(with_pickle(zarr_format)).scalar("step")
    assert not (tmp_path / "pickled").exists()


def test_the_source_has_no_call_that_would():
    forbidden = r"pickle\.|allow_pickle=True|yaml\.(unsafe_)?load\(|(?<![\w.])(eval|exec)\(|shell=True|os\.system"
    found = [
        f"{file.name}: {line.strip()}"
        for file in SOURCE.rglob("*.py")
        for line in file.read_text().splitlines()
        if re.search(forbidden, line)
    ]
    assert found == []


def test_documents_come_back_equal():
    segment, *_ = segments()
    assert TrajectorySegment.from_stored(segment.as_dict()) == segment
