"""Frames that molecular dynamics does not visit: strained cells, and the way down to a relaxed structure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from superionic.datasets.frames import BareFrame
from superionic.datasets.selection import renamed, wrapped
from superionic.documents.selection import SelectionSettings
from superionic.errors import InputError
from superionic.potentials.interface import Potential

_MAX_FORCE_EV_PER_A = 0.05
_MAX_STEPS = 200


def varied(frames: Sequence[BareFrame], settings: SelectionSettings, potential: Potential | None) -> list[BareFrame]:
    """Chosen frames strained, and relaxed step by step; they stay in the block of the frame that they come from.

    Parameters
    ----------
    frames
        Chosen frames.
    settings
        How many of them, and by how much.
    potential
        Relaxes; None if nothing is to be relaxed.

    Raises
    ------
    InputError
        If more are asked for than there are frames, or nothing relaxes them.
    """
    for field, count in (("n_strained", settings.n_strained), ("n_relaxed", settings.n_relaxed)):
        if count > len(frames):
            raise InputError(f"dataset.{field} = {count}: {len(frames)} frames were chosen: ask for fewer")
    if settings.n_relaxed and potential is None:
        raise InputError("dataset.n_relaxed needs a potential to relax with: give `potential`")
    generator = np.random.default_rng(settings.seed)
    some = [frames[n] for n in generator.permutation(len(frames))[: settings.n_strained]]
    found = [strained(frame, settings.strain, generator) for frame in some]
    for number in generator.permutation(len(frames))[: settings.n_relaxed]:
        assert potential is not None  # noqa: S101 - for the type checker
        found += relaxation_frames(frames[number], potential, settings.frames_per_relaxation)
    return found


def strained(frame: BareFrame, size: float, generator: Generator) -> BareFrame:
    """The frame in a cell with a random symmetric strain, the atoms moved with it."""
    strain = generator.normal(0.0, size, (3, 3))
    deformation = np.eye(3) + (strain + strain.T) / 2
    return renamed(
        replace(frame, positions_A=frame.positions_A @ deformation, cell_A=frame.cell_A @ deformation),
        sampling="strained cell",
        name=f"{frame.origin.title}, strained",
    )


def relaxation_frames(frame: BareFrame, potential: Potential, n_frames: int) -> list[BareFrame]:
    """Frames of a relaxation of positions, evenly up to the last one, which is the relaxed structure."""
    from ase import Atoms
    from ase.optimize import FIRE

    from superionic.potentials.calculator import PotentialCalculator

    atoms = Atoms(frame.numbers, positions=frame.positions_A, cell=frame.cell_A, pbc=True)
    atoms.calc = PotentialCalculator(potential)
    path = []
    optimiser = FIRE(atoms, logfile=None)
    optimiser.attach(lambda: path.append(atoms.positions.copy()))
    optimiser.run(fmax=_MAX_FORCE_EV_PER_A, steps=_MAX_STEPS)
    steps = np.unique(np.linspace(0, len(path) - 1, n_frames + 1).round().astype(int))[1:]  # the first is the frame
    return [
        renamed(
            replace(frame, positions_A=wrapped(path[step], frame.cell_A)),
            sampling="relaxation",
            sampled_with=f"{potential.reference.family} {potential.reference.model}",
            name=f"{frame.origin.title}, relaxed for {step} steps",
        )
        for step in steps.tolist()
    ]
