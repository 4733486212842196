"""How frames become bytes: fixed-point positions, differenced in time, in a checksummed zarr store.

Positions are rounded to a stated precision (or are the bits of their float32). What is stored of the integers is their
differences in time, of the order that makes them smallest at the stride of the run, with the sign in the lowest bit,
atom after atom: this is how FLAC takes sound apart. The differences restart with every chunk, so that each chunk of
frames and atoms decodes by itself.

zarr holds the chunks because they are plain files while a run writes (a kill cannot corrupt what is there), because a
zip of them is one blob for a store, and because each has its own checksum. `superionic bench trajectories`, 80 atoms x
100,000 frames every 20 fs with the vibrations of CHGNet at 700 K, gave

====================================  ======  ====================================================
in MontyStore, as base64 of this zip   53 MB  with energies and cells; 18 MB every 2 fs
HDF5, gzip, of the same integers       36 MB  positions only; a kill while it is written can spoil it
parquet, zstd, of the same integers    48 MB  positions only; cannot be read before it is closed
HDF5, gzip, float32                    73 MB
ASE trajectory                        218 MB
pymatgen Trajectory as JSON           487 MB  and 3 GB of memory to read
====================================  ======  ====================================================

so that it is the differences that save room, not the container.
"""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import zarr.api.asynchronous
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, Crc32cCodec, TransposeCodec
from zarr.core.buffer import cpu
from zarr.core.sync import sync
from zarr.storage import LocalStore, MemoryStore, ZipStore

from superionic.errors import StoreError
from superionic.trajectories.differences import best_order, difference, from_integers, restore, to_integers

FORMAT = 2
CHUNK_FRAMES = 512
CHUNK_ATOMS = 32
VELOCITIES = ("velocities_A_per_ps", "velocity_step")
SCALARS = ("potential_energy_eV", "conserved_energy_eV", "temperature_K")
_VALUES_AT_ONCE = 500_000  # read together: one call for each chunk would cost more than its decoding
_COMPRESSORS = (BloscCodec(cname="zstd", clevel=5, shuffle="bitshuffle"), Crc32cCodec())
_CODECS = {"BytesCodec", "TransposeCodec", "BloscCodec", "Crc32cCodec"}


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
        self._rows: dict[str, list[Any]] = {name: [] for name in ("positions", "cell_A", "step", *VELOCITIES, *SCALARS)}
        self._order: int | None = None
        self._group = zarr.create_group(LocalStore(folder), overwrite=True)
        self._group.attrs.update({"format": FORMAT, "precision_A": precision_A, "length_unit": "angstrom"})
        layouts: dict[str, tuple[tuple[int, ...], str]] = {
            "cell_A": ((3, 3), "float64"),
            "step": ((), "int64"),
            **dict.fromkeys(SCALARS, ((), "float64")),
        }
        self._arrays: dict[str, Any] = {name: self._array(name, *layout) for name, layout in layouts.items()}
        self._arrays["positions"] = self._group.create_array(
            "positions",
            shape=(0, n_atoms, 3),
            chunks=(CHUNK_FRAMES, min(n_atoms, CHUNK_ATOMS), 3),
            dtype="uint32",
            filters=TransposeCodec(order=(1, 2, 0)),  # neighbours in time are neighbours in the bytes
            compressors=_COMPRESSORS,
        )

    def _array(self, name: str, shape: tuple[int, ...], dtype: str) -> Any:
        return self._group.create_array(
            name, shape=(0, *shape), chunks=(CHUNK_FRAMES, *shape), dtype=dtype, compressors=_COMPRESSORS
        )

    def append(
        self,
        step: int,
        positions_A: NDArray[np.float64],
        cell_A: NDArray[np.float64],
        velocities_A_per_ps: NDArray[np.float64] | None = None,
        **scalars: float,
    ) -> None:
        """Add one frame; `scalars` are the names in ``SCALARS``. Velocities may be given now and then; float32."""
        self._rows["step"].append(step)
        self._rows["positions"].append(np.array(positions_A))
        self._rows["cell_A"].append(np.array(cell_A))
        for name in SCALARS:
            self._rows[name].append(scalars[name])
        if velocities_A_per_ps is not None:
            self._rows["velocities_A_per_ps"].append(velocities_A_per_ps.astype(np.float32))
            self._rows["velocity_step"].append(step)
        if len(self._rows["step"]) == self._frames_at_once:
            self._flush()

    def close(self) -> None:
        """Write what memory still holds; the last call, since a chunk must be written whole."""
        self._flush()

    def _flush(self) -> None:
        for name, rows in self._rows.items():
            if not rows:
                continue
            block = np.asarray(rows)
            if name not in self._arrays:  # velocities, on request only
                self._arrays[name] = self._array(name, block.shape[1:], block.dtype.name)
            self._arrays[name].append(self._encoded(block) if name == "positions" else block)
            rows.clear()

    def _encoded(self, positions_A: NDArray[np.float64]) -> NDArray[np.uint32]:
        integers = to_integers(positions_A, self.precision_A)
        if self._order is None:
            self._order = best_order(integers[:CHUNK_FRAMES])
            self._group.attrs["difference_order"] = self._order
        chunks = range(0, len(integers), CHUNK_FRAMES)
        return np.concatenate([difference(integers[n : n + CHUNK_FRAMES], self._order) for n in chunks])


