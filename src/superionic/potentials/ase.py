"""Any ASE calculator as a potential."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import FileIOCalculator
from ase.stress import voigt_6_to_full_3x3_stress
from numpy.typing import ArrayLike
from pymatgen.optimization.neighbors import find_points_in_spheres

from superionic.documents import AseSettings, PotentialReference
from superionic.errors import InputError
from superionic.potentials.checks import FloatArray, IntArray, checked_geometry, checked_numbers, named, refuse_isolated
from superionic.potentials.installed import calculator_factory
from superionic.potentials.interface import Evaluation

__all__ = ["AsePotential", "AseSession", "load", "sha256_of"]


def load(settings: AseSettings) -> AsePotential:
    """The calculator that the settings name.

    Raises
    ------
    InputError
        It is not installed, is no calculator, or does not take its arguments.
    """
    factory, provider = calculator_factory(settings.calculator)
    arguments = ", ".join(f"{key}={value!r}" for key, value in settings.kwargs.items())
    model = f"{settings.calculator}({arguments})"
    _refuse_unknown(factory, settings)
    try:
        calculator = factory(**settings.kwargs)
    except Exception as error:
        raise InputError(f"calculator {model} cannot be made: {type(error).__name__}: {error}") from error
    reference = PotentialReference(
        family="ASE",
        model=model,
        sha256=sha256_of(_files(settings.kwargs)),
        package_version=f"{provider.name} {provider.version}",
    )
    return AsePotential(calculator, reference, cutoff_A=settings.cutoff_A)


class AsePotential:
    """A potential over an ASE calculator.

    Parameters
    ----------
    calculator
        Of atoms periodic along all three vectors.
    reference
        What it is.
    supported_numbers
        Atomic numbers of the elements that it knows, None if that shows only when it is asked.
    cutoff_A
        Range of its interactions; None if unknown. Where it is known, isolated atoms are refused.
    """

    def __init__(
        self,
        calculator: Any,
        reference: PotentialReference,
        supported_numbers: frozenset[int] | None = None,
        cutoff_A: float | None = None,
    ) -> None:
        self.calculator = calculator
        self.reference = reference
        self.supported_numbers = supported_numbers
        self.cutoff_A = cutoff_A
        self.gives_stress = "stress" in calculator.implemented_properties
        # Forces are the gradient of the free energy, where smeared electrons make it another than the energy.
        self.energy = "free_energy" if "free_energy" in calculator.implemented_properties else "energy"

    def session(self, numbers: ArrayLike) -> AseSession:
        """As `Potential.session`; an element that only the calculator can tell is refused at the first evaluation."""
        return AseSession(self, checked_numbers(numbers, self.supported_numbers, named(self)))

    def close(self) -> None:
        """Nothing to let go of."""


class AseSession:
    """One system and the calculator; made by `AsePotential.session`.

    The calculator is reset before each evaluation, so that no neighbour list or result of the step before decides the
    order of a sum, and torch, where it is used, sums in a fixed order: the same atoms give the same bits, on the CPU
    whatever the number of threads. On a GPU, cuBLAS does so only with CUBLAS_WORKSPACE_CONFIG=:4096:8. The atoms come
    wrapped into the cell, since what computes in float32 loses digits of atoms that diffused far away.
    """

    def __init__(self, potential: AsePotential, numbers: IntArray) -> None:
        self.potential = potential
        self.numbers = numbers
        self._has_evaluated = False

    def evaluate(self, positions_A: ArrayLike, cell_A: ArrayLike) -> Evaluation:
        """As `Session.evaluate`; an error of the calculator at the first evaluation is an InputError."""
        positions, cell = checked_geometry(self.numbers, positions_A, cell_A)
        if self.potential.cutoff_A is not None:
            self._refuse_isolated(positions, cell, self.potential.cutoff_A)
        atoms = Atoms(self.numbers, positions=positions, cell=cell, pbc=True)
        atoms.wrap()
        try:
            evaluation = self._evaluated(atoms)
        except Exception as error:
            if self._has_evaluated:
                raise
            what = f"{named(self.potential)} cannot evaluate {atoms.get_chemical_formula()}"
            raise InputError(f"{what}: {type(error).__name__}: {error}") from error
        self._has_evaluated = True
        return evaluation.require_finite(named(self.potential))

    def _evaluated(self, atoms: Atoms) -> Evaluation:
        calculator, has_stress = self.potential.calculator, self.potential.gives_stress
        calculator.reset()
        with _sums_in_order():
            return Evaluation(
                energy_eV=float(calculator.get_property(self.potential.energy, atoms)),
                forces_eV_per_A=np.array(calculator.get_property("forces", atoms), dtype=np.float64),
                stress_eV_per_A3=_matrix(calculator.get_property("stress", atoms)) if has_stress else None,
            )

    def _refuse_isolated(self, positions_A: FloatArray, cell_A: FloatArray, cutoff_A: float) -> None:
        first, _, _, distances = find_points_in_spheres(
            positions_A, positions_A, r=cutoff_A, pbc=np.ones(3, dtype=np.int64), lattice=cell_A, tol=1e-8
        )
        refuse_isolated(self.numbers, first[distances > 1e-8].astype(np.int64), cutoff_A)


@contextmanager
def _sums_in_order() -> Iterator[None]:
    """Let torch, if this process uses it, take the algorithms that give the same bits every time."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    enabled = torch.are_deterministic_algorithms_enabled()
    lenient = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=lenient)


def sha256_of(files: list[Path]) -> str | None:
    """SHA-256 of the contents of files, one after the other; None of none."""
    if not files:
        return None
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while chunk := stream.read(2**20):
                digest.update(chunk)
    return digest.hexdigest()


def _refuse_unknown(factory: Any, settings: AseSettings) -> None:
    """Refuse arguments that ASE would keep without a word, where a calculator lists those that it has."""
    defaults = getattr(factory, "default_parameters", None)
    if not defaults or issubclass(factory, FileIOCalculator):
        return
    known = {*defaults, *(name for kind in factory.__mro__ for name in signature(kind.__init__).parameters)}
    unknown = sorted(set(settings.kwargs) - known)
    if unknown:
        raise InputError(f"{settings.calculator} has no argument {unknown[0]!r}: it has {', '.join(sorted(defaults))}")


def _files(value: Any) -> list[Path]:
    """The existing files that arguments name, in the order of the arguments."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [file for entry in value for file in _files(entry)]
    return [Path(value)] if isinstance(value, str) and Path(value).is_file() else []


def _matrix(stress: ArrayLike) -> FloatArray:
    """(3, 3) in float64 of ASE's six components, or of nine."""
    given = np.array(stress, dtype=np.float64)
    return np.asarray(voigt_6_to_full_3x3_stress(given) if given.size == 6 else given.reshape(3, 3))
