"""Units and signs of labels: what they are multiplied by, and how a wrong one shows against a model that is known.

Every general-purpose model follows real forces, stresses and energy differences within tens of per cent; any other unit
or sign is off by a factor of 10 to a million, or by its sign. The slope of the labels on the model's own numbers, both
around their means, tells which. (33 PBEsol labels on CHGNet 0.3.0: 1.17 of forces, 1.16 of energies, 1.02 of stresses.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from ase import units
from ase.data import chemical_symbols

from superionic.datasets.candidates import Candidate
from superionic.datasets.frames import Floats, LabelledFrames, ReferenceFrame
from superionic.documents.dataset_checks import DatasetChecks
from superionic.errors import InputError
from superionic.potentials.checks import named
from superionic.potentials.interface import Evaluation, Potential

ENERGY_UNITS_EV = {
    "eV": 1.0, "Hartree": units.Hartree, "Ry": units.Rydberg, "kcal/mol": units.kcal / units.mol,
    "kJ/mol": units.kJ / units.mol,
}  # fmt: skip
FORCE_UNITS_EV_PER_A = {
    "eV/A": 1.0, "Hartree/Bohr": units.Hartree / units.Bohr, "Ry/Bohr": units.Rydberg / units.Bohr,
    "Hartree/A": units.Hartree, "kcal/mol/A": units.kcal / units.mol,
}  # fmt: skip
STRESS_UNITS_EV_PER_A3 = {
    "eV/A3": 1.0, "GPa": units.GPa, "kB": 0.1 * units.GPa, "bar": 1e-4 * units.GPa,
    "Hartree/Bohr3": units.Hartree / units.Bohr**3,
}  # fmt: skip
_LEAST_SPREAD_GPA, _LEAST_SPREAD_EV = 0.05, 0.05
_LEAST_FRAMES = 4


@dataclass(frozen=True)
class LabelUnits:
    """Units of labels that come from outside.

    Attributes
    ----------
    energy, forces, stress
        Names in the tables of this file.
    per_atom
        Whether energies are over the number of atoms.
    compression_is_positive
        Whether a compressed cell has a positive stress, as in VASP and CP2K, against ASE's sign.
    """

    energy: str = "eV"
    forces: str = "eV/A"
    stress: str = "eV/A3"
    per_atom: bool = False
    compression_is_positive: bool = False

    @classmethod
    def named(cls, energy: str, forces: str, stress: str, per_atom: bool, compression_is_positive: bool) -> LabelUnits:
        """Units by their names.

        Raises
        ------
        InputError
            If a name is unknown.
        """
        tables = (
            ("energy", energy, ENERGY_UNITS_EV),
            ("force", forces, FORCE_UNITS_EV_PER_A),
            ("stress", stress, STRESS_UNITS_EV_PER_A3),
        )
        for what, name, known in tables:
            if name not in known:
                raise InputError(f"unit of {what} {name!r} is unknown: choose one of {', '.join(known)}")
        return cls(energy, forces, stress, per_atom, compression_is_positive)

    def converted(self, candidate: Candidate) -> Candidate:
        """A frame with labels in these units, in those of this package."""
        factor = ENERGY_UNITS_EV[self.energy] * (candidate.frame.n_atoms if self.per_atom else 1)
        sign = -1.0 if self.compression_is_positive else 1.0
        energy, forces, stress = candidate.energy_eV, candidate.forces_eV_per_A, candidate.stress_eV_per_A3
        return replace(
            candidate,
            energy_eV=None if energy is None else energy * factor,
            forces_eV_per_A=None if forces is None else forces * FORCE_UNITS_EV_PER_A[self.forces],
            stress_eV_per_A3=None if stress is None else stress * (sign * STRESS_UNITS_EV_PER_A3[self.stress]),
        )


def require_units(frames: LabelledFrames, model: Potential, checks: DatasetChecks, n_sample: int = 24) -> list[str]:
    """Refuse labels in other units or with another sign, by what they are against a model.

    Parameters
    ----------
    frames
        Frames that passed the other checks.
    model
        A general-purpose potential.
    checks
        How far labels may be from it.
    n_sample
        Frames that are compared, evenly through the dataset.

    Returns
    -------
    list of str
        What could not be told.

    Raises
    ------
    InputError
        An element that the model has never seen, or a factor that no difference of two models explains: it names the
        unit or sign that would.
    """
    _require_known_elements(frames, model)
    notes = []
    for reference in frames.references:
        alike = [frame for frame in frames if frame.reference == reference]
        notes += _require_units_of(alike, model, checks, n_sample)
    return notes


def _require_units_of(
    frames: Sequence[ReferenceFrame], model: Potential, checks: DatasetChecks, n_sample: int
) -> list[str]:
    """The same for frames of one reference; forces and energies of one composition compare."""
    counts = Counter((frame.formula, frame.n_atoms) for frame in frames)
    common = counts.most_common(1)[0][0]
    alike = [frame for frame in frames if (frame.formula, frame.n_atoms) == common]
    if len(alike) < _LEAST_FRAMES:
        return [f"units were not checked: fewer than {_LEAST_FRAMES} frames of one cell"]
    sample = [alike[n] for n in np.unique(np.linspace(0, len(alike) - 1, n_sample).astype(int))]
    session = None
    found = []
    for frame in sample:
        if session is None or not np.array_equal(session[0], frame.numbers):
            session = (frame.numbers, model.session(frame.numbers))
        found.append(session[1].evaluate(frame.positions_A, frame.cell_A))
    who = named(model)
    force = _force_slope(sample, found, checks, who)
    return [*_energies(sample, found, force, checks, who), *_stresses(sample, found, checks, who)]


def _require_known_elements(frames: LabelledFrames, model: Potential) -> None:
    known = model.supported_numbers
    unknown = sorted(frames.elements - known) if known is not None else []
    if unknown:
        raise InputError(
            f"element {chemical_symbols[unknown[0]]} is unknown to {named(model)}: choose another base model, or leave "
            "its frames out"
        )


def _force_slope(
    sample: Sequence[ReferenceFrame], found: Sequence[Evaluation], checks: DatasetChecks, who: str
) -> float:
    labels = np.concatenate([frame.forces_eV_per_A.ravel() for frame in sample])
    model = np.concatenate([evaluation.forces_eV_per_A.ravel() for evaluation in found])
    slope, correlation = _slope(labels, model)
    if abs(correlation) < checks.min_correlation:
        raise InputError(
            f"forces do not follow those of {who} (correlation {correlation:.2f}): are they of atoms in another order, "
            "or of other frames?"
        )
    _require_near_one("forces", slope, checks, who, {name: 1 / f for name, f in FORCE_UNITS_EV_PER_A.items()})
    return slope


def _energies(
    sample: Sequence[ReferenceFrame],
    found: Sequence[Evaluation],
    force_slope: float,
    checks: DatasetChecks,
    who: str,
) -> list[str]:
    labels = np.array([frame.energy_eV for frame in sample])
    model = np.array([evaluation.energy_eV for evaluation in found])
    if model.std() < _LEAST_SPREAD_EV:
        return ["the unit of energies was not checked: the frames differ too little in energy"]
    slope, _ = _slope(labels, model)
    n_atoms = sample[0].n_atoms
    factors = {name: 1 / factor for name, factor in ENERGY_UNITS_EV.items()}
    factors |= {f"{name} per atom": 1 / factor / n_atoms for name, factor in ENERGY_UNITS_EV.items()}
    # a model that is too soft is so in energies and forces alike
    _require_near_one("energies", slope / force_slope, checks, who, factors)
    return []


def _stresses(
    sample: Sequence[ReferenceFrame], found: Sequence[Evaluation], checks: DatasetChecks, who: str
) -> list[str]:
    pairs = [
        (frame.stress_eV_per_A3, evaluation.stress_eV_per_A3)
        for frame, evaluation in zip(sample, found, strict=True)
        if frame.stress_eV_per_A3 is not None and evaluation.stress_eV_per_A3 is not None
    ]
    if len(pairs) < _LEAST_FRAMES:
        return [f"the unit of stresses was not checked: fewer than {_LEAST_FRAMES} frames have one"]
    labels, model = (np.array([pair[side] for pair in pairs]) for side in (0, 1))
    labels, model = labels - labels.mean(axis=0), model - model.mean(axis=0)
    if model.std() < _LEAST_SPREAD_GPA * units.GPa:
        return ["the unit of stresses was not checked: the frames differ too little in stress"]
    slope, correlation = _slope(labels.ravel(), model.ravel())
    if abs(correlation) < checks.min_correlation:
        raise InputError(
            f"stresses do not follow those of {who} (correlation {correlation:.2f}): are their components in another "
            "order (ASE: xx, yy, zz, yz, xz, xy), or are they of other frames?"
        )
    factors = {name: 1 / factor for name, factor in STRESS_UNITS_EV_PER_A3.items()}
    factors |= {"eV, a virial not divided by the volume": sample[0].volume_A3}
    _require_near_one("stresses", slope, checks, who, factors)
    return []


def _slope(labels: Floats, model: Floats) -> tuple[float, float]:
    """Slope of labels on the model's numbers, and their correlation, both around their means."""
    one, other = labels - labels.mean(), model - model.mean()
    return float(one @ other / (other @ other)), float(one @ other / np.sqrt((one @ one) * (other @ other)))


def _require_near_one(what: str, slope: float, checks: DatasetChecks, who: str, factors: dict[str, float]) -> None:
    if 1 / checks.unit_factor < slope < checks.unit_factor:
        return
    nearest = min(factors, key=lambda name: abs(np.log(abs(slope) / factors[name])))
    guess = "" if nearest in {"eV", "eV/A", "eV/A3"} else f" in {nearest}"
    if slope < 0:
        guess += " and" * bool(guess) + " of the opposite sign"
    raise InputError(
        f"{what} are {slope:.3g} times those of {who}, as if they were{guess}: import them with their own unit"
    )
