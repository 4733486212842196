"""Relaxed cells of a potential beside those of its reference, and the order of energies of orderings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy import stats

from superionic.documents.relaxation import RelaxationDocument
from superionic.documents.validation import OrderingEnergies, Question, ValidationCheck
from superionic.documents.validation_evidence import RelaxedCell
from superionic.documents.validation_thresholds import ValidationThresholds
from superionic.errors import InputError
from superionic.validation.checks import Accepted


def relaxed_cell(relaxation: RelaxationDocument, cell_relaxed: bool) -> RelaxedCell:
    """What a validation keeps of a relaxation.

    Parameters
    ----------
    relaxation
        The relaxation.
    cell_relaxed
        Whether the cell was relaxed too.

    Raises
    ------
    InputError
        If the relaxation does not say which potential it was made with.
    """
    ordering, lattice = relaxation.ordering, relaxation.ordering.structure.lattice
    if relaxation.provenance.potential is None:
        raise InputError(f"the relaxation of {ordering.label} does not say which potential made it: relax it again")
    return RelaxedCell(
        label=ordering.label,
        formula=ordering.formula,
        cell_relaxed=cell_relaxed,
        potential=relaxation.provenance.potential,
        n_atoms=len(ordering.structure),
        lengths_A=lattice.abc,
        angles_degrees=lattice.angles,
        volume_A3_per_atom=ordering.structure.volume / len(ordering.structure),
        energy_eV_per_atom=relaxation.energy_eV_per_atom,
        pressure_GPa=relaxation.pressure_GPa,
        converged=relaxation.converged,
    )


Pair = tuple[RelaxedCell, RelaxedCell]


def paired(reference: Sequence[RelaxedCell], candidate: Sequence[RelaxedCell], cell_relaxed: bool) -> list[Pair]:
    """Cells of the same ordering: reference and candidate. Atoms alone are relaxed in the reference's relaxed cell.

    So an ordering's energy by the reference is that of its one relaxation in both cases.
    """
    found = {(cell.label, cell.formula, cell.n_atoms): cell for cell in reference if cell.cell_relaxed}
    return [
        (found[key], cell)
        for cell in candidate
        if cell.cell_relaxed == cell_relaxed and (key := (cell.label, cell.formula, cell.n_atoms)) in found
    ]


def cell_checks(pairs: Iterable[Pair], thresholds: ValidationThresholds) -> list[ValidationCheck]:
    """Volume and angles of cells that both have relaxed.

    Parameters
    ----------
    pairs
        Reference and candidate.
    thresholds
        What is accepted.
    """
    checks = []
    for reference, cell in pairs:
        volume = cell.volume_A3_per_atom / reference.volume_A3_per_atom - 1
        angle = max(np.subtract(cell.angles_degrees, reference.angles_degrees), key=abs)
        for question, threshold, value, what in (
            (Question.VOLUME, thresholds.volume, volume, "the relative difference"),
            (Question.ANGLES, thresholds.angle_degrees, float(angle), "the largest difference in degrees"),
        ):
            if threshold is None:
                continue
            accepted = Accepted.within(question, cell.label, threshold, what)
            unconverged = _unconverged(reference, cell)
            checks.append(accepted.undecided(unconverged, value) if unconverged else accepted.exact(value))
    return checks


def _unconverged(reference: RelaxedCell, cell: RelaxedCell) -> str | None:
    names = [name for name, one in (("reference", reference), ("potential", cell)) if not one.converged]
    return f"the relaxation with the {' and the '.join(names)} has not converged: give it more steps" if names else None


def ordering_energies(pairs: Sequence[Pair], cell_relaxed: bool) -> list[OrderingEnergies]:
    """Energies of orderings of one formula, relative to the one that is lowest by the reference.

    Only differences at constant composition are compared: no shift of the zero of energy enters them.
    """
    found = []
    for formula in dict.fromkeys(reference.formula for reference, _ in pairs):
        alike = sorted(
            (pair for pair in pairs if pair[0].formula == formula), key=lambda pair: pair[0].energy_eV_per_atom
        )
        if len(alike) < 2:
            continue
        reference = np.array([pair[0].energy_eV_per_atom for pair in alike]) * 1e3
        candidate = np.array([pair[1].energy_eV_per_atom for pair in alike]) * 1e3
        error = candidate - reference
        tau = float(stats.kendalltau(reference, candidate).statistic)
        found.append(
            OrderingEnergies(
                formula=formula,
                cell_relaxed=cell_relaxed,
                labels=[pair[0].label for pair in alike],
                reference_meV_per_atom=(reference - reference[0]).tolist(),
                potential_meV_per_atom=(candidate - candidate[0]).tolist(),
                kendall_tau=tau if np.isfinite(tau) else None,
                largest_error_meV_per_atom=float(np.ptp(error)),
            )
        )
    return found


def energy_checks(
    energies: Iterable[OrderingEnergies], pairs: Sequence[Pair], thresholds: ValidationThresholds
) -> list[ValidationCheck]:
    """The largest error of a difference of energies of two orderings of one formula."""
    if thresholds.ordering_energy_meV_per_atom is None:
        return []
    checks = []
    for found in energies:
        how = "cells relaxed" if found.cell_relaxed else "in the reference's cells"
        accepted = Accepted.within(
            Question.ORDERING_ENERGY,
            f"{found.formula}, {how}",
            thresholds.ordering_energy_meV_per_atom,
            "the largest error of a difference in meV/atom",
        )
        reasons = [_unconverged(*pair) for pair in pairs if pair[0].formula == found.formula]
        unconverged = next((reason for reason in reasons if reason), None)
        error = found.largest_error_meV_per_atom
        checks.append(accepted.undecided(unconverged, error) if unconverged else accepted.exact(error))
    return checks
