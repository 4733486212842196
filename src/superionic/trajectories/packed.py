"""Arrays of a packed frame store, decoded a chunk at a time.

zarr writes them and reads them too, through an event loop that takes ten times as long as the decoding for chunks as
small as these: 200 segments of 500 frames each took 1 s to open and read, and take 0.2 s here. This knows the one
layout that :mod:`superionic.trajectories.codec` writes (zarr 3: regular chunks, the axes in some order, Blosc, and a
CRC-32C of every chunk) and refuses any other.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
from numcodecs import blosc
from numpy.typing import NDArray

from superionic.errors import StoreError

_CHECKSUM_BYTES = 4
_KINDS = "iuf"


@dataclass(frozen=True)
class Layout:
    """How one array is cut and stored.

    Attributes
    ----------
    shape, chunk_shape
        Of the whole array and of each of its chunks; those at the end are stored whole.
    stored_axes
        The array's axes in the order in which the bytes run through them.
    dtype
        Type of the numbers.
    """

    shape: tuple[int, ...]
    chunk_shape: tuple[int, ...]
    stored_axes: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """Shape of a chunk as its bytes run."""
        return tuple(self.chunk_shape[axis] for axis in self.stored_axes)


class PackedArrays:
    """The arrays in a zip archive of a zarr store.

    Parameters
    ----------
    packed
        The archive, as bytes or a file.
    name
        What errors call it.

    Attributes
    ----------
    attributes
        What the store says of itself.
    layouts
        Of every array, by its name.

    Raises
    ------
    StoreError
        If it is no such archive, or holds arrays of another layout.
    """

    def __init__(self, packed: bytes | Path, name: str) -> None:
        self.name = name
        try:
            self._archive = zipfile.ZipFile(packed if isinstance(packed, Path) else BytesIO(packed))
            self._members = set(self._archive.namelist())
            self.attributes: dict[str, Any] = self._json("zarr.json")["attributes"]
            found = sorted(member.split("/")[0] for member in self._members if member.endswith("/zarr.json"))
            self.layouts = {array: self._layout(array) for array in found}
        except (zipfile.BadZipFile, OSError, ValueError, LookupError, TypeError) as error:
            raise StoreError(f"{name} is not a readable frame store: {error}") from error

    def along_time(self, array: str) -> NDArray[Any]:
        """An array whole, for those that are cut along their first axis only."""
        layout = self.layouts[array]
        rest = (0,) * (len(layout.shape) - 1)
        n_chunks = -(-layout.shape[0] // layout.chunk_shape[0])
        chunks = [self.chunk(array, number, *rest) for number in range(n_chunks)]
        return np.concatenate(chunks)[: layout.shape[0]] if chunks else np.empty(layout.shape, layout.dtype)

    def chunk(self, array: str, *index: int) -> NDArray[Any]:
        """One chunk, with its axes in the order in which they are stored.

        Raises
        ------
        StoreError
            If it fails its checksum.
        """
        layout = self.layouts[array]
        member = "/".join([array, "c", *map(str, index)])
        if member not in self._members:  # zarr leaves out chunks of nothing but zeros
            return np.zeros(layout.stored_shape, layout.dtype)
        try:
            stored = self._archive.read(member)
            packed, checksum = stored[:-_CHECKSUM_BYTES], stored[-_CHECKSUM_BYTES:]
            if google_crc32c.value(packed).to_bytes(_CHECKSUM_BYTES, "little") != checksum:
                raise ValueError(f"chunk {member} fails its checksum")
            values = np.frombuffer(blosc.decompress(packed), layout.dtype)
            return values.reshape(layout.stored_shape)
        except (zipfile.BadZipFile, OSError, ValueError, RuntimeError) as error:
            raise StoreError(f"{self.name}: array {array!r} is corrupt: {error}") from error

    def _json(self, member: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self._archive.read(member))
        return content

    def _layout(self, array: str) -> Layout:
        metadata = self._json(f"{array}/zarr.json")
        shape, dtype = tuple(metadata["shape"]), np.dtype(metadata["data_type"])
        codecs = [codec["name"] for codec in metadata["codecs"]]
        axes = tuple(range(len(shape)))
        if codecs[0] == "transpose":
            axes = tuple(metadata["codecs"][0]["configuration"]["order"])
            codecs = codecs[1:]
        if codecs != ["bytes", "blosc", "crc32c"] or dtype.kind not in _KINDS:
            raise StoreError(f"{self.name}: array {array!r} is encoded by {codecs}, not by this package")
        chunk_shape = tuple(metadata["chunk_grid"]["configuration"]["chunk_shape"])
        if sorted(axes) != list(range(len(chunk_shape))) or len(chunk_shape) != len(shape) or prod(chunk_shape) <= 0:
            raise StoreError(f"{self.name}: array {array!r} has no chunks of this package")
        return Layout(shape, chunk_shape, axes, dtype.newbyteorder("<"))
