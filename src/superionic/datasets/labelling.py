"""Frames labelled by a potential, one after the other, in one process of the code where that is kept alive."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from superionic.datasets.frames import BareFrame
from superionic.datasets.journal import LabelJournal, Record, frame_digest
from superionic.documents.cost import Stopwatch
from superionic.documents.dataset import LabelReference
from superionic.documents.provenance import PotentialReference
from superionic.errors import InputError
from superionic.potentials.interface import Evaluation, Potential, PotentialError, Session

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Labelled:
    """What labelling came to.

    Attributes
    ----------
    records
        Of every frame that was asked for, in their order; None of those that were not reached.
    n_before
        How many of them were in the journal.
    """

    records: list[Record | None]
    n_before: int

    @property
    def whole(self) -> bool:
        """Whether every frame was reached."""
        return all(record is not None for record in self.records)


def label_frames(
    frames: Sequence[BareFrame],
    potential: Potential,
    describe: Callable[[PotentialReference], LabelReference],
    journal: LabelJournal,
    interrupted: Callable[[], str | None] = lambda: None,
) -> Labelled:
    """Label what the journal does not hold, and append each label to it at once.

    A frame that the reference gives no numbers of is recorded with the reason. If the code itself was ended from
    outside, the error passes: nothing is known of that frame.

    Parameters
    ----------
    frames
        The frames.
    potential
        Who labels.
    describe
        What stands with a label, of what the potential says it is once it has labelled: some codes know only then.
    journal
        What is finished, and where more is appended.
    interrupted
        Asked before every frame; with a reason, no more are labelled.
    """
    finished = journal.finished()
    digests = [frame_digest(frame) for frame in frames]
    n_before = sum(digest in finished for digest in digests)
    missing = [number for number, digest in enumerate(digests) if digest not in finished]
    sessions = _Sessions(potential)
    for done, number in enumerate(_alike_together(frames, missing)):
        if interrupted() is not None:
            break
        record = _record(frames[number], digests[number], sessions, describe)
        journal.append(record)
        finished[digests[number]] = record
        logger.info("labelled %s, %d of %d", frames[number].origin.title, n_before + done + 1, len(frames))
    sessions.close()
    return Labelled([_as_asked(finished.get(d), f) for d, f in zip(digests, frames, strict=True)], n_before)


class _Sessions:
    """One session at a time, kept while atoms and cell stay: grids of plane waves are of the first cell."""

    def __init__(self, potential: Potential) -> None:
        self.potential = potential
        self._of: BareFrame | None = None
        self._session: Session | None = None

    def evaluate(self, frame: BareFrame) -> Evaluation:
        if self._session is None or self._of is None or not _alike(self._of, frame):
            self.close()
            self._of, self._session = frame, self.potential.session(frame.numbers)
        return self._session.evaluate(frame.positions_A, frame.cell_A)

    def close(self) -> None:
        close = getattr(self._session, "close", None)
        self._session = None
        if close is not None:
            close()


def _alike(first: BareFrame, second: BareFrame) -> bool:
    return np.array_equal(first.numbers, second.numbers) and np.array_equal(first.cell_A, second.cell_A)


def _alike_together(frames: Sequence[BareFrame], numbers: Sequence[int]) -> Iterator[int]:
    """Frames of the same atoms in the same cell one after the other, otherwise in their order."""
    groups: dict[bytes, list[int]] = {}
    for number in numbers:
        frame = frames[number]
        groups.setdefault(frame.numbers.tobytes() + frame.cell_A.tobytes(), []).append(number)
    for group in groups.values():
        yield from group


def _record(
    frame: BareFrame, digest: str, sessions: _Sessions, describe: Callable[[PotentialReference], LabelReference]
) -> Record:
    watch = Stopwatch()
    record: Record = {
        "frame": digest,
        "name": frame.origin.title,
        "numbers": frame.numbers.tolist(),
        "positions_A": frame.positions_A.tolist(),
        "cell_A": frame.cell_A.tolist(),
        "origin": frame.origin.model_dump(mode="json"),
    }
    try:
        found = sessions.evaluate(frame)
    except (PotentialError, InputError) as error:
        record |= {"converged": False, "reason": str(error)}
    else:
        record |= {"converged": True, **_numbers(found)}
    record["reference"] = describe(sessions.potential.reference).model_dump(mode="json")
    return record | {"cost": watch.cost().model_dump(mode="json")}


def _numbers(found: Evaluation) -> dict[str, Any]:
    optional = {
        "stress_eV_per_A3": found.stress_eV_per_A3,
        "magnetic_moments_muB": found.magnetic_moments_muB,
    }
    return {
        "energy_eV": float(found.energy_eV),
        "forces_eV_per_A": found.forces_eV_per_A.tolist(),
        **{name: values.tolist() for name, values in optional.items() if values is not None},
    }


def _as_asked(record: Record | None, frame: BareFrame) -> Record | None:
    """A finished record with the origin that the frame has now: another run may have had the same frame."""
    return None if record is None else {**record, "origin": frame.origin.model_dump(mode="json")}
