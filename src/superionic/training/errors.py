"""Errors of a model on frames, all together and in parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from superionic.documents.fine_tuning import LabelErrorSummary, PartErrors
from superionic.training.frames import TrainingFrame
from superionic.training.predictions import Residual

__all__ = ["error_summary", "part_errors"]

Floats = NDArray[np.float64]


def part_errors(frames: Sequence[TrainingFrame], residuals: Sequence[Residual]) -> PartErrors:
    """Errors on one part of a split.

    Parameters
    ----------
    frames
        Its frames, at least one.
    residuals
        Of each.
    """
    elements = sorted({int(number) for frame in frames for number in frame.graph.numbers})
    return PartErrors(
        all=error_summary(frames, residuals),
        by_element={chemical_symbols[number]: _of_element(frames, residuals, number) for number in elements},
        by_temperature_K=_by(_temperature, frames, residuals),
        by_structure=_by(_structure, frames, residuals),
    )


def error_summary(frames: Sequence[TrainingFrame], residuals: Sequence[Residual]) -> LabelErrorSummary:
    """Errors on all of the frames together."""
    energies = np.array([r.energy_eV / f.n_atoms for f, r in zip(frames, residuals, strict=True)])
    stresses = [r.stress_GPa for r in residuals if r.stress_GPa is not None]
    stress = np.array(stresses) if stresses else None
    differences = np.concatenate([residual.forces_eV_per_A for residual in residuals])
    reference = np.concatenate([frame.forces_eV_per_A for frame in frames])
    return LabelErrorSummary(
        n_frames=len(frames),
        energy_mae_meV_per_atom=1e3 * _mean(energies),
        energy_rmse_meV_per_atom=1e3 * _root_mean_square(energies),
        force_mae_meV_per_A=1e3 * _mean(differences),
        force_rmse_meV_per_A=1e3 * _root_mean_square(differences),
        force_slope=_slope(reference + differences, reference),
        stress_mae_GPa=None if stress is None else _mean(stress),
        stress_rmse_GPa=None if stress is None else _root_mean_square(stress),
    )


def _of_element(frames: Sequence[TrainingFrame], residuals: Sequence[Residual], number: int) -> LabelErrorSummary:
    own = [frame.graph.numbers == number for frame in frames]
    differences = np.concatenate([r.forces_eV_per_A[mine] for r, mine in zip(residuals, own, strict=True)])
    reference = np.concatenate([f.forces_eV_per_A[mine] for f, mine in zip(frames, own, strict=True)])
    return LabelErrorSummary(
        n_frames=sum(bool(mine.any()) for mine in own),
        energy_mae_meV_per_atom=None,
        energy_rmse_meV_per_atom=None,
        force_mae_meV_per_A=1e3 * _mean(differences),
        force_rmse_meV_per_A=1e3 * _root_mean_square(differences),
        force_slope=_slope(reference + differences, reference),
        stress_mae_GPa=None,
        stress_rmse_GPa=None,
    )


def _by(
    name_of: Callable[[TrainingFrame], str], frames: Sequence[TrainingFrame], residuals: Sequence[Residual]
) -> dict[str, LabelErrorSummary]:
    groups: dict[str, tuple[list[TrainingFrame], list[Residual]]] = {}
    for frame, residual in zip(frames, residuals, strict=True):
        members = groups.setdefault(name_of(frame), ([], []))
        members[0].append(frame)
        members[1].append(residual)
    return {name: error_summary(*groups[name]) for name in sorted(groups)}


def _temperature(frame: TrainingFrame) -> str:
    known = frame.origin is not None and frame.origin.temperature_K is not None
    return f"{frame.origin.temperature_K:g}" if frame.origin is not None and known else "unknown"


def _structure(frame: TrainingFrame) -> str:
    return "unknown" if frame.origin is None else frame.origin.structure


def _mean(differences: Floats) -> float:
    return float(np.abs(differences).mean())


def _root_mean_square(differences: Floats) -> float:
    return float(np.sqrt((differences**2).mean()))


def _slope(predicted: Floats, reference: Floats) -> float | None:
    square = float((reference**2).sum())
    return float((predicted * reference).sum()) / square if square > 0 else None
