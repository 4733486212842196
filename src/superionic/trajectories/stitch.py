"""Segments of one run joined to one trajectory, with every way they may not fit named."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from superionic.documents import SourceReference, TrajectorySegment
from superionic.errors import StoreError
from superionic.trajectories.codec import SCALARS, FrameReader
from superionic.trajectories.stored import StoredPositions
from superionic.trajectories.trajectory import Trajectory


def open_frames(segment: TrajectorySegment, spool: Path | None = None) -> FrameReader:
    """The frames of one stored segment, after its checksum was verified.

    Parameters
    ----------
    segment
        The segment with its payload.
    spool
        Folder in which to leave the frames and read them from; by default memory holds them, packed.

    Raises
    ------
    StoreError
        If the payload is not the one that was stored.
    """
    name = f"segment {segment.segment} of run {segment.run_id}"
    try:
        packed = base64.b64decode(segment.payload, validate=True)
    except binascii.Error as error:
        raise StoreError(f"{name}: the payload is not base64: {error}") from error
    if hashlib.sha256(packed).hexdigest() != segment.sha256:
        raise StoreError(f"{name}: the payload fails its checksum: `superionic repair` runs it again, or restore it")
    if spool is None:
        return FrameReader(packed, name)
    file = spool / f"segment-{segment.segment}.zip"
    file.write_bytes(packed)
    return FrameReader(file, name)


def stitch(
    segments: Iterable[TrajectorySegment], sources: Sequence[SourceReference] = (), spool: Path | None = None
) -> Trajectory:
    """Join the segments of one run, in any order of storage; its positions are decoded where they are asked for.

    Parameters
    ----------
    segments
        All segments; they are taken one at a time, and their payloads are not kept.
    sources
        The job outputs they came from.
    spool
        Folder for the packed frames while the trajectory is used; by default memory holds them.

    Raises
    ------
    StoreError
        If segments are missing, doubled or of different runs, or a payload is corrupt.
    """
    opened = [(segment.model_copy(update={"payload": ""}), open_frames(segment, spool)) for segment in segments]
    if not opened:
        raise StoreError("no segments to join")
    opened.sort(key=lambda pair: pair[0].segment)
    ordered, readers = [segment for segment, _ in opened], [reader for _, reader in opened]
    _require_whole(ordered)
    first = ordered[0]
    cells, *values = (np.concatenate([reader.scalar(name) for reader in readers]) for name in ("cell_A", *SCALARS))
    # None where an imported run did not record them
    recorded = {name: part if np.isfinite(part).all() else None for name, part in zip(SCALARS, values, strict=True)}
    return Trajectory(
        positions_A=StoredPositions(readers),
        cell_A=cells[0].copy() if np.all(cells == cells[0]) else cells,
        species=first.species,
        frame_interval_ps=first.protocol.frame_interval_ps,
        temperature_K=first.protocol.temperature_K,
        mobile_species=first.identity.mobile_species,
        mobile_charge_e=first.identity.mobile_charge_e,
        other_mobile_charges_e=first.identity.other_mobile_charges_e,
        equilibration_ps=first.protocol.equilibration_ps,
        temperatures_K=recorded["temperature_K"],
        potential_energies_eV=recorded["potential_energy_eV"],
        conserved_energies_eV=recorded["conserved_energy_eV"],
        site_labels=first.site_labels,
        host_crystal=next((segment.host_crystal for segment in ordered if segment.host_crystal is not None), None),
        identity=first.identity,
        protocol=first.protocol,
        run_id=first.run_id,
        sources=list(sources),
    )


def _require_whole(ordered: Sequence[TrajectorySegment]) -> None:
    first = ordered[0]
    for expected, segment in enumerate(ordered):
        if segment.run_id != first.run_id:
            raise StoreError(f"segments of the runs {first.run_id} and {segment.run_id} cannot be joined")
        if segment.segment != expected:
            what = "doubled" if segment.segment < expected else "missing"
            number = min(segment.segment, expected)
            raise StoreError(f"run {first.run_id}: segment {number} is {what}")
        if expected and segment.first_step != ordered[expected - 1].last_step:
            raise StoreError(
                f"run {first.run_id}: segment {expected} starts at step {segment.first_step}, "
                f"not at {ordered[expected - 1].last_step} where the one before it ended"
            )


def stitch_velocities(segments: Sequence[TrajectorySegment]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Velocities of one run where they were stored (``velocity_stride`` of its protocol).

    Returns
    -------
    steps
        Steps of the run at which velocities are stored, shape (n,).
    velocities
        In Å/ps, shape (n, n_atoms, 3).

    Raises
    ------
    StoreError
        If a payload is corrupt.
    """
    ordered = sorted(segments, key=lambda segment: segment.segment)
    steps, velocities = zip(*(open_frames(segment).some("velocities_A_per_ps") for segment in ordered), strict=True)
    return np.concatenate(steps), np.concatenate(velocities)
