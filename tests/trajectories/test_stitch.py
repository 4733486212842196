"""Segments are joined in order, and a damaged or missing one is named."""

import base64

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sample_runs import segments, walk
from superionic.errors import StoreError
from superionic.trajectories.stitch import open_frames, stitch

RUN = list(segments("r7", n_segments=3, frames_each=40))


def damaged(segment, place, mask):
    packed = bytearray(base64.b64decode(segment.payload))
    packed[place % len(packed)] ^= mask
    return segment.model_copy(update={"payload": base64.b64encode(packed).decode()})


def test_segments_in_any_order_are_one_run():
    joined = stitch(RUN[::-1])
    assert np.abs(joined.positions_A - walk(121, 0.2, 0)).max() <= 0.5e-4 + 1e-9


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 255))
def test_any_flipped_bits_are_found_and_the_segment_named(place, mask):
    with pytest.raises(StoreError, match="segment 1 of run r7: the payload fails its checksum"):
        open_frames(damaged(RUN[1], place, mask))


def test_what_is_no_base64_is_named():
    with pytest.raises(StoreError, match="segment 2 of run r7: the payload is not base64"):
        open_frames(RUN[2].model_copy(update={"payload": "~" + RUN[2].payload[1:]}))


def test_a_missing_and_a_doubled_segment_are_named():
    with pytest.raises(StoreError, match="segment 1 is missing"):
        stitch([RUN[0], RUN[2]])
    with pytest.raises(StoreError, match="segment 1 is doubled"):
        stitch([RUN[0], RUN[1], RUN[1], RUN[2]])
