"""How one frame of a chain follows on the one before: in number, in place, at a restart."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from superionic.errors import InputError
from superionic.trajectories.sources.base import Source

Floats = NDArray[np.float64]

SAME_POSITION_A = 1e-5
"""Frames at a restart whose atoms agree to this are one frame stored twice."""
JOIN_FACTOR = 2.0
"""Frames are missing at a join whose root mean squared step is this many times the largest before it."""


@dataclass
class ChainState:
    """Where the next segment of an import goes on; `frac` and `image` locate the last frame.

    Attributes
    ----------
    part, place
        Source that comes next, and where in it.
    n_frames
        Frames joined so far.
    number, spacing, first_number
        Last number that a file gave, their regular difference, and the first number of the part.
    frac, image
        Last positions in fractions of the cell as in the file, and the whole cell vectors that make them continuous.
    largest_rms_A
        Largest root mean squared step of all atoms so far in Å.
    notes
        What was left out, and why.
    """

    part: int = 0
    place: int = 0
    n_frames: int = 0
    number: int | None = None
    spacing: int | None = None
    first_number: int | None = None
    frac: list[list[float]] | None = None
    image: list[list[float]] | None = None
    largest_rms_A: float = 0.0
    notes: list[str] = field(default_factory=list)


class Numbers:
    """Watches the numbers that files give their frames."""

    def __init__(self, state: ChainState) -> None:
        self.state = state
        self.before: int | None = None

    def follow(self, number: int | None, source: Source, begins: bool, same: bool) -> bool:
        """Whether a frame joins a new part to the run, rather than following on the frame before.

        Parameters
        ----------
        number
            What the file calls the frame.
        source
            The file.
        begins
            Whether this is the first frame of a part other than the first.
        same
            Whether its positions are those of the frame before.
        """
        state = self.state
        self.before, state.number = state.number, number
        if begins or state.first_number is None:
            state.first_number = number
        if number is None or self.before is None:
            return begins
        step = number - self.before
        if begins and (not source.numbers_are_steps or step < 0):
            return True
        if step == 0 and not same:
            raise InputError(f"{source.name}: number {number} occurs twice with different positions: keep one of them")
        if step < 0 and number == state.first_number:
            return True
        if step < 0:
            raise InputError(
                f"{source.name}: the frames go back from number {self.before} to {number}: split the file there and "
                "give the parts in order"
            )
        if step > 0 and state.spacing is None:
            state.spacing = step
        if step not in {0, state.spacing}:
            what = "frames are missing" if step > (state.spacing or 0) else "frames are stored more often"
            raise InputError(
                f"{source.name}: {what} between numbers {self.before} and {number}; before, frames are "
                f"{state.spacing} apart"
            )
        return begins


class Overlap:
    """The first frame of a part that the next part repeats: both must hold nearly the same positions there."""

    def __init__(self, name: str, number: int, frac: Floats, before: Floats, cell_A: Floats) -> None:
        self.name, self.number, self.frac, self.cell_A = name, number, frac, cell_A
        self.step_A = rms_A(frac - before, cell_A)

    def require(self, frac: Floats, name: str) -> None:
        """Compare with the first frame of the next part."""
        away = rms_A(frac - self.frac, self.cell_A)
        if away > JOIN_FACTOR * max(self.step_A, SAME_POSITION_A):
            raise InputError(
                f"{name} starts at step {self.number}, but its atoms are {away:.3g} Å (rms) from those that "
                f"{self.name} has there: the parts are of different runs, or steps were counted anew"
            )


def rms_A(delta: Floats, cell_A: Floats) -> float:
    """Root mean square of short steps in fractions of the cell, in Å, whole cell vectors aside."""
    return float(np.sqrt(np.mean(np.sum(((delta - np.rint(delta)) @ cell_A) ** 2, axis=1))))


def same_positions(frac: Floats, last: Floats, cell_A: Floats) -> bool:
    """Whether two frames hold the same positions, whole cell vectors aside."""
    for atoms in (slice(0, 1), slice(None)):  # the first atom alone tells most frames apart
        delta = frac[atoms] - last[atoms]
        if np.abs((delta - np.rint(delta)) @ cell_A).max() > SAME_POSITION_A:
            return False
    return True
