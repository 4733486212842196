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

Velocities, forces (both float32) and stress (float64) are there of some frames, on request, with their steps. Forces
and stress are those of the positions before these were rounded: by half of 1e-4 Å, which is up to 1 meV/Å where an ion
is held by 20 eV/Å^2.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, Crc32cCodec, TransposeCodec
from zarr.storage import LocalStore

from superionic.errors import StoreError
from superionic.trajectories.differences import best_order, difference, restore, to_integers
from superionic.trajectories.packed import PackedArrays

FORMAT = 2
CHUNK_FRAMES = 512
CHUNK_ATOMS = 32
TIME_LAST = (1, 2, 0)
"""Order of the axes of positions: neighbours in time are neighbours in the bytes."""
SOME_FRAMES = {
    "velocities_A_per_ps": ("velocity_step", "float32"),
    "forces_eV_per_A": ("force_step", "float32"),
    "stress_eV_per_A3": ("stress_step", "float64"),
}
"""What some frames hold: the array of their steps, and the type that numbers are rounded to."""
SCALARS = ("potential_energy_eV", "conserved_energy_eV", "temperature_K")
_COMPRESSORS = (BloscCodec(cname="zstd", clevel=5, shuffle="bitshuffle"), Crc32cCodec())


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
        self.precision_A, self.n_atoms = precision_A, n_atoms
        self._frames_at_once = chunks_at_once * CHUNK_FRAMES
        self._rows: dict[str, list[Any]] = {name: [] for name in ("positions", "cell_A", "step", *SCALARS)}
        for name, (at, _) in SOME_FRAMES.items():
            self._rows[name], self._rows[at] = [], []
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
            filters=TransposeCodec(order=TIME_LAST),
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
        forces_eV_per_A: NDArray[np.float64] | None = None,
        stress_eV_per_A3: NDArray[np.float64] | None = None,
        **scalars: float,
    ) -> None:
        """Add one frame.

        Parameters
        ----------
        step
            Step of the run.
        positions_A, cell_A
            Unwrapped, shape (n_atoms, 3), and cell vectors as rows.
        velocities_A_per_ps, forces_eV_per_A
            Shape (n_atoms, 3); of some frames, rounded to float32.
        stress_eV_per_A3
            Symmetric, in ASE's sign, shape (3, 3); of some frames.
        scalars
            The names in ``SCALARS``.
        """
        self._rows["step"].append(step)
        self._rows["positions"].append(np.array(positions_A))
        self._rows["cell_A"].append(np.array(cell_A))
        for name in SCALARS:
            self._rows[name].append(scalars[name])
        some = zip(SOME_FRAMES.items(), (velocities_A_per_ps, forces_eV_per_A, stress_eV_per_A3), strict=True)
        for (name, (at, dtype)), values in some:
            if values is not None:
                self._rows[name].append(np.array(values, dtype=dtype))
                self._rows[at].append(step)
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
            if name not in self._arrays:  # of some frames, on request only
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
        self._arrays = PackedArrays(packed, name)
        attributes = self._arrays.attributes
        if attributes.get("format") != FORMAT:
            raise StoreError(f"{name} is of format {attributes.get('format')}: this version reads format {FORMAT}")
        if missing := {"positions", "cell_A", "step", *SCALARS} - set(self._arrays.layouts):
            raise StoreError(f"{name} is not a readable frame store: it has no array {min(missing)!r}")
        self._layout = self._arrays.layouts["positions"]
        if self._layout.stored_axes != TIME_LAST or self._layout.dtype != np.uint32:  # what `restore` goes through
            raise StoreError(f"{name}: array 'positions' is stored otherwise than by this package")
        self.precision_A: float | None = attributes["precision_A"]
        self._order: int = attributes.get("difference_order", 0)  # not there before the first chunk

    def __len__(self) -> int:
        return self._arrays.layouts["step"].shape[0]

    @property
    def n_atoms(self) -> int:
        """Atoms in each frame."""
        return self._layout.shape[1]

    def positions_A(
        self, start: int = 0, stop: int | None = None, stride: int = 1, atoms: NDArray[np.intp] | None = None
    ) -> NDArray[np.float64]:
        """Unwrapped positions of frames ``start:stop:stride``, shape (n_frames, n_atoms, 3), in Å."""
        return self.frames_A(np.arange(start, len(self) if stop is None else min(stop, len(self)), stride), atoms)

    def frames_A(self, frames: NDArray[np.intp], atoms: NDArray[np.intp] | None = None) -> NDArray[np.float64]:
        """Unwrapped positions of the given frames, in rising order, and of all or some atoms, in Å.

        Raises
        ------
        IndexError
            If there is no such frame or atom.
        """
        atoms = np.arange(self.n_atoms) if atoms is None else np.asarray(atoms)
        _require_within("frame", frames, len(self))
        _require_within("atom", atoms, self.n_atoms)
        lossless = self.precision_A is None
        out = np.empty((len(frames), len(atoms), 3), np.int32 if lossless else np.float64)
        unit = np.int32(1) if lossless else self.precision_A
        n_frames, n_atoms, _ = self._layout.chunk_shape
        for number, rows in _groups(frames // n_frames):
            for column, columns in _groups(atoms // n_atoms):
                stored = self._arrays.chunk("positions", number, column, 0)
                within = frames[rows] - number * n_frames, atoms[columns] - column * n_atoms
                restore(stored, *within, self._order, unit, out, rows, columns)
        return out.view(np.float32).astype(np.float64) if lossless else out

    def some(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """What some frames hold: their steps, and the values of a name in ``SOME_FRAMES``; none if none do.

        Returns
        -------
        steps
            Of the run, shape (n,).
        values
            Shape (n, n_atoms, 3), or (n, 3, 3) for stress.
        """
        if name not in self._arrays.layouts:
            return np.empty(0, np.int64), np.empty((0, 3 if name == "stress_eV_per_A3" else self.n_atoms, 3))
        return self.scalar(SOME_FRAMES[name][0]), self.scalar(name).astype(np.float64)

    def scalar(self, name: str) -> NDArray[Any]:
        """One value a frame: ``step``, ``cell_A`` or a name in ``SCALARS``."""
        return self._arrays.along_time(name)


def _require_within(what: str, numbers: NDArray[np.intp], n: int) -> None:
    """Chunks hold room beyond the last frame and atom, in which there would be zeros."""
    outside = numbers[(numbers < 0) | (numbers >= n)]
    if len(outside):
        raise IndexError(f"{what} {outside[0]} is not one of the {n} that are stored")


def _groups(numbers: NDArray[np.intp]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Every number that occurs, and where."""
    order = np.argsort(numbers, kind="stable")
    for places in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
        if len(places):
            yield int(numbers[places[0]]), places