def pack(folder: Path) -> bytes:
    """The zarr store in `folder` as the bytes of one zip archive (same frames, same bytes)."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(str(file.relative_to(folder)), date_time=(1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, file.read_bytes())
    return buffer.getvalue()


class FrameReader:
    """Reads frames from packed bytes or a file of them; only the chunks that a slice touches are decoded.

    Raises
    ------
    StoreError
        If the bytes are no such archive, or a chunk fails its checksum when it is read.
    """

    def __init__(self, packed: bytes | Path, name: str = "trajectory") -> None:
        self.name = name
        try:
            store = ZipStore(packed, mode="r") if isinstance(packed, Path) else _in_memory(packed)
            attributes, self._arrays = sync(_opened(store))
        except (zipfile.BadZipFile, FileNotFoundError, ValueError, KeyError) as error:
            raise StoreError(f"{name} is not a readable frame store: {error}") from error
        if attributes.get("format") != FORMAT:
            raise StoreError(f"{name} is of format {attributes.get('format')}: this version reads format {FORMAT}")
        self.precision_A: float | None = attributes["precision_A"]
        self._order: int = attributes.get("difference_order", 0)  # not there before the first chunk
        for array, opened in self._arrays.items():
            foreign = {type(codec).__name__ for codec in opened.metadata.codecs} - _CODECS
            if foreign:  # among those that zarr knows is pickle, which runs what it reads
                raise StoreError(f"{name}: array {array!r} is encoded by {min(foreign)}, not by this package")

    def __len__(self) -> int:
        return int(self._arrays["step"].shape[0])

    @property
    def n_atoms(self) -> int:
        """Atoms in each frame."""
        return int(self._arrays["positions"].shape[1])

    def positions_A(
        self, start: int = 0, stop: int | None = None, stride: int = 1, atoms: NDArray[np.intp] | None = None
    ) -> NDArray[np.float64]:
        """Unwrapped positions of frames ``start:stop:stride``, shape (n_frames, n_atoms, 3), in Å."""
        return self.frames_A(np.arange(start, len(self) if stop is None else min(stop, len(self)), stride), atoms)

    def frames_A(self, frames: NDArray[np.intp], atoms: NDArray[np.intp] | None = None) -> NDArray[np.float64]:
        """Unwrapped positions of the given frames, in rising order, and of all or some atoms, in Å."""
        atoms = np.arange(self.n_atoms) if atoms is None else np.asarray(atoms)
        out = np.empty((len(frames), len(atoms), 3))
        if not len(atoms):
            return out
        columns, of_atoms = _columns(atoms)
        chunks = frames // CHUNK_FRAMES
        most = max(1, _VALUES_AT_ONCE // (3 * CHUNK_FRAMES * (of_atoms.max() + 1)))
        starts = [0, *(np.flatnonzero(np.diff(chunks) > 1) + 1), len(frames)]  # chunks between them are not wanted
        for start, stop in pairwise(starts):
            row = start
            while row < stop:
                end = min(stop, int(np.searchsorted(chunks, chunks[row] + most)))
                first = int(chunks[row]) * CHUNK_FRAMES
                last = (int(chunks[end - 1]) + 1) * CHUNK_FRAMES
                (stored,) = self._read(["positions"], slice(first, last), columns)
                integers = restore(stored, frames[row:end] - first, of_atoms, CHUNK_FRAMES, self._order)
                out[row:end] = from_integers(integers, self.precision_A)
                row = end
        return out

    def velocities_A_per_ps(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Steps at which velocities are stored, and these, shape (n_steps, n_atoms, 3), in Å/ps."""
        if VELOCITIES[0] not in self._arrays:  # stored before there were any
            return np.empty(0, np.int64), np.empty((0, self.n_atoms, 3))
        velocities, steps = self.scalars(*VELOCITIES)
        return steps, velocities.astype(np.float64)

    def scalar(self, name: str) -> NDArray[Any]:
        """One value a frame: ``step``, ``cell_A`` or a name in ``SCALARS``."""
        return self.scalars(name)[0]

    def scalars(self, *names: str) -> list[NDArray[Any]]:
        """Several of them, at little more than the cost of one."""
        return self._read(names, slice(None))

    def _read(
        self, names: Sequence[str], frames: slice, atoms: slice | NDArray[np.intp] | None = None
    ) -> list[NDArray[Any]]:
        try:
            return sync(_selected([self._arrays[name] for name in names], frames, atoms))
        except (ValueError, RuntimeError, KeyError) as error:
            raise StoreError(f"{self.name}: array {names[0]!r} is corrupt: {error}") from error


# zarr's own functions do one thing at a time in its thread, and changing over to it is most of what they cost.
async def _opened(store: MemoryStore | ZipStore) -> tuple[dict[str, Any], dict[str, Any]]:
    group = await zarr.api.asynchronous.open_group(store, mode="r", zarr_format=3)
    return group.attrs, {name: array async for name, array in group.arrays()}


async def _selected(arrays: Sequence[Any], frames: slice, atoms: slice | NDArray[np.intp] | None) -> list[NDArray[Any]]:
    parts = [array.getitem(frames) if atoms is None else array.oindex.getitem((frames, atoms)) for array in arrays]
    return [np.asarray(part) for part in await asyncio.gather(*parts)]


def _columns(atoms: NDArray[np.intp]) -> tuple[slice | NDArray[np.intp], NDArray[np.intp]]:
    """What to read for some atoms, and where they are in it.

    All from the first to the last, which is fast, unless there are chunks between them that none is in.
    """
    wanted = np.unique(atoms // CHUNK_ATOMS)
    if len(wanted) == wanted[-1] - wanted[0] + 1:
        return slice(int(atoms.min()), int(atoms.max()) + 1), atoms - atoms.min()
    return atoms, np.arange(len(atoms))


def _in_memory(packed: bytes) -> MemoryStore:
    with zipfile.ZipFile(BytesIO(packed)) as archive:
        return MemoryStore({entry: cpu.Buffer.from_bytes(archive.read(entry)) for entry in archive.namelist()})
