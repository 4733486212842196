"""A chain of foreign frames as stored segments, one at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from superionic.documents import (
    LENGTH_REACHED,
    AnalysisSettings,
    HostDocument,
    MDRunDocument,
    RecordedProtocol,
    RunIdentity,
    TrajectorySegment,
)
from superionic.errors import InputError
from superionic.trajectories.chain import BLOCK_FRAMES, Block, Chain
from superionic.trajectories.codec import FrameWriter, pack
from superionic.trajectories.following import ChainState
from superionic.trajectories.segments import RunRecord, write_segment, write_summary

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
        first = state.n_frames
        n_atoms = len(self.chain.sources[0].species)
        with tempfile.TemporaryDirectory(prefix="superionic-import-") as folder:
            writer = FrameWriter(
                Path(folder) / "frames", n_atoms, chunks_at_once=max(1, _ATOM_CHUNKS_AT_ONCE // n_atoms)
            )
            for block in self.chain.blocks(state, self.frames_per_segment):
                self._write(block, writer, state.n_frames - len(block.frames))
            writer.close()
            if state.n_frames == first:
                return None
            packed = pack(Path(folder) / "frames")
        return write_segment(self._record(run_id), number, number + 1, packed)

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
        notes = [*(note for source in self.chain.sources for note in source.notes), *state.notes]
        n_steps = (state.n_frames - 1) * self.protocol.stride
        return write_summary(self._record(run_id), n_segments, n_steps, LENGTH_REACHED, notes)

    def _write(self, block: Block, writer: FrameWriter, first: int) -> None:
        for offset, (positions, cell, frame) in enumerate(
            zip(block.positions_A, block.cells_A, block.frames, strict=True)
        ):
            writer.append(
                (first + offset) * self.protocol.stride,
                positions,
                cell,
                forces_eV_per_A=frame.forces_eV_per_A,
                stress_eV_per_A3=frame.stress_eV_per_A3,
                potential_energy_eV=frame.potential_energy_eV,
                conserved_energy_eV=frame.conserved_energy_eV,
                temperature_K=frame.temperature_K,
            )

    def _record(self, run_id: str) -> RunRecord:
        sources = self.chain.sources
        jobs = [source.job for source in sources if source.job is not None]
        return RunRecord(
            run_id,
            self.identity,
            self.protocol,
            self.analysis,
            sources[0].species,
            host_crystal=self.host_crystal,
            jobs=jobs,
        )


def frames_per_segment(n_atoms: int) -> int:
    """Frames of a full segment, so that its memory does not depend on the number of atoms."""
    return max(1, round(ATOM_FRAMES / n_atoms / BLOCK_FRAMES)) * BLOCK_FRAMES
