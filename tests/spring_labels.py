"""Frames that an analytic potential has labelled, and potentials that are known to differ from it."""

from dataclasses import dataclass, replace

import numpy as np

from superionic.datasets.frames import LabelledFrames, ReferenceFrame
from superionic.documents import PotentialReference
from superionic.documents.dataset import FrameOrigin, LabelReference
from superionic.potentials.interface import Evaluation

NUMBERS = np.array([3, 3, 17, 17, 17])
CELL = np.diag([5.0, 6.0, 7.0])
TRUTH = LabelReference(potential=PotentialReference(family="springs", model="truth"))


def spring(positions_A, scale=1.0):
    """Springs to the origin, stiffer for Cl."""
    stiffness = np.where(NUMBERS == 3, 0.5, 1.5)[:, None] * scale
    forces = -stiffness * positions_A
    stress = positions_A.T @ (stiffness * positions_A) / np.linalg.det(CELL)
    return float(0.5 * (stiffness * positions_A**2).sum()), forces, stress


@dataclass(frozen=True)
class Springs:
    """A potential with scaled forces, noise, and zeros of energy by element."""

    scale: float = 1.0
    noise_eV_per_A: float = 0.0
    shift_eV: tuple[tuple[int, float], ...] = ()
    with_stress: bool = True

    reference = PotentialReference(family="springs", model="other")

    def session(self, numbers):
        assert np.array_equal(numbers, NUMBERS)
        return self

    def evaluate(self, positions_A, cell_A):
        energy, forces, stress = spring(positions_A, self.scale)
        random = np.random.default_rng(int(abs(positions_A.sum()) * 1e9))
        forces = forces + random.normal(scale=self.noise_eV_per_A, size=forces.shape) if self.noise_eV_per_A else forces
        energy += sum(eV * np.sum(number == NUMBERS) for number, eV in self.shift_eV)
        return Evaluation(energy, forces, stress if self.with_stress else None)


def frames(n_runs=6, n_blocks=3, per_block=4, seed=0, spread_of_runs=0.0, rattle_A=0.3):
    """Labelled frames; `spread_of_runs` makes the amplitude of a run its own."""
    random = np.random.default_rng(seed)
    found = []
    for run in range(n_runs):
        amplitude = rattle_A * np.exp(random.normal(scale=spread_of_runs))
        for index in range(n_blocks * per_block):
            positions = random.normal(scale=amplitude, size=(len(NUMBERS), 3))
            energy, forces, stress = spring(positions)
            origin = FrameOrigin(
                run=f"run {run}", index=index, block=index // per_block, structure="O", temperature_K=700.0 + run
            )
            found.append(ReferenceFrame(NUMBERS, positions, CELL, origin, energy, forces, stress, None, TRUTH, "test"))
    return LabelledFrames(tuple(found))


def without_stress(labelled):
    return LabelledFrames(tuple(replace(frame, stress_eV_per_A3=None) for frame in labelled))
