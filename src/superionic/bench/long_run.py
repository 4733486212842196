"""A long run with the vibrations of a real one.

Short CHGNet MD is played forward and backward on top of a random walk, each coordinate with an amplitude that changes
slowly, so that no compressor finds the same numbers twice.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from superionic.analysis.synthetic import hopping_model, simulate
from superionic.bench.cells import ordered_cell
from superionic.documents import ChgnetSettings, MDProtocol

Floats = NDArray[np.float64]

TEMPERATURE_K = 700.0
TIME_STEP_FS = 2.0
_MD_STEPS = 3000
_MODULATION, _PERIODS = 0.3, 0.7236  # of the amplitudes; radians pass in so many times the way there and back
_HOP_LENGTH_A, _HOP_RATE_PER_PS = 4.0, 0.02


@dataclass(frozen=True)
class LongRun:
    """Frames in files, of which any part can be made.

    Attributes
    ----------
    md_file, walk_file
        Positions of the MD at every step, shape (n_steps, 80, 3), and of the walk of the mobile ions at every frame,
        shape (n_frames, n_mobile, 3), in Å.
    cell_A
        Cell vectors as rows in Å.
    species
        Element of each atom.
    n_frames, stride
        Frames, and steps from one to the next.
    """

    md_file: Path
    walk_file: Path
    cell_A: Floats
    species: list[str]
    n_frames: int
    stride: int

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return len(self.species)

    @property
    def protocol(self) -> MDProtocol:
        """The protocol of such a run, with the package's default length of a segment."""
        return MDProtocol(
            temperature_K=TEMPERATURE_K,
            time_step_fs=TIME_STEP_FS,
            stride=self.stride,
            length_ps=(self.n_frames - 1) * self.stride * TIME_STEP_FS * 1e-3,
        )

    def frames(self, start: int = 0, stop: int | None = None) -> Floats:
        """Positions of frames ``start:stop`` in Å, shape (n, n_atoms, 3)."""
        stop = self.n_frames if stop is None else stop
        md = np.load(self.md_file)[:: self.stride]
        mean = md.mean(axis=0)
        there_and_back = 2 * (len(md) - 1)
        frames = np.arange(start, stop)
        copies = []
        for copy in range(self.n_atoms // md.shape[1]):  # the same cell again, at another moment of the MD
            moment = (frames + copy * there_and_back // 3) % there_and_back
            phases = np.random.default_rng(copy).uniform(0, 2 * np.pi, mean.shape)
            amplitudes = 1 + _MODULATION * np.sin(frames[:, None, None] / (_PERIODS * there_and_back) + phases)
            copies.append(mean + amplitudes * (md[np.minimum(moment, there_and_back - moment)] - mean))
        positions = np.concatenate(copies, axis=1)
        positions[:, np.array(self.species) == "Li"] += np.load(self.walk_file, mmap_mode="r")[start:stop]
        return positions

    def blocks(self, n_frames: int) -> Iterator[Floats]:
        """All frames, `n_frames` at a time."""
        for start in range(0, self.n_frames, n_frames):
            yield self.frames(start, min(start + n_frames, self.n_frames))


def molecular_dynamics(file: Path) -> None:
    """Store the positions of a short NVT run of the benchmark's ordered cell of 80 atoms, at every step."""
    from superionic.dynamics.segment import run_segment
    from superionic.trajectories.codec import FrameReader

    length_ps = _MD_STEPS * TIME_STEP_FS * 1e-3
    protocol = MDProtocol(
        temperature_K=TEMPERATURE_K, length_ps=length_ps, segment_length_ps=length_ps, equilibration_ps=0, stride=1
    )
    with tempfile.TemporaryDirectory() as folder:
        run = run_segment(ordered_cell(80), protocol, ChgnetSettings(), None, "bench", Path(folder))
    positions = FrameReader(run.packed).positions_A()
    rounding = np.random.default_rng(0).uniform(-0.5e-4, 0.5e-4, positions.shape)  # that the codec took off
    np.save(file, positions + rounding)


def long_run(md_file: Path, walk_file: Path, n_atoms: int, n_frames: int, stride: int) -> LongRun:
    """Extend the MD in `md_file` to `n_frames`; the walk goes to `walk_file`."""
    crystal = ordered_cell(80)
    species = [site.specie.symbol for site in crystal] * (n_atoms // 80)
    model = hopping_model(
        np.eye(3) * _HOP_LENGTH_A, [[0, 0, 0]], ["site"], 1.1 * _HOP_LENGTH_A, {("site", "site"): _HOP_RATE_PER_PS}
    )
    interval_ps = stride * TIME_STEP_FS * 1e-3
    walk = simulate(model, species.count("Li"), n_frames, interval_ps, np.random.default_rng(1), vibration_A=0)
    np.save(walk_file, walk.positions_A - walk.positions_A[0])
    cell = np.diag([1.0, 1.0, n_atoms // 80]) @ crystal.lattice.matrix
    return LongRun(md_file, walk_file, cell, species, n_frames, stride)
