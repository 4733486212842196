"""The one writer of segments: frames become the documents of a run, whoever made them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from superionic.documents import (
    AnalysisSettings,
    Cost,
    HostDocument,
    MDProtocol,
    MDRunDocument,
    MDState,
    Provenance,
    RecordedProtocol,
    RunIdentity,
    SourceReference,
    TrajectorySegment,
)
from superionic.trajectories.codec import FrameReader


@dataclass(frozen=True)
class RunRecord:
    """What all documents of one run say.

    Attributes
    ----------
    run_id
        UUID of the run.
    identity, protocol
        What the run is.
    analysis
        How it is to be analysed.
    species
        Element symbol of each atom.
    site_labels
        Named site of each atom at the start, None if not known.
    host_crystal
        The host, stored with the first segment; None if it is not known.
    jobs
        Job outputs that the frames were read from; none for a run of our own.
    """

    run_id: str
    identity: RunIdentity
    protocol: MDProtocol | RecordedProtocol
    analysis: AnalysisSettings
    species: Sequence[str]
    site_labels: list[str] | None = None
    host_crystal: HostDocument | None = None
    jobs: Sequence[SourceReference] = ()


def write_segment(
    run: RunRecord,
    number: int,
    n_segments: int,
    frames: bytes,
    ns_per_day: float | None = None,
    end_state: MDState | None = None,
    cost: Cost | None = None,
    corrections: Sequence[str] = (),
) -> TrajectorySegment:
    """One segment as it is stored; all that it says of its frames is read from them.

    Parameters
    ----------
    run
        What the segment is part of.
    number
        Its number within the run, from 0.
    n_segments
        Segments planned for the run.
    frames
        Packed frames, at least one (see superionic.trajectories.codec).
    ns_per_day
        Speed at which they were made; None if imported.
    end_state
        Where the next segment starts; None if nothing can go on from here.
    cost
        What making them cost; None if imported.
    corrections
        What was changed to get past errors of the code.
    """
    reader = FrameReader(frames, f"segment {number} of run {run.run_id}")
    steps, protocol = reader.scalar("step"), run.protocol
    conserved = reader.scalar("conserved_energy_eV")
    energy = _mean(reader.scalar("potential_energy_eV"))
    return TrajectorySegment(
        run_id=run.run_id,
        segment=number,
        n_segments=n_segments,
        first_step=max(int(steps[0]) - protocol.stride, 0),
        last_step=int(steps[-1]),
        n_frames=len(reader),
        n_atoms=reader.n_atoms,
        species=list(run.species),
        site_labels=run.site_labels,
        host_crystal=run.host_crystal if number == 0 else None,
        identity=run.identity,
        protocol=protocol,
        analysis=run.analysis,
        mean_temperature_K=_mean(reader.scalar("temperature_K")),
        mean_potential_energy_eV_per_atom=None if energy is None else energy / reader.n_atoms,
        conserved_drift_meV_per_atom_per_ps=_drift(steps, conserved, protocol.time_step_fs, reader.n_atoms),
        ns_per_day=ns_per_day,
        end_state=end_state,
        cost=cost,
        corrections=list(corrections),
        sha256=hashlib.sha256(frames).hexdigest(),
        n_bytes=len(frames),
        payload=base64.b64encode(frames).decode(),
        provenance=Provenance(sources=list(run.jobs), potential=run.identity.potential, seed=protocol.seed),
    )


def write_summary(
    run: RunRecord,
    n_segments: int,
    last_step: int,
    stop_reason: str,
    notes: Sequence[str] = (),
    cost: Cost | None = None,
) -> MDRunDocument:
    """The small document that ends a run.

    Parameters
    ----------
    run
        The run.
    n_segments
        Segments stored.
    last_step
        Step of the last stored frame.
    stop_reason
        Why the run ended.
    notes
        What was left out of the files on import, and why.
    cost
        What its segments cost; None if unknown.
    """
    own = [SourceReference(uuid=run.run_id, index=index + 1) for index in range(n_segments)]
    return MDRunDocument(
        run_id=run.run_id,
        identity=run.identity,
        protocol=run.protocol,
        analysis=run.analysis,
        n_segments=n_segments,
        n_steps=last_step,
        length_ps=last_step * run.protocol.time_step_fs * 1e-3,
        stop_reason=stop_reason,
        notes=list(notes),
        cost=cost,
        provenance=Provenance(sources=[*own, *run.jobs], potential=run.identity.potential, seed=run.protocol.seed),
    )


def _mean(values: NDArray[np.float64]) -> float | None:
    """None where a frame lacks the value."""
    return fmean(values.tolist()) if np.isfinite(values).all() else None


def _drift(
    steps: NDArray[np.int64], conserved_eV: NDArray[np.float64], time_step_fs: float, n_atoms: int
) -> float | None:
    """Slope of the conserved quantity in meV/atom/ps; None if it was not recorded, or of one frame."""
    if len(steps) < 2 or not np.isfinite(conserved_eV).all():
        return None
    time_ps = steps * time_step_fs * 1e-3
    return float(np.polyfit(time_ps - time_ps[0], conserved_eV - conserved_eV[0], 1)[0] * 1e3) / n_atoms
