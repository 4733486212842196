"""Frames dealt out for training, validation and test, so that neighbours in time stay on one side."""

from __future__ import annotations

import numpy as np

from superionic.datasets.frames import LabelledFrames, ReferenceFrame
from superionic.documents.dataset import SPLIT_NAMES, SplitName, SplitSettings
from superionic.errors import InputError


def split_frames(frames: LabelledFrames, settings: SplitSettings) -> LabelledFrames:
    """Deal out groups of frames in random order, each to the part that lacks most frames.

    Parameters
    ----------
    frames
        The frames.
    settings
        What stays together, the shares, what is held out, and the seed.

    Returns
    -------
    LabelledFrames
        The same frames in the same order, each with its part.

    Raises
    ------
    InputError
        Something held out that is not there, or fewer groups than parts.
    """
    held_out = _held_out(frames, settings)
    rest = [number for number in range(len(frames)) if number not in held_out]
    groups: dict[tuple[str, ...], list[int]] = {}
    for number in rest:
        groups.setdefault(_group(frames[number], settings.by, number), []).append(number)
    shares = np.array(settings.fractions)
    if held_out:
        shares[2] = 0.0
        shares = shares / shares.sum()
    needed = int(np.count_nonzero(shares))
    if len(groups) < needed:
        raise InputError(
            f"split: {len(groups)} {settings.by}(s) cannot be dealt out to {needed} parts: take a smaller `by`, "
            "or give parts a share of 0"
        )
    parts = _dealt(list(groups.values()), shares, settings.seed)
    parts |= dict.fromkeys(held_out, SPLIT_NAMES[2])
    return frames.dealt_out([parts[number] for number in range(len(frames))])


def _group(frame: ReferenceFrame, by: str, number: int) -> tuple[str, ...]:
    """What a frame must not be parted from."""
    origin = frame.origin
    if by == "block":
        return origin.run, str(origin.block)
    if by == "run":
        return (origin.run,)
    if by == "structure":
        return (origin.structure,)
    if by == "temperature":
        return (_temperature(frame),)
    return (str(number),)


def _temperature(frame: ReferenceFrame) -> str:
    temperature = frame.origin.temperature_K
    return "unknown" if temperature is None else f"{temperature:g}"


def _held_out(frames: LabelledFrames, settings: SplitSettings) -> set[int]:
    """Frames of the structures and temperatures that are for the test alone."""
    found: set[int] = set()
    for name in settings.held_out:
        members = {n for n, frame in enumerate(frames) if name in {frame.origin.structure, _temperature(frame)}}
        if not members:
            structures = sorted({frame.origin.structure for frame in frames})
            temperatures = sorted({_temperature(frame) for frame in frames})
            raise InputError(
                f"split.held_out: {name!r} is neither one of the structures {structures} nor of the temperatures "
                f"{temperatures} of the dataset"
            )
        found |= members
    if len(found) == len(frames):
        raise InputError(f"split.held_out: {settings.held_out} are all frames: nothing is left to train on")
    return found


def _dealt(groups: list[list[int]], shares: np.ndarray, seed: int) -> dict[int, SplitName]:
    order = np.random.default_rng(seed).permutation(len(groups))
    wanted = shares * sum(len(group) for group in groups)
    got = np.zeros(3)
    parts: dict[int, SplitName] = {}
    for left, place in zip(range(len(groups), 0, -1), order, strict=True):
        lack = wanted - got
        empty = (got == 0) & (shares > 0)
        if empty.sum() >= left:  # as many groups are left as parts that have none
            lack = np.where(empty, lack, -np.inf)
        lack[shares == 0] = -np.inf
        part = int(np.argmax(lack))
        got[part] += len(groups[place])
        parts |= dict.fromkeys(groups[place], SPLIT_NAMES[part])
    return parts
