"""Positions of ions: of all of them if memory allows, else of some at a time.

What adds up over ions (and everything that needs whole histories does) reads them through `groups_of`, so that a run
of any length is analysed within a given memory, with the same numbers.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from superionic.errors import InputError

Floats = NDArray[np.float64]

BYTES = 8
_WHOLE, _GROUP = 1.5, 2.5
"""Memory that work on positions takes over their own; a group is still there while the next one is read."""


class IonGroups:
    """Positions of ions in a temporary file, a group of ions after the other; made and sliced like an array.

    A stored run holds all ions of a frame together, so that to take a group from it is to decode all of it. It is
    decoded once, into this; the file is gone when nothing refers to it any more.

    Parameters
    ----------
    n_frames, n_ions
        How many.
    ions_at_once
        How many make a group.
    """

    def __init__(self, n_frames: int, n_ions: int, ions_at_once: int) -> None:
        self.shape = (n_frames, n_ions, 3)
        self._file = tempfile.TemporaryFile(prefix="superionic-ions-")  # noqa: SIM115 - lives as long as this does
        self._file_frames, self._first, self._at_once = n_frames, 0, ions_at_once

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, frames: slice) -> IonGroups:
        start, stop, _ = frames.indices(len(self))
        part = object.__new__(IonGroups)
        part.__dict__.update(self.__dict__, shape=(max(stop - start, 0), *self.shape[1:]), _first=self._first + start)
        return part

    def __setitem__(self, frames: slice, positions_A: Floats) -> None:
        start = frames.indices(len(self))[0]
        try:
            for ions in self._groups():
                self._seek(ions, start)
                self._file.write(np.ascontiguousarray(positions_A[:, ions]).data)
            self._file.flush()
        except OSError as error:
            needed_GB = 3e-9 * BYTES * self._file_frames * self.shape[1]
            raise InputError(
                f"the run does not fit into the memory allowed, nor {needed_GB:.3g} GB into {tempfile.gettempdir()} "
                f"({error.strerror}): allow more memory_GB, or set TMPDIR to a folder with more room"
            ) from error

    def groups(self) -> Iterator[tuple[slice, Floats]]:
        """Which ions, and their positions in Å, shape (n_frames, n, 3)."""
        for ions in self._groups():
            positions = np.empty((len(self), ions.stop - ions.start, 3))
            self._seek(ions, 0)
            self._file.readinto(positions.reshape(-1).view(np.uint8).data)
            yield ions, positions

    def _groups(self) -> Iterator[slice]:
        for start in range(0, self.shape[1], self._at_once):
            yield slice(start, min(start + self._at_once, self.shape[1]))

    def _seek(self, ions: slice, frame: int) -> None:
        before = self._file_frames * ions.start + (self._first + frame) * (ions.stop - ions.start)
        self._file.seek(3 * BYTES * before)


Positions = Floats | IonGroups


def groups_of(positions: Positions) -> Iterator[tuple[slice, Floats]]:
    """Which ions, and their positions, a group after the other; an array is one group."""
    if isinstance(positions, IonGroups):
        yield from positions.groups()
    else:
        yield slice(0, positions.shape[1]), positions


def room_for(n_frames: int, n_ions: int, memory_bytes: float) -> Positions:
    """Where positions are to go: an array, or a file if work on that would take more than `memory_bytes`."""
    one_ion = 3 * BYTES * n_frames
    if _WHOLE * one_ion * n_ions <= memory_bytes:
        return np.empty((n_frames, n_ions, 3))
    return IonGroups(n_frames, n_ions, max(1, int(memory_bytes / (_GROUP * one_ion))))
