"""Frames of a stored run that hold what a potential is trained on: energy, forces, stress."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from superionic.documents import TrajectorySegment
from superionic.errors import InputError
from superionic.trajectories.stitch import open_frames

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LabelledFrame:
    """One frame with its labels.

    Attributes
    ----------
    index
        Number of the frame within the run, from 0.
    step
        Step of the run.
    positions_A
        Unwrapped, as stored (multiples of 1e-4 Å), shape (n_atoms, 3).
    cell_A
        Cell vectors as rows, shape (3, 3).
    energy_eV
        Potential energy; None if it was not recorded.
    forces_eV_per_A
        Shape (n_atoms, 3), of float32's precision.
    stress_eV_per_A3
        In ASE's sign, (1/V) dE/d(strain), shape (3, 3); None if it was not recorded.
    """

    index: int
    step: int
    positions_A: Floats
    cell_A: Floats
    energy_eV: float | None
    forces_eV_per_A: Floats
    stress_eV_per_A3: Floats | None


def labelled_frames(
    segments: Iterable[TrajectorySegment], indices: Collection[int] | None = None
) -> Iterator[LabelledFrame]:
    """The frames that hold forces (``label_stride`` of a protocol or an import), one segment in memory at a time.

    Parameters
    ----------
    segments
        Segments of one run in order, with their frames.
    indices
        Numbers of frames within the run, from 0; all labelled ones if None.

    Raises
    ------
    InputError
        If a frame that was asked for holds no forces.
    StoreError
        If a payload is corrupt.
    """
    missing = set(indices or ())
    first = 0
    for segment in segments:
        reader = open_frames(segment)
        steps, cells, energies = (reader.scalar(name) for name in ("step", "cell_A", "potential_energy_eV"))
        at, forces = reader.some("forces_eV_per_A")
        stressed = dict(zip(*reader.some("stress_eV_per_A3"), strict=True))
        for place, step, force in zip(np.searchsorted(steps, at).tolist(), at.tolist(), forces, strict=True):
            index = first + place
            if indices is not None and index not in missing:
                continue
            missing.discard(index)
            energy = float(energies[place])
            yield LabelledFrame(
                index,
                step,
                reader.positions_A(place, place + 1)[0],
                cells[place],
                energy if np.isfinite(energy) else None,
                force,
                stressed.get(step),
            )
        first += len(reader)
    if missing:
        raise InputError(f"frame {min(missing)} of the run holds no forces: ask for frames that do, or run with more")
