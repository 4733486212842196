"""A chain of foreign frames as stored segments, one at a time."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from superionic.documents import (
    AnalysisSettings,
    HostDocument,
    MDRunDocument,
    Provenance,
    RecordedProtocol,
    RunIdentity,
    SourceReference,
    TrajectorySegment,
)
from superionic.errors import InputError
from superionic.trajectories.chain import BLOCK_FRAMES, Block, Chain
from superionic.trajectories.codec import FrameWriter, pack
from superionic.trajectories.following import ChainState

ATOM_FRAMES = 2_000_000
"""Atoms times frames of a full segment: some 10 MB when stored, some 100 MB of memory while it is made."""
_ATOM_CHUNKS_AT_ONCE = 200  # atoms times chunks that are written together: some 10 MB


@dataclass(frozen=True)
class ImportedRun:
    """A run in foreign files, with all that its stored documents say of it.

    Attributes
    ----------
    chain
        Its parts.
    identity, protocol
        What the run is.
    host_crystal
        The host, None if it is not known.
    frames_per_segment
        Frames of a full segment, a multiple of ``BLOCK_FRAMES``.
    analysis
        How it is to be analysed.
    """

    chain: Chain
    identity: RunIdentity
    protocol: RecordedProtocol
    host_crystal: HostDocument | None
    frames_per_segment: int
    analysis: AnalysisSettings

    def segments(self, run_id: str) -> Iterator[TrajectorySegment | MDRunDocument]:
        """All segments, then the summary; one segment is in memory at a time."""
        state, number = ChainState(), 0
        while (segment := self.segment(run_id, number, state)) is not None:
            yield segment
            number += 1
        yield self.summary(run_id, number, state)

    def segment(self, run_id: str, number: int, state: ChainState) -> TrajectorySegment | None:
        """The next segment, None if there are no more frames; `state` moves to where the next one starts."""
        first, values = state.n_frames, _Means()
        n_atoms = len(self.chain.sources[0].species)
        with tempfile.TemporaryDirectory(prefix="superionic-import-") as folder:
            writer = FrameWriter(
                Path(folder) / "frames", n_atoms, chunks_at_once=max(1, _ATOM_CHUNKS_AT_ONCE // n_atoms)
            )
            for block in self.chain.blocks(state, self.frames_per_segment):
                self._write(block, writer, state.n_frames - len(block.frames))
                values.add(block)
            writer.close()
            if state.n_frames == first:
                return None
            packed = pack(Path(folder) / "frames")
        stride = self.protocol.stride
        return TrajectorySegment(
            run_id=run_id,
            segment=number,
            n_segments=number + 1,
            first_step=max(first - 1, 0) * stride,
            last_step=max(state.n_frames - 1, 1) * stride,
            n_frames=state.n_frames - first,
            n_atoms=n_atoms,
            species=self.chain.sources[0].species,
            site_labels=None,
            host_crystal=self.host_crystal if number == 0 else None,
            identity=self.identity,
            protocol=self.protocol,
            analysis=self.analysis,
            mean_temperature_K=values.mean("temperature_K"),
            mean_potential_energy_eV_per_atom=values.mean("potential_energy_eV", n_atoms),
            conserved_drift_meV_per_atom_per_ps=values.drift_meV(n_atoms, self.protocol.frame_interval_ps),
            ns_per_day=None,
            end_state=None,
            sha256=hashlib.sha256(packed).hexdigest(),
            n_bytes=len(packed),
            payload=base64.b64encode(packed).decode(),
            provenance=self._provenance([]),
        )

    def summary(self, run_id: str, n_segments: int, state: ChainState) -> MDRunDocument:
        """The end of the run.

        Raises
        ------
        InputError
            If it has fewer than two frames.
        """
        if state.n_frames < 2:
            name = self.chain.sources[0].name
            raise InputError(f"{name} holds {state.n_frames} frame(s) of a run: at least two are needed")
        n_steps = (state.n_frames - 1) * self.protocol.stride
        return MDRunDocument(
            run_id=run_id,
            identity=self.identity,
            protocol=self.protocol,
            analysis=self.analysis,
            n_segments=n_segments,
            n_steps=n_steps,
            length_ps=n_steps * self.protocol.time_step_fs * 1e-3,
            stop_reason="length reached",
            notes=state.notes,
            provenance=self._provenance([SourceReference(uuid=run_id, index=n + 1) for n in range(n_segments)]),
        )

    def _write(self, block: Block, writer: FrameWriter, first: int) -> None:
        for offset, (positions, cell, frame) in enumerate(
            zip(block.positions_A, block.cells_A, block.frames, strict=True)
        ):
            writer.append(
                (first + offset) * self.protocol.stride,
                positions,
                cell,
                potential_energy_eV=frame.potential_energy_eV,
                conserved_energy_eV=frame.conserved_energy_eV,
                temperature_K=frame.temperature_K,
            )

    def _provenance(self, own: list[SourceReference]) -> Provenance:
        jobs = [source.job for source in self.chain.sources if source.job is not None]
        return Provenance(sources=[*own, *jobs], potential=self.identity.potential)


class _Means:
    """Means and drift of the values of one segment's frames; None where a frame lacks one."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {
            "temperature_K": [], "potential_energy_eV": [], "conserved_energy_eV": []
        }  # fmt: skip

    def add(self, block: Block) -> None:
        for name, values in self._values.items():
            values.extend(getattr(frame, name) for frame in block.frames)

    def mean(self, name: str, divisor: int = 1) -> float | None:
        value = float(np.mean(self._values[name])) / divisor
        return value if np.isfinite(value) else None

    def drift_meV(self, n_atoms: int, frame_interval_ps: float) -> float | None:
        energies = np.array(self._values["conserved_energy_eV"])
        if len(energies) < 2 or not np.isfinite(energies).all():
            return None
        slope = np.polyfit(np.arange(len(energies)) * frame_interval_ps, energies, 1)[0]
        return float(slope) * 1e3 / n_atoms


def frames_per_segment(n_atoms: int) -> int:
    """Frames of a full segment, so that its memory does not depend on the number of atoms."""
    return max(1, round(ATOM_FRAMES / n_atoms / BLOCK_FRAMES)) * BLOCK_FRAMES
