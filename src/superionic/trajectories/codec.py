"""How frames become bytes: fixed-point positions, differenced twice in time, in a checksummed zarr store.

zarr was chosen over HDF5 and parquet because its chunks are plain files while a run writes (a crash cannot corrupt
what is there), a zip of them is one blob for a store, and chunks are read alone. Positions are rounded to a stated
precision; second differences in time of the integers are small and compress to about one byte a coordinate at a 2 fs
interval, two at 20 fs. The differences restart with every chunk, so that each chunk decodes by itself.
"""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, Crc32cCodec
from zarr.core.buffer import cpu
from zarr.storage import LocalStore, MemoryStore

from superionic.errors import StoreError

CHUNK_FRAMES = 512
SCALARS = ("potential_energy_eV", "conserved_energy_eV", "temperature_K")
_COMPRESSORS = (BloscCodec(cname="zstd", clevel=5, shuffle="bitshuffle"), Crc32cCodec())


def difference_twice(integers: NDArray[np.int32]) -> NDArray[np.int32]:
    """Second differences along the first axis, exact modulo 2^32, first rows kept."""
    out = integers.copy()
    out[1:] -= integers[:-1]
    out[2:] -= integers[1:-1] - integers[:-2]
    return out


def accumulate_twice(differences: NDArray[np.int32]) -> NDArray[np.int32]:
    """Inverse of :func:`difference_twice`."""
    first = differences.copy()
    if len(first) > 1:
        first[1:] = np.cumsum(first[1:], axis=0, dtype=np.int32)
    return np.cumsum(first, axis=0, dtype=np.int32)


class FrameWriter:
    """Writes the frames of one segment to a folder while the run goes on; memory holds one chunk.

    Parameters
    ----------
    folder
        A new folder for the zarr store.
    n_atoms
        Atoms in each frame.
    precision_A
        Positions are stored as multiples of this, in Å; None stores float32 as they are.
    chunks_at_once
        Chunks that memory holds before they are written; more is faster where frames come fast.
    """

    def __init__(self, folder: Path, n_atoms: int, precision_A: float | None = 1e-4, chunks_at_once: int = 1) -> None:
        self.precision_A = precision_A
        self._frames_at_once = chunks_at_once * CHUNK_FRAMES
        self._rows: dict[str, list[Any]] = {name: [] for name in ("positions", "cell_A", "step", *SCALARS)}
        group = zarr.create_group(LocalStore(folder), overwrite=True)
        group.attrs.update({"format": 1, "precision_A": precision_A, "length_unit": "angstrom"})
        dtype = "float32" if precision_A is None else "int32"
        layouts: dict[str, tuple[tuple[int, ...], str]] = {
            "positions": ((n_atoms, 3), dtype),
            "cell_A": ((3, 3), "float64"),
            "step": ((), "int64"),
            **dict.fromkeys(SCALARS, ((), "float64")),
        }
        self._arrays: dict[str, Any] = {
            name: group.create_array(
                name, shape=(0, *shape), chunks=(CHUNK_FRAMES, *shape), dtype=dtype, compressors=_COMPRESSORS
            )
            for name, (shape, dtype) in layouts.items()
        }

    def append(
        self, step: int, positions_A: NDArray[np.float64], cell_A: NDArray[np.float64], **scalars: float
    ) -> None:
        """Add one frame; `scalars` are the names in ``SCALARS``."""
        self._rows["step"].append(step)
        self._rows["positions"].append(np.array(positions_A))
        self._rows["cell_A"].append(np.array(cell_A))
        for name in SCALARS:
            self._rows[name].append(scalars[name])
        if len(self._rows["step"]) == self._frames_at_once:
            self._flush()

    def close(self) -> None:
        """Write what memory still holds; the last call, since a chunk must be written whole."""
        self._flush()

    def _flush(self) -> None:
        if not self._rows["step"]:
            return
        for name, rows in self._rows.items():
            block = np.asarray(rows)
            if name == "positions":
                chunks = range(0, len(block), CHUNK_FRAMES)
                block = np.concatenate(
                    [encode_positions(block[n : n + CHUNK_FRAMES], self.precision_A) for n in chunks]
                )
            self._arrays[name].append(block)
            rows.clear()


