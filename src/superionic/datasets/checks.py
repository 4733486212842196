"""Who is let into a dataset: every frame passes all checks, or is set aside with its name and the reason.

What can be told of one frame is in `fault_of`, what takes all of them in `admitted`. Units and signs of a whole dataset
show against a model that is known (`superionic.datasets.units`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import units
from ase.data import chemical_symbols
from scipy.spatial import cKDTree

from superionic.datasets.candidates import Candidate
from superionic.datasets.fingerprint import closest_contact, fingerprint, neighbour_distances
from superionic.datasets.frames import Floats, LabelledFrames, ReferenceFrame
from superionic.datasets.references import differences
from superionic.documents.dataset import ExcludedFrame
from superionic.documents.dataset_checks import DatasetChecks
from superionic.errors import InputError

CHANGE_PER_A = 0.5
"""Change of the fingerprint for atoms that all moved by 1 Å at random, of cells of 20 atoms; less in larger ones."""
_LEAST_FOR_MEDIAN = 4
_SAME_ENERGY_EV_PER_ATOM, _SAME_FORCE_EV_PER_A = 1e-3, 0.02


@dataclass(frozen=True, eq=False)
class Admitted:
    """What the checks let in, and what they set aside.

    Attributes
    ----------
    frames
        Frames that passed.
    excluded
        Those that did not, each with the check and the reason.
    notes
        What could not be checked.
    """

    frames: LabelledFrames
    excluded: list[ExcludedFrame]
    notes: list[str]


def admitted(
    candidates: Sequence[Candidate],
    checks: DatasetChecks,
    known: LabelledFrames | None = None,
) -> Admitted:
    """Put frames through all checks that need no model.

    Parameters
    ----------
    candidates
        Frames with what their source says.
    checks
        Thresholds.
    known
        Frames that the dataset has already, which new ones must not repeat.

    Raises
    ------
    InputError
        If labels have several references and that was not asked for: it names where they differ.
    """
    _require_one_reference(candidates, known, checks)
    frames, excluded = [], []
    for candidate in candidates:
        fault = fault_of(candidate, checks)
        if fault is None:
            frames.append(_labelled(candidate))
        else:
            excluded.append(ExcludedFrame(origin=candidate.frame.origin, check=fault[0], reason=fault[1]))
    before = list(known) if known is not None else []
    faults, notes = _energy_outliers([*before, *frames], checks)
    faults |= _repeated([*before, *frames], len(before), checks)
    kept = []
    for number, frame in enumerate(frames, start=len(before)):
        if number in faults:
            excluded.append(ExcludedFrame(origin=frame.origin, check=faults[number][0], reason=faults[number][1]))
        else:
            kept.append(frame)
    return Admitted(LabelledFrames(tuple(kept)), excluded, notes)


def fault_of(candidate: Candidate, checks: DatasetChecks) -> tuple[str, str] | None:
    """The check that a frame does not pass, and the reason; None if it passes all that it can be asked alone."""
    if candidate.problem is not None:
        return "refused by its source", candidate.problem
    return _missing(candidate) or _geometry(candidate, checks) or _labels(candidate, checks)


def _missing(candidate: Candidate) -> tuple[str, str] | None:
    n_atoms = candidate.frame.n_atoms
    if candidate.energy_eV is None:
        return "no energy", "its source holds no energy"
    if candidate.forces_eV_per_A is None:
        return "no forces", "its source holds no forces"
    shapes = (
        ("forces", candidate.forces_eV_per_A, (n_atoms, 3)),
        ("stress", candidate.stress_eV_per_A3, (3, 3)),
        ("magnetic moments", candidate.magnetic_moments_muB, (n_atoms,)),
    )
    for name, values, shape in shapes:
        if values is not None and values.shape != shape:
            return f"incomplete {name}", f"{name} have the shape {values.shape}, {shape} are needed"
    numbers = (candidate.frame.positions_A, candidate.frame.cell_A, np.array(candidate.energy_eV))
    labels = (candidate.forces_eV_per_A, candidate.stress_eV_per_A3, candidate.magnetic_moments_muB)
    if not all(np.isfinite(array).all() for array in (*numbers, *labels) if array is not None):
        return "not finite", "a position or a label is not a number"
    if n_atoms > 1 and not candidate.forces_eV_per_A.any():
        return "no forces", "all forces are exactly zero"
    return None


def _geometry(candidate: Candidate, checks: DatasetChecks) -> tuple[str, str] | None:
    frame = candidate.frame
    if frame.volume_A3 < 1e-3:
        return "no volume", f"the cell has a volume of {frame.volume_A3:g} Å^3"
    pairs = neighbour_distances(frame)
    share, which = closest_contact(frame, pairs)
    if share < checks.min_distance:
        return "atoms too close", f"{which}, {share:.2f} of the sum of their covalent radii: no model has seen that"
    first, _, distance = pairs
    nearest = np.full(frame.n_atoms, np.inf)
    np.minimum.at(nearest, first, distance)
    alone = int(np.argmax(nearest))
    if nearest[alone] > checks.max_neighbour_distance_A:
        symbol = chemical_symbols[frame.numbers[alone]]
        return "isolated atom", f"atom {alone} ({symbol}) has no neighbour within {checks.max_neighbour_distance_A:g} Å"
    return None


def _labels(candidate: Candidate, checks: DatasetChecks) -> tuple[str, str] | None:
    forces, stress = candidate.forces_eV_per_A, candidate.stress_eV_per_A3
    assert forces is not None  # noqa: S101 - `_missing` came before
    sizes = np.linalg.norm(forces, axis=1)
    if sizes.max() > checks.max_force_eV_per_A:
        at = int(np.argmax(sizes))
        return "force maximum", f"{sizes[at]:.3g} eV/Å on atom {at}, more than {checks.max_force_eV_per_A:g}"
    net = float(np.linalg.norm(forces.sum(axis=0))) / len(forces)
    if net > checks.max_net_force_eV_per_A:
        return "net force", f"the forces add up to {net:.3g} eV/Å an atom: some are missing or of other atoms"
    if stress is None:
        return None
    largest, skew = (float(np.abs(part).max()) / units.GPa for part in (stress, stress - stress.T))
    if largest > checks.max_stress_GPa:
        reason = f"a component is {largest:.3g} GPa, more than {checks.max_stress_GPa:g}: is it in another unit?"
        return "stress maximum", reason
    if skew > checks.max_stress_asymmetry_GPa:
        return "asymmetric stress", f"components that must be equal differ by {skew:.3g} GPa"
    return None


def _labelled(candidate: Candidate) -> ReferenceFrame:
    frame, stress = candidate.frame, candidate.stress_eV_per_A3
    assert candidate.energy_eV is not None  # noqa: S101 - `fault_of` came before
    assert candidate.forces_eV_per_A is not None  # noqa: S101
    return ReferenceFrame(
        frame.numbers,
        frame.positions_A,
        frame.cell_A,
        frame.origin,
        candidate.energy_eV,
        candidate.forces_eV_per_A,
        None if stress is None else (stress + stress.T) / 2,
        candidate.magnetic_moments_muB,
        candidate.reference,
    )


def _require_one_reference(
    candidates: Sequence[Candidate], known: LabelledFrames | None, checks: DatasetChecks
) -> None:
    if checks.mixed_references:
        return
    references = [] if known is None else known.references
    for candidate in candidates:
        if candidate.reference not in references:
            references.append(candidate.reference)
    for other in references[1:]:
        if found := differences(references[0], other):
            raise InputError(
                f"labels have different references: {'; '.join(found[:3])}. Their energies cannot be learned together; "
                "keep a dataset of each, or say that they are meant to be mixed (--mixed)"
            )


def _energy_outliers(
    frames: Sequence[ReferenceFrame], checks: DatasetChecks
) -> tuple[dict[int, tuple[str, str]], list[str]]:
    """Frames far from the median of those of the same formula and reference."""
    groups: dict[tuple[str, str], list[int]] = {}
    for number, frame in enumerate(frames):
        groups.setdefault((frame.formula, frame.reference.model_dump_json()), []).append(number)
    faults, few = {}, []
    for (formula, _), members in groups.items():
        if len(members) < _LEAST_FOR_MEDIAN:
            few.append(formula)
            continue
        energies = np.array([frames[number].energy_eV_per_atom for number in members])
        median = float(np.median(energies))
        deviation = 1.4826 * float(np.median(np.abs(energies - median)))
        allowed = max(checks.energy_outlier_eV_per_atom, checks.energy_outlier_deviations * deviation)
        for number, energy in zip(members, energies, strict=True):
            if abs(energy - median) > allowed:
                reason = (
                    f"{energy:.4f} eV/atom, {energy - median:+.4f} from the median of {formula}; "
                    f"{allowed:.3f} is let in; is it of another code, unit or number of atoms?"
                )
                faults[number] = ("energy outlier", reason)
    note = f"energies of {', '.join(sorted(set(few)))} were not compared: fewer than {_LEAST_FOR_MEDIAN} frames"
    return faults, [note] if few else []


def _repeated(frames: Sequence[ReferenceFrame], n_known: int, checks: DatasetChecks) -> dict[int, tuple[str, str]]:
    """Frames that are another one again: the later one if the labels agree, both if they do not."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for number, frame in enumerate(frames):
        groups.setdefault(tuple(np.sort(frame.numbers).tolist()), []).append(number)
    faults: dict[int, tuple[str, str]] = {}
    for members in groups.values():
        prints: Floats = np.array([fingerprint(frames[n], neighbour_distances(frames[n])) for n in members])
        near = cKDTree(prints).query_pairs(CHANGE_PER_A * checks.duplicate_distance_A)
        for one, other in sorted((min(pair), max(pair)) for pair in near):
            first, second = frames[members[one]], frames[members[other]]
            if _same_labels(first, second):
                faults.setdefault(members[other], ("duplicate", f"it is {first.origin.title} again"))
                continue
            for frame, twin in ((one, second), (other, first)):
                reason = f"{twin.origin.title} is the same frame with other labels: one of the two is wrong"
                faults[members[frame]] = ("two labels", reason)
    return {number: fault for number, fault in faults.items() if number >= n_known}


def _same_labels(first: ReferenceFrame, second: ReferenceFrame) -> bool:
    """Sizes of forces are compared, as the frames may be turned and their atoms in another order."""
    energy = abs(first.energy_eV_per_atom - second.energy_eV_per_atom)
    sizes = [np.sort(np.linalg.norm(frame.forces_eV_per_A, axis=1)) for frame in (first, second)]
    return energy < _SAME_ENERGY_EV_PER_ATOM and float(np.abs(sizes[0] - sizes[1]).max()) < _SAME_FORCE_EV_PER_A
