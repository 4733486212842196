"""What a stored run is, with every frame of it read and checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from superionic.documents import MDRunDocument, TrajectorySegment
from superionic.errors import StoreError
from superionic.trajectories.codec import CHUNK_FRAMES
from superionic.trajectories.stitch import open_frames


def inspect_run(segments: Iterable[TrajectorySegment], summary: MDRunDocument | None) -> dict[str, Any]:
    """Describe a run, reading all of it but holding one chunk at a time.

    Returns
    -------
    dict
        What the run is, and a row a segment; `ended` says why the run ended, None if it goes on.

    Raises
    ------
    StoreError
        If a payload or a chunk fails its checksum, frames are missing, or there is no segment.
    """
    rows: list[dict[str, Any]] = []
    first: TrajectorySegment | None = None
    end = None
    for segment in segments:
        first = first or segment
        reader = open_frames(segment)
        if len(reader) != segment.n_frames:
            raise StoreError(f"{reader.name} holds {len(reader)} frames, not the {segment.n_frames} it should")
        largest = 0.0
        for start in range(0, len(reader), CHUNK_FRAMES):
            positions = reader.positions_A(start, start + CHUNK_FRAMES)
            steps = np.diff(positions if end is None else np.concatenate([end, positions]), axis=0)
            largest = max(largest, float(np.linalg.norm(steps, axis=2).max(initial=0.0)))
            end = positions[-1:]
        rows.append(
            {
                "segment": segment.segment,
                "first_step": segment.first_step,
                "last_step": segment.last_step,
                "frames": segment.n_frames,
                "bytes": segment.n_bytes,
                "mean_temperature_K": segment.mean_temperature_K,
                "largest_step_A": largest,
            }
        )
    if first is None:
        raise StoreError("the run has no stored segment")
    identity, protocol = first.identity, first.protocol
    return {
        "run": first.run_id,
        "label": identity.label,
        "atoms": " ".join(f"{name}{count}" for name, count in Counter(first.species).items()),
        "mobile": f"{identity.mobile_species} ({identity.mobile_charge_e:+g} e)",
        "host": identity.host,
        "engine": identity.engine,
        "potential": f"{identity.potential.family} {identity.potential.model}",
        "study": identity.study,
        "temperature_K": protocol.temperature_K,
        "ensemble": protocol.ensemble,
        "time_step_fs": protocol.time_step_fs,
        "stride": protocol.stride,
        "length_ps": rows[-1]["last_step"] * protocol.time_step_fs * 1e-3,
        "frames": sum(row["frames"] for row in rows),
        "megabytes": round(sum(row["bytes"] for row in rows) / 1e6, 3),
        "ended": None if summary is None else summary.stop_reason,
        "notes": [] if summary is None else summary.notes,
        "segments": rows,
    }
