"""A pair style of LAMMPS' own as a potential like any other: energy, forces and stress of a cell."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import units
from ase.data import atomic_numbers
from numpy.typing import ArrayLike, NDArray

from superionic.documents import PotentialReference
from superionic.documents.pair_style import PairStyleSettings, checked_arguments
from superionic.errors import InputError
from superionic.potentials.checks import checked_geometry, checked_numbers
from superionic.potentials.interface import Evaluation, PotentialError
from superionic.potentials.lammps.library import (
    Axes,
    create_atoms,
    per_atom,
    reason_of,
    require_right_handed,
    start_lammps,
)

Floats = NDArray[np.float64]

VOIGT = ((0, 1, 2, 0, 0, 1), (0, 1, 2, 1, 2, 2))
"""xx, yy, zz, xy, xz, yz, as LAMMPS orders the components of a tensor."""
_BAR = 1e-4 * units.GPa
VIRIAL = "compute virial all pressure NULL virial"


def load(settings: PairStyleSettings) -> PairStylePotential:
    """The potential of these settings.

    Raises
    ------
    InputError
        If LAMMPS is not installed, or does not take the pair style; when the first system is evaluated.
    """
    return PairStylePotential(settings)


class PairStylePotential:
    """A superionic.potentials.interface.Potential whose numbers LAMMPS works out."""

    cutoff_A = None  # LAMMPS sees all images
    gives_stress = True

    def __init__(self, settings: PairStyleSettings) -> None:
        self.settings = settings
        self.supported_numbers: frozenset[int] | None = frozenset(
            atomic_numbers[element] for element in settings.elements
        )
        self._sessions: list[PairStyleSession] = []
        library = start_lammps()
        self.reference = _reference(settings, library.version())
        library.close()

    def session(self, numbers: ArrayLike) -> PairStyleSession:
        """Start on one system; as the interface says."""
        checked = checked_numbers(numbers, self.supported_numbers, f"pair_style {self.settings.pair_style}")
        self._sessions.append(PairStyleSession(self.settings, checked))
        return self._sessions[-1]

    def close(self) -> None:
        """Let go of LAMMPS."""
        for session in self._sessions:
            session.close()


class PairStyleSession:
    """One system in a LAMMPS of its own."""

    def __init__(self, settings: PairStyleSettings, numbers: NDArray[np.int64]) -> None:
        self.settings, self.numbers = settings, numbers
        self._library: Any = None

    def evaluate(self, positions_A: ArrayLike, cell_A: ArrayLike) -> Evaluation:
        """Energy, forces and stress; as the interface says."""
        positions, cell = checked_geometry(self.numbers, positions_A, cell_A)
        require_right_handed(cell)
        axes = Axes(cell)
        wrapped = (positions @ np.linalg.inv(cell) % 1.0) @ axes.box
        first = self._library is None
        try:
            self._fill(axes, wrapped)
            self._library.command("run 0 post no")
            energy, stress = self._library.get_thermo("pe"), axes.tensor_back(virial_stress(self._library))
            forces = axes.back(per_atom(self._library, "f"))
        except Exception as error:
            kind = InputError if first else PotentialError
            raise kind(f"LAMMPS, pair_style {self.settings.pair_style}: {reason_of(error)}") from error
        return Evaluation(energy, forces, stress).require_finite(f"pair_style {self.settings.pair_style}")

    def _fill(self, axes: Axes, positions: Floats) -> None:
        """Anew every time: atoms that were elsewhere before would be summed over in another order."""
        if self._library is None:
            self._library = start_lammps()
        self._library.command("clear")
        create_atoms(
            self._library, axes.box, kinds_of(self.settings), self.numbers, positions, np.zeros_like(positions)
        )
        self._library.commands_list(
            [*pair_commands(self.settings), VIRIAL, "thermo_style custom step pe c_virial[1]", "thermo_modify norm no"]
        )

    def close(self) -> None:
        """Let go of LAMMPS."""
        if self._library is not None:
            self._library.close()
            self._library = None


def kinds_of(settings: PairStyleSettings) -> list[int]:
    """Atomic number of LAMMPS' atom type 1, 2, ..."""
    return [atomic_numbers[element] for element in settings.elements]


def pair_commands(settings: PairStyleSettings) -> list[str]:
    """What LAMMPS is told, its arguments looked at once more: settings may have been made without validation."""
    return [
        f"pair_style {checked_arguments(settings.pair_style)}",
        *(f"pair_coeff {checked_arguments(line)}" for line in settings.pair_coeff),
    ]


def virial_stress(library: Any) -> Floats:
    """Stress of the forces alone in eV/Å^3, ASE's sign, LAMMPS' axes, shape (3, 3); from the compute ``VIRIAL``."""
    pressure = np.array(library.numpy.extract_compute("virial", 0, 1))  # global, vector
    stress = np.zeros((3, 3))
    stress[VOIGT] = -pressure * _BAR
    return np.asarray(stress + np.triu(stress, 1).T)


def require_elements(settings: PairStyleSettings, elements: Sequence[str]) -> None:
    """Refuse a cell with an element that the pair style has no atom type of.

    Raises
    ------
    InputError
        If there is one.
    """
    missing = sorted(set(elements) - set(settings.elements))
    if missing:
        raise InputError(f"potential: elements = {settings.elements} lacks {missing[0]}, which the cell holds: add it")


def _reference(settings: PairStyleSettings, version: int) -> PotentialReference:
    """Its commands with the names of their files, and the SHA-256 of the file; of their joined digests if several."""
    files = settings.files()
    digests = [hashlib.sha256(file.expanduser().read_bytes()).hexdigest() for file in files]
    names = {str(file): file.name for file in files}
    lines = [" ".join(names.get(word, word) for word in line.split()) for line in settings.pair_coeff]
    together = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    return PotentialReference(
        family="LAMMPS",
        model=f"{settings.pair_style}; {' '.join(settings.elements)}; {'; '.join(lines)}",
        sha256=together if digests else None,
        package_version=str(version),
    )