def encode_positions(positions_A: NDArray[np.float64], precision_A: float | None) -> NDArray[Any]:
    """Positions of one chunk, shape (n_frames, n_atoms, 3), as they are stored.

    Raises
    ------
    StoreError
        If a position is not finite or too far out for the precision.
    """
    if precision_A is None:
        return positions_A.astype(np.float32)
    scaled = np.rint(positions_A / precision_A)
    if not np.all(np.abs(scaled) < 2**31):
        raise StoreError(
            f"positions reach {np.nanmax(np.abs(positions_A)):.3g} Å or are not finite and cannot be stored "
            f"at precision_A = {precision_A}: check that the run did not explode"
        )
    return difference_twice(scaled.astype(np.int32))


def pack(folder: Path) -> bytes:
    """The zarr store in `folder` as the bytes of one zip archive (same frames, same bytes)."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(str(file.relative_to(folder)), date_time=(1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, file.read_bytes())
    return buffer.getvalue()


class FrameReader:
    """Reads frames from packed bytes; only the chunks that a slice touches are decoded.

    Raises
    ------
    StoreError
        If the bytes are no such archive, or a chunk fails its checksum when it is read.
    """

    def __init__(self, packed: bytes, name: str = "trajectory") -> None:
        self.name = name
        try:
            with zipfile.ZipFile(BytesIO(packed)) as archive:
                members = {entry: cpu.Buffer.from_bytes(archive.read(entry)) for entry in archive.namelist()}
            self._group = zarr.open_group(MemoryStore(members), mode="r")
        except (zipfile.BadZipFile, FileNotFoundError, ValueError, KeyError) as error:
            raise StoreError(f"{name} is not a readable frame store: {error}") from error
        self.precision_A: float | None = self._group.attrs["precision_A"]

    def __len__(self) -> int:
        return int(self._array("step").shape[0])

    @property
    def n_atoms(self) -> int:
        """Atoms in each frame."""
        return int(self._array("positions").shape[1])

    def positions_A(
        self, start: int = 0, stop: int | None = None, stride: int = 1, atoms: NDArray[np.intp] | None = None
    ) -> NDArray[np.float64]:
        """Unwrapped positions of frames ``start:stop:stride``, shape (n_frames, n_atoms, 3), in Å."""
        stop = len(self) if stop is None else min(stop, len(self))
        atoms = np.arange(self.n_atoms) if atoms is None else np.asarray(atoms)
        frames = np.arange(start, stop, stride)
        out = np.empty((len(frames), len(atoms), 3))
        for chunk in np.unique(frames // CHUNK_FRAMES):
            rows = frames // CHUNK_FRAMES == chunk
            stored = self._read("positions", slice(chunk * CHUNK_FRAMES, (chunk + 1) * CHUNK_FRAMES))[:, atoms]
            wanted = frames[rows] - chunk * CHUNK_FRAMES
            if self.precision_A is None:
                out[rows] = stored[wanted]
            else:
                out[rows] = accumulate_twice(stored)[wanted] * self.precision_A
        return out

    def scalar(self, name: str) -> NDArray[Any]:
        """One value a frame: ``step``, ``cell_A`` or a name in ``SCALARS``."""
        return self._read(name, slice(None))

    def _array(self, name: str) -> Any:
        return self._group[name]

    def _read(self, name: str, selection: slice) -> NDArray[Any]:
        try:
            return np.asarray(self._array(name)[selection])
        except (ValueError, RuntimeError, KeyError) as error:
            raise StoreError(f"{self.name}: array {name!r} is corrupt: {error}") from error
