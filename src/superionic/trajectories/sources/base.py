"""What every reader of foreign trajectories gives: frames one at a time, and what the files say about the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Literal, NamedTuple

import numpy as np
from monty.io import zopen
from numpy.typing import NDArray

from superionic.documents import SourceReference
from superionic.errors import InputError

Floats = NDArray[np.float64]
Ensemble = Literal["nvt", "nve", "npt"]
NAN = float("nan")


class Frame(NamedTuple):
    """One frame as its file gives it.

    Attributes
    ----------
    positions_A
        Cartesian positions in Å, shape (n_atoms, 3), wrapped or not.
    cell_A
        Cell vectors as rows in Å, shape (3, 3).
    end
        Where reading goes on after this frame; only the source that gave it understands the number.
    number
        Step or counter that the file gives the frame, None if it gives none.
    potential_energy_eV, conserved_energy_eV, temperature_K
        NaN where the file does not say.
    forces_eV_per_A, stress_eV_per_A3
        Shape (n_atoms, 3), and (3, 3) in ASE's sign; None where the file does not say.
    scf_steps
        Steps of self-consistency; None where the file does not say.
    """

    positions_A: Floats
    cell_A: Floats
    end: int
    number: int | None = None
    potential_energy_eV: float = NAN
    conserved_energy_eV: float = NAN
    temperature_K: float = NAN
    forces_eV_per_A: Floats | None = None
    stress_eV_per_A3: Floats | None = None
    scf_steps: int | None = None


@dataclass(frozen=True)
class Source:
    """One readable part of a run.

    Attributes
    ----------
    name
        What error messages call it.
    engine
        Code that made the run, for example 'vasp'.
    species
        Element symbol of each atom.
    frames
        Gives the frames from a place on that `Frame.end` named, 0 for the start.
    unwrapped
        Whether the format guarantees that positions are continuous.
    numbers_are_steps
        Whether `Frame.number` counts MD steps rather than stored frames.
    time_step_fs, stride, temperature_K, ensemble, model
        What the files say about the run, None where they do not.
    job
        The job whose output this is, if it is one.
    notes
        What of the file cannot be kept, and why.
    """

    name: str
    engine: str
    species: list[str]
    frames: Callable[[int], Iterator[Frame]]
    unwrapped: bool = False
    numbers_are_steps: bool = False
    time_step_fs: float | None = None
    stride: int | None = None
    temperature_K: float | None = None
    ensemble: Ensemble | None = None
    model: str | None = None
    job: SourceReference | None = None
    notes: tuple[str, ...] = ()


class TruncatedFrameError(Exception):
    """The file ends within a frame; those before it are whole."""


class TextFile:
    """Lines of a plain or compressed text file, read forward, with the place where the next read starts."""

    def __init__(self, path: Path, start: int = 0) -> None:
        self.path = path
        self.place = start
        self._stream: IO[bytes] = zopen(path, "rb")
        self._stream.seek(start)

    def __enter__(self) -> TextFile:
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()

    def line(self) -> bytes:
        """The next line, empty at the end of the file."""
        return next(iter(self._lines(1)), b"")

    def lines(self, count: int) -> list[bytes]:
        """The next `count` lines.

        Raises
        ------
        TruncatedFrameError
            If the file ends before or within them.
        """
        lines = self._lines(count)
        if len(lines) < count or (count > 1 and _cut(lines[-1], lines[-2])):
            raise TruncatedFrameError
        return lines

    def _lines(self, count: int) -> list[bytes]:
        try:
            lines = list(islice(self._stream, count))
        except EOFError:  # a compressed file that was cut
            raise TruncatedFrameError from None
        self.place += sum(map(len, lines))
        return lines


def _cut(last: bytes, before: bytes) -> bool:
    """Whether the last line of a file was cut: no line feed, and other columns or decimals than the line before."""
    if last.endswith(b"\n"):
        return False
    shapes = [[len(word.partition(b".")[2]) for word in line.split()] for line in (last, before)]
    return shapes[0] != shapes[1]


def floats(lines: list[bytes], columns: int, where: str) -> Floats:
    """Numbers of a block of lines, shape (len(lines), columns).

    Raises
    ------
    InputError
        If a line holds something else.
    """
    try:
        values = np.array(b" ".join(lines).split(), dtype=np.float64)
        return values.reshape(len(lines), columns)
    except ValueError:
        raise InputError(f"{where} is not readable: it should hold {columns} numbers a line") from None


def temperature_K(kinetic_energy_eV: float, n_atoms: int) -> float:
    """Temperature of 3 n_atoms - 3 degrees of freedom in K."""
    from ase.units import kB

    return 2 * kinetic_energy_eV / (kB * max(3 * n_atoms - 3, 1))


def full_stress(components: object, where: str) -> Floats:
    """A stress of 9 numbers or of 6 in Voigt's order (xx, yy, zz, yz, xz, xy) as a matrix, shape (3, 3).

    Raises
    ------
    InputError
        If it has another number of components.
    """
    values = np.asarray(components, dtype=np.float64).ravel()
    if values.size == 6:
        return values[[0, 5, 4, 5, 1, 3, 4, 3, 2]].reshape(3, 3)
    if values.size != 9:
        raise InputError(f"{where}: a stress or virial has 6 or 9 numbers, not {values.size}")
    return values.reshape(3, 3)


def masses_u(species: list[str]) -> Floats:
    """Standard atomic masses in u, those of ASE, shape (n_atoms,)."""
    from ase.data import atomic_masses, atomic_numbers

    return np.array([atomic_masses[atomic_numbers[name]] for name in species], dtype=np.float64)
