"""Errors of a potential's labels on frames that its reference has labelled."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from ase import units
from ase.data import chemical_symbols
from numpy.typing import NDArray

from superionic.datasets.frames import LabelledFrames, ReferenceFrame
from superionic.documents.parity import ForceErrors, LabelErrors, ParityDocument, ParityScatter
from superionic.documents.provenance import Provenance
from superionic.errors import InputError
from superionic.potentials.interface import Evaluation, Potential
from superionic.validation.ratios import grouped_ratio, normal_estimate, positive_estimate

Floats = NDArray[np.float64]

LEAST_GROUPS = 5
"""Runs, blocks or frames that an error of an error is taken from."""
_SCATTER_FORCES = 2000
_VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


def parity(frames: LabelledFrames, potential: Potential, of: str) -> ParityDocument:
    """Label frames with a potential and compare.

    Parameters
    ----------
    frames
        Frames with the reference's labels.
    potential
        What is judged.
    of
        Which frames these are, in words.

    Raises
    ------
    InputError
        If there is no frame, or the potential does not know an element.
    SimulationError
        If the potential has no answer for one of the frames.
    """
    if not len(frames):
        raise InputError(f"{of}: there is no labelled frame to compare with")
    return compared(frames, evaluated(frames, potential), of, potential)


def evaluated(frames: LabelledFrames, potential: Potential) -> list[Evaluation]:
    """What a potential says of each frame; frames of the same atoms share a session."""
    sessions, found = {}, []
    for frame in frames:
        key = frame.numbers.tobytes()
        if key not in sessions:
            sessions[key] = potential.session(frame.numbers)
        found.append(sessions[key].evaluate(frame.positions_A, frame.cell_A))
    return found


def compared(
    frames: LabelledFrames, evaluations: Sequence[Evaluation], of: str, potential: Potential
) -> ParityDocument:
    """Errors of evaluations against labels; see `parity`."""
    by, groups = independent_groups(frames)
    n_atoms = np.array([frame.n_atoms for frame in frames], dtype=float)
    reference = np.array([frame.energy_eV for frame in frames])
    predicted = np.array([evaluation.energy_eV for evaluation in evaluations])
    shift = element_shift(frames, predicted - reference)
    shifted = predicted - _counts(frames, list(shift)) @ np.array(list(shift.values()))
    forces = _Components.of_forces(frames, evaluations, groups)
    origins = [frame.origin for frame in frames]
    stress, notes = _stress(frames, evaluations, groups)
    return ParityDocument(
        potential=potential.reference,
        references=[reference.potential for reference in frames.references],
        frames=of,
        n_frames=len(frames),
        elements=sorted({chemical_symbols[number] for number in frames.elements}),
        structures=sorted({origin.structure for origin in origins}),
        temperatures_K=sorted({o.temperature_K for o in origins if o.temperature_K is not None}),
        resampled_by=by,
        n_resampled=len(set(groups)),
        energy_meV_per_atom=_errors((predicted - reference) / n_atoms * 1e3, groups),
        shifted_energy_meV_per_atom=_errors((shifted - reference) / n_atoms * 1e3, groups),
        shift_eV={chemical_symbols[number]: float(value) for number, value in shift.items()},
        force_meV_per_A=forces.errors(),
        force_by_element_meV_per_A={
            chemical_symbols[number]: forces.of_element(number).errors() for number in sorted(frames.elements)
        },
        stress_GPa=stress,
        scatter=_scatter(reference / n_atoms, shifted / n_atoms, forces),
        notes=notes,
        provenance=Provenance(potential=potential.reference),
    )


def independent_groups(frames: LabelledFrames) -> tuple[Literal["run", "block", "frame"], list[Hashable]]:
    """What is taken to be independent of each other: runs if there are enough, else blocks of runs, else frames."""
    origins = [frame.origin for frame in frames]
    runs: list[Hashable] = [origin.run for origin in origins]
    blocks: list[Hashable] = [(origin.run, origin.block) for origin in origins]
    if len(set(runs)) >= LEAST_GROUPS:
        return "run", runs
    if len(set(blocks)) >= LEAST_GROUPS:
        return "block", blocks
    return "frame", list(range(len(frames)))


def element_shift(frames: LabelledFrames, difference_eV: Floats) -> dict[int, float]:
    """Constant by atomic number that makes energies agree best, in eV.

    Two functionals put the zero of energy elsewhere for every element; no force and no energy of a reaction that keeps
    its atoms knows of it. Least squares on the differences per atom, the solution of minimum norm: frames of one
    composition tell one number only, and it is shared out.

    Parameters
    ----------
    frames
        Frames, for their compositions.
    difference_eV
        Energy by the potential less that by the reference, of each frame, shape (n_frames,).
    """
    numbers = sorted(frames.elements)
    counts = _counts(frames, numbers)
    per_atom = counts.sum(axis=1)
    solution = np.linalg.lstsq(counts / per_atom[:, None], difference_eV / per_atom, rcond=1e-9)[0]
    return dict(zip(numbers, solution.tolist(), strict=True))


def _counts(frames: LabelledFrames, numbers: Sequence[int]) -> Floats:
    return np.array([[np.sum(frame.numbers == number) for number in numbers] for frame in frames], dtype=float)


def _errors(difference: Floats, groups: Sequence[Hashable]) -> LabelErrors:
    ones = np.ones_like(difference)
    absolute, error, n = grouped_ratio(np.abs(difference), ones, groups)
    square, square_error, _ = grouped_ratio(difference**2, ones, groups)
    root = float(np.sqrt(square))
    return LabelErrors(
        n_values=len(difference),
        mean_absolute=positive_estimate(absolute, error, n),
        root_mean_square=positive_estimate(root, square_error / (2 * root) if root > 0 else 0.0, n),
    )


@dataclass(frozen=True)
class _Components:
    """Components of forces on atoms, one row an atom: atomic numbers, reference, predicted, and group of its frame."""

    numbers: NDArray[np.int64]
    reference: Floats
    predicted: Floats
    groups: list[Hashable]

    @classmethod
    def of_forces(
        cls, frames: LabelledFrames, evaluations: Sequence[Evaluation], groups: Sequence[Hashable]
    ) -> _Components:
        return cls(
            np.concatenate([frame.numbers for frame in frames]),
            np.concatenate([frame.forces_eV_per_A for frame in frames]),
            np.concatenate([evaluation.forces_eV_per_A for evaluation in evaluations]),
            [group for frame, group in zip(frames, groups, strict=True) for _ in range(frame.n_atoms)],
        )

    def of_element(self, number: int) -> _Components:
        own = self.numbers == number
        groups = [group for group, mine in zip(self.groups, own, strict=True) if mine]
        return _Components(self.numbers[own], self.reference[own], self.predicted[own], groups)

    def errors(self) -> ForceErrors:
        groups = [group for group in self.groups for _ in range(3)]
        errors = _errors((self.predicted - self.reference).ravel() * 1e3, groups)
        products = (self.predicted * self.reference).sum(axis=1)
        squares = (self.reference**2).sum(axis=1)
        slope = normal_estimate(*grouped_ratio(products, squares, self.groups)) if squares.any() else None
        return ForceErrors(**errors.model_dump(), slope=slope)


def _stress(
    frames: LabelledFrames, evaluations: Sequence[Evaluation], groups: Sequence[Hashable]
) -> tuple[LabelErrors | None, list[str]]:
    both = [
        (frame, evaluation, group)
        for frame, evaluation, group in zip(frames, evaluations, groups, strict=True)
        if frame.stress_eV_per_A3 is not None and evaluation.stress_eV_per_A3 is not None
    ]
    left_out = len(frames) - len(both)
    notes = [f"{left_out} of {len(frames)} frames have no stress to compare"] if left_out else []
    if not both:
        return None, notes
    difference = np.array([_voigt_difference(frame, evaluation) for frame, evaluation, _ in both]).ravel() / units.GPa
    return _errors(difference, [group for *_, group in both for _ in _VOIGT]), notes


def _voigt_difference(frame: ReferenceFrame, evaluation: Evaluation) -> list[float]:
    assert frame.stress_eV_per_A3 is not None  # noqa: S101 - those without are left out
    difference = evaluation.require_stress() - frame.stress_eV_per_A3
    return [float(difference[place]) for place in _VOIGT]


def _scatter(reference: Floats, predicted: Floats, forces: _Components) -> ParityScatter:
    """Energies of all frames, and components of forces evenly drawn from all atoms."""
    size = forces.reference.size
    drawn = np.unique(np.linspace(0, size - 1, min(size, _SCATTER_FORCES)).astype(int))
    return ParityScatter(
        frame=list(range(len(reference))),
        reference_energy_eV_per_atom=_rounded(reference, 6),
        energy_eV_per_atom=_rounded(predicted, 6),
        reference_force_eV_per_A=_rounded(forces.reference.ravel()[drawn], 5),
        force_eV_per_A=_rounded(forces.predicted.ravel()[drawn], 5),
    )


def _rounded(values: Floats, digits: int) -> list[float]:
    return [float(value) for value in np.round(values, digits)]
