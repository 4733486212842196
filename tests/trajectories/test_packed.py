"""What is read of a packed store is what zarr reads of it."""

import io
import json
import zipfile

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec, TransposeCodec

from superionic.errors import StoreError
from superionic.trajectories.codec import pack
from superionic.trajectories.packed import PackedArrays

CODECS = (BloscCodec(cname="zstd", shuffle="bitshuffle"), Crc32cCodec())


@pytest.fixture
def folder(tmp_path):
    """An array of two chunks and a bit along two axes, with its axes turned, and one of zeros and ones."""
    group = zarr.create_group(tmp_path / "store", attributes={"format": 2})
    turned = group.create_array(
        "turned", shape=(21, 9, 3), chunks=(10, 4, 3), dtype="uint32", filters=TransposeCodec(order=(1, 2, 0)),
        compressors=CODECS,
    )  # fmt: skip
    turned[:] = np.random.default_rng(0).integers(0, 2**32, turned.shape, dtype="uint32")
    steps = group.create_array("steps", shape=(25, 2), chunks=(10, 2), dtype="int64", compressors=CODECS)
    steps[10:20] = 1
    return tmp_path / "store"


def test_the_numbers_are_zarrs(folder):
    arrays, group = PackedArrays(pack(folder), "it"), zarr.open_group(folder, mode="r")
    assert arrays.attributes == dict(group.attrs)
    assert {name: layout.shape for name, layout in arrays.layouts.items()} == {"turned": (21, 9, 3), "steps": (25, 2)}
    assert np.array_equal(arrays.along_time("steps"), group["steps"][:])
    expected = np.zeros((30, 12, 3), "uint32")  # chunks at the end are stored whole
    expected[:21, :9] = group["turned"][:]
    for i in range(3):
        for j in range(3):
            part = expected[10 * i : 10 * (i + 1), 4 * j : 4 * (j + 1)]
            assert np.array_equal(arrays.chunk("turned", i, j, 0), part.transpose(1, 2, 0))


def test_a_file_is_read_as_its_bytes_are(folder, tmp_path):
    (tmp_path / "it.zip").write_bytes(pack(folder))
    from_file = PackedArrays(tmp_path / "it.zip", "it")
    assert np.array_equal(from_file.along_time("steps"), PackedArrays(pack(folder), "it").along_time("steps"))


def test_zarrs_checksum_is_verified_beside_the_archives(folder):
    """A chunk that was spoilt before it was packed."""
    chunk = folder / "steps" / "c" / "1" / "0"
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 1
    chunk.write_bytes(bytes(content))
    arrays = PackedArrays(pack(folder), "run 7")
    with pytest.raises(StoreError, match="run 7: array 'steps' is corrupt: chunk steps/c/1/0 fails its checksum"):
        arrays.along_time("steps")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data_type": "object"}, "is encoded by"),
        ({"codecs": [{"name": "bytes"}, {"name": "numcodecs.pickle"}]}, "is encoded by"),
        ({"chunk_grid": {"configuration": {"chunk_shape": [10]}}}, "has no chunks of this package"),
        ({"chunk_grid": {}}, "is not a readable frame store"),
        ({"codecs": []}, "is not a readable frame store"),
    ],
)
def test_other_layouts_are_refused(folder, change, message):
    metadata = folder / "steps" / "zarr.json"
    metadata.write_text(json.dumps(json.loads(metadata.read_text()) | change))
    with pytest.raises(StoreError, match=f"run 7.*{message}"):
        PackedArrays(pack(folder), "run 7")


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK"])
def test_what_is_no_archive_is_named(content):
    with pytest.raises(StoreError, match="run 7 is not a readable frame store"):
        PackedArrays(content, "run 7")


def test_an_archive_without_a_store_is_named():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", b"b")
    with pytest.raises(StoreError, match="run 7 is not a readable frame store"):
        PackedArrays(buffer.getvalue(), "run 7")
