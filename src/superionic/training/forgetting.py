"""How much a fine-tuned potential forgets of the rest of chemistry, and frames that hold it."""

from __future__ import annotations

import numpy as np

from superionic.potentials.chgnet.evaluator import ChgnetPotential
from superionic.potentials.interface import Potential
from superionic.training.foreign import HELD_OUT, REPLAYED, foreign_cell, held_out_forces
from superionic.training.frames import TrainingFrame, training_frame

__all__ = ["foreign_force_error", "replay_frames"]


def foreign_force_error(potential: Potential) -> float:
    """Mean absolute error of force components on the held-out foreign crystals in meV/Å, each crystal counted alike.

    Parameters
    ----------
    potential
        Any potential that knows their elements.
    """
    found = []
    for formula in HELD_OUT:
        atoms = foreign_cell(formula)
        forces = potential.session(atoms.numbers).evaluate(atoms.positions, atoms.cell.array).forces_eV_per_A
        found.append(np.abs(forces - held_out_forces()[formula]).mean())
    return 1e3 * float(np.mean(found))


def replay_frames(base: ChgnetPotential, n_frames: int) -> list[TrainingFrame]:
    """Foreign crystals as the base model sees them, to be learned beside a dataset.

    Parameters
    ----------
    base
        The base model, which labels them.
    n_frames
        How many; the crystals are taken in turn.
    """
    names, frames = list(REPLAYED), []
    for number in range(n_frames):
        atoms = foreign_cell(names[number % len(names)], number // len(names))
        label = base.session(atoms.numbers).evaluate(atoms.positions, atoms.cell.array)
        frames.append(
            training_frame(
                atoms.numbers,
                atoms.positions,
                atoms.cell.array,
                energy_eV=label.energy_eV,
                forces_eV_per_A=label.forces_eV_per_A,
                stress_eV_per_A3=label.require_stress(),
                cutoff_A=base.cutoff_A,
                bond_cutoff_A=base.bond_cutoff_A,
            )
        )
    return frames
