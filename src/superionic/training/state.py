"""Everything that the next step of a training depends on, and how it becomes bytes."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from superionic.documents.fine_tuning import EpochRecord
from superionic.errors import StoreError

__all__ = ["TrainingState", "pack_state", "unpack_state"]

Arrays = dict[str, NDArray[np.float32]]
_ARRAYS = ("weights", "first_moments", "second_moments", "average", "best")
_FORMAT = 1


@dataclass
class TrainingState:
    """A training between two steps.

    Attributes
    ----------
    key
        Digest of frames, settings and base model: a state goes on with its own alone.
    weights
        Every parameter of the model, by name.
    first_moments, second_moments
        Of Adam, of every trained parameter; empty before the first step.
    average
        Moving average of the trained parameters; empty if there is none.
    best
        The parameters to keep so far: those of the epoch with the lowest loss of validation.
    step
        Steps done.
    epoch_loss
        Sum of the losses of the batches done in the epoch that is not over.
    curves
        Epochs done.
    atom_shift_eV
        Element -> by how much the energy of its atoms was moved before the first step.
    stop_reason
        Why the training is over; None if it is not.
    """

    key: str
    weights: Arrays
    first_moments: Arrays = field(default_factory=dict)
    second_moments: Arrays = field(default_factory=dict)
    average: Arrays = field(default_factory=dict)
    best: Arrays = field(default_factory=dict)
    step: int = 0
    epoch_loss: float = 0.0
    curves: list[EpochRecord] = field(default_factory=list)
    atom_shift_eV: dict[str, float] = field(default_factory=dict)
    stop_reason: str | None = None

    @property
    def best_epoch(self) -> EpochRecord:
        """The epoch with the lowest loss of validation, the first one of several."""
        return min(self.curves, key=lambda record: record.validation_loss)


def pack_state(state: TrainingState) -> bytes:
    """A state as the bytes of an archive of arrays, to the last bit."""
    rest = {name: value for name, value in vars(state).items() if name not in _ARRAYS}
    rest |= {"curves": [record.model_dump() for record in state.curves], "format": _FORMAT}
    arrays: dict[str, NDArray[Any]] = {"state": np.frombuffer(json.dumps(rest).encode(), dtype=np.uint8)}
    for group in _ARRAYS:
        arrays |= {f"{group}/{name}": array for name, array in getattr(state, group).items()}
    content = BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    return content.getvalue()


def unpack_state(packed: bytes) -> TrainingState:
    """A state from its bytes; nothing in them is run.

    Raises
    ------
    StoreError
        If they are no such archive, or damaged.
    """
    try:
        with np.load(BytesIO(packed), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        rest = json.loads(arrays.pop("state").tobytes())
        if rest.pop("format") != _FORMAT:
            raise ValueError("its format is of another version")
        rest["curves"] = [EpochRecord.model_validate(record) for record in rest["curves"]]
        groups: dict[str, Arrays] = {group: {} for group in _ARRAYS}
        for name, array in arrays.items():
            group, _, parameter = name.partition("/")
            groups[group][parameter] = array
        content: dict[str, Any] = {**groups, **rest}
        return TrainingState(**content)
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, KeyError, TypeError) as error:
        raise StoreError(f"the state of the training cannot be read ({error})") from error
