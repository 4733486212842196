"""Splits keep neighbours in time together, are the same for the same seed, and hold out what they are told to."""

from collections import Counter
from dataclasses import replace

import pytest
from pydantic import ValidationError

from labels import frames
from superionic.datasets.frames import LabelledFrames
from superionic.datasets.splits import split_frames
from superionic.documents import SplitSettings
from superionic.errors import InputError


def runs(n_runs=10, n_blocks=10, n_each=4):
    """Real frames over and over, as if of so many runs of blocks: origins are what counts here."""
    some = []
    for run in range(n_runs):
        for index in range(n_blocks * n_each):
            frame = frames()[index % len(frames())]
            origin = frame.origin.model_copy(
                update={"run": f"run {run}", "index": index, "block": index // n_each, "structure": "OEHLC"[run % 5],
                        "temperature_K": 500.0 + 100 * (run % 3)},
            )  # fmt: skip
            some.append(replace(frame, origin=origin))
    return LabelledFrames(tuple(some))


def parts_of(split, by):
    """The parts that each group has frames in."""
    found = {}
    for frame in split:
        o = frame.origin
        key = {"block": (o.run, o.block), "run": o.run, "structure": o.structure, "temperature": o.temperature_K}[by]
        found.setdefault(key, set()).add(frame.split)
    return found


@pytest.mark.parametrize("by", ["block", "run", "structure", "temperature"])
def test_what_belongs_together_stays_together(by):
    split = split_frames(runs(), SplitSettings(by=by, fractions=(0.5, 0.3, 0.2)))
    found = parts_of(split, by)
    assert all(len(parts) == 1 for parts in found.values())
    assert {part for parts in found.values() for part in parts} == {"train", "validation", "test"}
    assert [f.origin for f in split] == [f.origin for f in runs()]


def test_by_frame_parts_them():
    split = split_frames(runs(), SplitSettings(by="frame"))
    assert any(len(parts) > 1 for parts in parts_of(split, "block").values())


def test_shares_are_those_of_the_study():
    counts = Counter(frame.split for frame in split_frames(runs(), SplitSettings()))
    assert counts == {"train": 304, "validation": 76, "test": 20}


def test_a_seed_decides():
    first, again, other = ([f.split for f in split_frames(runs(), SplitSettings(seed=seed))] for seed in (1, 1, 2))
    assert first == again != other


def test_every_part_gets_something_of_few_groups():
    three = split_frames(runs(n_runs=3), SplitSettings(by="run"))
    assert {frame.split for frame in three} == {"train", "validation", "test"}
    with pytest.raises(InputError, match=r"2 run\(s\) cannot be dealt out to 3 parts"):
        split_frames(runs(n_runs=2), SplitSettings(by="run"))
    two = split_frames(runs(n_runs=2), SplitSettings(by="run", fractions=(0.8, 0.2, 0)))
    assert {frame.split for frame in two} == {"train", "validation"}


def test_structures_and_temperatures_are_held_out():
    split = split_frames(runs(), SplitSettings(held_out=["E", "700"]))
    for frame in split:
        held = frame.origin.structure == "E" or frame.origin.temperature_K == 700
        assert (frame.split == "test") == held
    rest = Counter(frame.split for frame in split if frame.split != "test")
    assert rest["train"] / sum(rest.values()) == pytest.approx(0.8, abs=0.02)
    with pytest.raises(InputError, match="neither one of the structures"):
        split_frames(runs(), SplitSettings(held_out=["X"]))
    with pytest.raises(InputError, match="all frames"):
        split_frames(runs(), SplitSettings(held_out=["500", "600", "700"]))


@pytest.mark.parametrize("fractions", [(0.5, 0.5, 0.5), (1.2, -0.1, -0.1), (0, 0.5, 0.5)])
def test_shares_that_are_none(fractions):
    with pytest.raises(ValidationError, match="fractions"):
        SplitSettings(fractions=fractions)
