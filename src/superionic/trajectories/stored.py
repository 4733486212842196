"""Positions of a stored run that stay packed, and are decoded where they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superionic.trajectories.codec import CHUNK_FRAMES, FrameReader

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


class StoredPositions:
    """Unwrapped positions in Å that are indexed like an array of shape (n_frames, n_atoms, 3).

    ``positions[frames]`` and ``positions[frames, atoms]`` decode the frames and atoms that they name; as an array
    (``np.asarray``) it is decoded whole.

    Parameters
    ----------
    readers
        The segments of the run in their order.

    Attributes
    ----------
    chunk_starts
        First frames of what decodes as a whole, in rising order.
    """

    def __init__(self, readers: Sequence[FrameReader]) -> None:
        self._readers = list(readers)
        self._borders = np.cumsum([0, *(len(reader) for reader in readers)])
        self.shape = (int(self._borders[-1]), readers[0].n_atoms, 3)
        self.chunk_starts = np.concatenate([np.arange(a, b, CHUNK_FRAMES) for a, b in pairwise(self._borders)])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: slice | int | Indices | tuple[slice | int | Indices, Indices]) -> Floats:
        frames, atoms = key if isinstance(key, tuple) else (key, None)
        if isinstance(frames, slice):
            return self._decoded(np.arange(*frames.indices(len(self))), atoms)
        wanted = np.atleast_1d(frames) % len(self)
        return self._decoded(wanted, atoms)[0 if np.ndim(frames) == 0 else slice(None)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:].astype(dtype or np.float64, copy=False)

    def _decoded(self, frames: Indices, atoms: Indices | None) -> Floats:
        if np.any(np.diff(frames) < 0):
            order = np.argsort(frames, kind="stable")
            return self._decoded(frames[order], atoms)[np.argsort(order)]
        cuts = np.searchsorted(frames, self._borders)
        out = np.empty((len(frames), self.shape[1] if atoms is None else len(atoms), 3))
        for reader, border, start, stop in zip(self._readers, self._borders, cuts, cuts[1:], strict=False):
            if stop > start:
                out[start:stop] = reader.frames_A(frames[start:stop] - border, atoms)
        return out
