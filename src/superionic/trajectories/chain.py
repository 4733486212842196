"""Parts of one run joined to one continuous trajectory, with every way they may not fit named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from superionic.errors import InputError
from superionic.trajectories.following import JOIN_FACTOR, ChainState, Numbers, Overlap, same_positions
from superionic.trajectories.sources.base import Frame, Source, TruncatedFrameError
from superionic.trajectories.unwrap import SAFE_SHARE, Lattice

Floats = NDArray[np.float64]

BLOCK_FRAMES = 512
_BLOCK_ATOM_FRAMES = 200_000  # some 50 MB of memory, whatever the number of atoms


@dataclass(frozen=True)
class Block:
    """Consecutive frames: positions continuous, shape (n, n_atoms, 3), cells (n, 3, 3), and the values a frame."""

    positions_A: Floats
    cells_A: Floats
    frames: list[Frame]


@dataclass(frozen=True)
class _Step:
    """A frame to be added, and how it follows on the last one."""

    frame: Frame
    part: int
    joins: bool


class Chain:
    """The parts of one run in their order.

    Parameters
    ----------
    sources
        The parts.
    unwrapped
        Take all positions as continuous, whatever their format promises.

    Raises
    ------
    InputError
        If the parts do not hold the same atoms.
    """

    def __init__(self, sources: Sequence[Source], unwrapped: bool = False) -> None:
        if not sources:
            raise InputError("no trajectory was given: name at least one file or directory")
        self.sources = list(sources)
        self.unwrapped = unwrapped
        self._block_frames = BLOCK_FRAMES
        while self._block_frames > 8 and self._block_frames * len(sources[0].species) > _BLOCK_ATOM_FRAMES:
            self._block_frames //= 2  # still whole blocks in `most_frames`
        for source in sources[1:]:
            if source.species != sources[0].species:
                raise InputError(f"{source.name} and {sources[0].name} do not hold the same atoms in the same order")
        self._limits = _limits(self.sources)

    def blocks(self, state: ChainState, most_frames: int | None = None) -> Iterator[Block]:
        """Continuous frames from `state` on, which moves along.

        Parameters
        ----------
        state
            A new state, or the one that an earlier call left; changed in place before each block is given.
        most_frames
            Stop after so many frames, a multiple of ``BLOCK_FRAMES``.

        Raises
        ------
        InputError
            If the frames are not those of one run: missing, doubled or out of order, other atoms, or wrapped and too
            far apart.
        """
        held: list[_Step] = []
        given = 0
        for step in self._steps(state):
            held.append(step)
            if len(held) == self._block_frames:
                yield self._block(held, state)
                given += len(held)
                held = []
                if most_frames is not None and given >= most_frames:
                    return
        if held:
            yield self._block(held, state)
        state.part, state.place = len(self.sources), 0

    def _steps(self, state: ChainState) -> Iterator[_Step]:
        """Frames that count, in order; reads ahead of `state` and keeps its own place."""
        numbers = Numbers(state)
        fractions = _Fractions()
        last = None if state.frac is None else np.array(state.frac)
        overlap: Overlap | None = None
        for part in range(state.part, len(self.sources)):
            source, limit = self.sources[part], self._limits[part]
            place = state.place if part == state.part else 0
            begins = place == 0
            left_out = 0
            repeated, overlap = overlap, None
            try:
                for frame in source.frames(place):
                    if limit is not None and frame.number is not None and frame.number >= limit:
                        if overlap is None and last is not None:
                            overlap = Overlap(source.name, frame.number, fractions(frame), last, frame.cell_A)
                        left_out += 1
                        continue
                    frac = fractions(frame)
                    if begins and repeated is not None:
                        repeated.require(frac, source.name)
                    same = last is not None and same_positions(frac, last, frame.cell_A)
                    joins = numbers.follow(frame.number, source, begins and last is not None, same)
                    begins = False
                    if same and (joins or frame.number is None or frame.number == numbers.before):
                        state.notes.append(f"{source.name}: a frame stored twice, as at a restart, was left out once")
                        continue
                    last = frac
                    yield _Step(frame, part, joins)
            except TruncatedFrameError:
                state.notes.append(f"{source.name}: its last frame was cut short and left out")
            if left_out:
                state.notes.append(
                    f"{source.name}: {left_out} frame(s) from step {limit} on were left out: "
                    f"{self.sources[part + 1].name} starts there"
                )

    def _block(self, steps: list[_Step], state: ChainState) -> Block:
        cells = np.array([step.frame.cell_A for step in steps])
        frac = np.array([step.frame.positions_A for step in steps]) @ np.linalg.inv(cells)
        first = state.frac is None
        before = frac[:1] if first else np.array(state.frac)[None]
        moves = np.diff(np.concatenate([before, frac]), axis=0)
        images, lengths = np.zeros_like(moves), np.linalg.norm(moves @ cells, axis=2)
        wrapped = np.array([step.joins or not (self.unwrapped or self.sources[step.part].unwrapped) for step in steps])
        lattice = Lattice(cells[0])
        if wrapped.any():
            images[wrapped], lengths[wrapped] = lattice.shortest_images(moves[wrapped], cells[wrapped])
        self._require_joined(steps, lengths, state, first)
        if wrapped.any():
            safe = SAFE_SHARE * lattice.shortest_vectors_A(cells)
            self._require_safe(steps, lengths, np.where(wrapped, safe, np.inf), state)
        start = np.zeros_like(frac[0]) if state.image is None else np.array(state.image)
        image = start - np.cumsum(images, axis=0)
        state.frac, state.image = frac[-1].tolist(), image[-1].tolist()
        state.part, state.place = steps[-1].part, steps[-1].frame.end
        state.n_frames += len(steps)
        return Block((frac + image) @ cells, cells, [step.frame for step in steps])

    def _require_safe(self, steps: list[_Step], lengths: Floats, safe: Floats, state: ChainState) -> None:
        unsafe = np.flatnonzero(lengths.max(axis=1) > safe)
        if not unsafe.size:
            return
        index = int(unsafe[0])
        atom = int(lengths[index].argmax())
        name = self._name(steps[index], state.n_frames + index)
        raise InputError(
            f"{name}: atom {atom + 1} ({self.sources[0].species[atom]}) has moved {lengths[index, atom]:.2f} Å since "
            f"the frame before, more than the {safe[index]:.2f} Å up to which wrapped positions can be unwrapped: "
            "import more closely stored frames, or say so (--unwrapped) if the positions are continuous"
        )

    def _require_joined(self, steps: list[_Step], lengths: Floats, state: ChainState, first: bool) -> None:
        rms = np.sqrt(np.mean(lengths**2, axis=1))
        for joins, group in groupby(range(len(steps)), key=lambda index: steps[index].joins):
            indices = list(group)
            if not joins:
                state.largest_rms_A = max(state.largest_rms_A, float(rms[indices].max()))
                continue
            for index in indices:
                if state.largest_rms_A and rms[index] > JOIN_FACTOR * state.largest_rms_A and not (first and not index):
                    raise InputError(
                        f"{self._name(steps[index], state.n_frames + index)} does not follow on the frame before: its "
                        f"atoms are {rms[index]:.3g} Å (rms) away, the largest step before was "
                        f"{state.largest_rms_A:.3g} Å: frames are missing, or the parts are of different runs"
                    )

    def _name(self, step: _Step, index: int) -> str:
        number = "" if step.frame.number is None else f" (number {step.frame.number} of its file)"
        return f"{self.sources[step.part].name}: frame {index + 1} of the run{number}"


class _Fractions:
    """Positions in fractions of the cell; the inverse of a cell that does not change is kept."""

    def __init__(self) -> None:
        self._cell: Floats | None = None
        self._inverse = np.eye(3)

    def __call__(self, frame: Frame) -> Floats:
        if frame.cell_A is not self._cell:
            self._cell, self._inverse = frame.cell_A, np.asarray(np.linalg.inv(frame.cell_A))
        return frame.positions_A @ self._inverse


def _limits(sources: list[Source]) -> list[int | None]:
    """Number from which the next part repeats a part, where a run was restarted from before its end."""
    limits: list[int | None] = [None] * len(sources)
    if len(sources) > 1 and all(source.numbers_are_steps for source in sources):
        starts = [_first_number(source) for source in sources]
        for part in range(len(sources) - 1):
            here, there = starts[part], starts[part + 1]
            if here is not None and there is not None and there > here:
                limits[part] = there
    return limits


def _first_number(source: Source) -> int | None:
    try:
        frame = next(source.frames(0), None)
    except TruncatedFrameError:
        return None
    return frame.number if frame else None
