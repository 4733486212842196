"""Where a frame comes from, as files tell it: our own record, or the words that stand with a frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from superionic.datasets.frames import Integers, formula_of
from superionic.documents.dataset import FrameOrigin
from superionic.errors import InputError, first_error

BLOCKS_PER_RUN = 10
"""Neighbouring frames of a file are taken for neighbours in time: so many blocks of them, in their order."""


def block_of(index: int, n_frames: int) -> int:
    """Block of a frame among the frames of its run."""
    return index * min(BLOCKS_PER_RUN, n_frames) // n_frames


def origin_of(said: Mapping[str, Any], file: str, index: int, n_frames: int, numbers: Integers) -> FrameOrigin:
    """Origin of a frame of a file.

    Parameters
    ----------
    said
        What stands with the frame: ``origin`` as this package writes it, or words such as ``name``, ``structure`` or
        ``ordering``, ``temperature_K``, ``step``, ``sampled_with``.
    file
        Name of the file, which is the run where nothing else is said.
    index
        Number of the frame in the file, from 0.
    n_frames
        Frames in the file.
    numbers
        Atomic numbers, for the formula.

    Raises
    ------
    InputError
        If an ``origin`` is there that this package did not write.
    """
    if isinstance(said.get("origin"), dict):
        try:
            return FrameOrigin.model_validate(said["origin"])
        except ValidationError as error:
            raise InputError(
                f"{file}: frame {index}: its origin is not one of this package: {first_error(error)}"
            ) from error
    name, step = _text(said.get("name")), said.get("step")
    step = None if step is None or isinstance(step, str) else int(step)
    run = name.removesuffix(f"-{step}") if name is not None and step is not None else None
    sampled_with = _text(said.get("sampled_with"))
    temperature = said.get("temperature_K")
    return FrameOrigin(
        run=run or file,
        index=index if run is None or run == name else 0,
        step=step,
        block=block_of(index, n_frames) if run is None or run == name else 0,
        structure=_text(said.get("structure")) or _text(said.get("ordering")) or formula_of(numbers),
        temperature_K=None if temperature is None else float(temperature),
        sampling="molecular dynamics" if step is not None and sampled_with is not None else "unknown",
        sampled_with=sampled_with,
        name=name,
    )


def numbered_within_runs(origins: list[FrameOrigin]) -> list[FrameOrigin]:
    """The same, those that know their run and step numbered by it within the run."""
    runs: dict[str, list[int]] = {}
    for place, origin in enumerate(origins):
        if origin.name is not None and origin.step is not None and origin.name == f"{origin.run}-{origin.step}":
            runs.setdefault(origin.run, []).append(place)
    numbered = list(origins)
    for places in runs.values():
        for index, place in enumerate(sorted(places, key=lambda at: origins[at].step or 0)):
            numbered[place] = origins[place].model_copy(update={"index": index})
    return numbered


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
