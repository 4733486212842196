"""VASP behind the door that all potentials share: the label of one frame is one static calculation."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from ase.data import atomic_numbers, chemical_symbols
from emmet.core.tasks import TaskDoc
from numpy.typing import ArrayLike, NDArray
from pymatgen.core import Structure

from superionic.documents import PotentialReference
from superionic.documents.vasp import VaspKind, VaspSettings
from superionic.potentials.checks import checked_geometry, checked_numbers
from superionic.potentials.interface import Evaluation, PotentialError
from superionic.potentials.vasp.inputs import grouped, input_set, potcar_symbols, require_dense_mesh
from superionic.potentials.vasp.installed import (
    potcar_sha256,
    require_command,
    require_even_electrons,
    require_potcars,
)

__all__ = ["Vasp", "VaspSession", "load", "reference"]

KB_IN_ASES_SIGN = -0.1 * 0.006241509074460763
"""VASP's kB to eV/Å^3; VASP counts compression as positive."""


def load(settings: VaspSettings) -> Vasp:
    """VASP, found; nothing is started before the first evaluation.

    Raises
    ------
    InputError
        Its command is not there.
    """
    require_command()
    return Vasp(settings)


def reference(
    settings: VaspSettings, kind: VaspKind, version: str | None = None, sha256: str | None = None
) -> PotentialReference:
    """What VASP is in the documents of what it calculated.

    Parameters
    ----------
    settings, kind
        The reference, and the kind of calculation.
    version
        Version of VASP, once it is known.
    sha256
        Of the POTCARs that were used.
    """
    level = settings.level(kind)
    mesh = "x".join(str(n) for n in level.k_mesh)
    own = "".join(f", {symbol}" for symbol in settings.potcars.values())
    more = "".join(f", {tag} {value}" for tag, value in settings.incar.items())
    return PotentialReference(
        family="VASP",
        model=f"PBEsol, PAW {settings.potcar_functional}{own}, ENCUT {level.encut_eV:g} eV, "
        f"EDIFF {level.ediff_eV:g} eV, k {mesh}{more}",
        origin="first principles",
        sha256=sha256,
        package_version=version,
    )


class Vasp:
    """VASP at the level of its labels; made by `load`."""

    def __init__(self, settings: VaspSettings) -> None:
        self.settings = settings
        self.reference = reference(settings, "label")
        self.supported_numbers = frozenset(atomic_numbers[element] for element in potcar_symbols(settings))
        self.cutoff_A = None
        self.gives_stress = True

    def session(self, numbers: ArrayLike) -> VaspSession:
        """Start on one system.

        Raises
        ------
        InputError
            No atoms, an element without POTCAR or one that is not installed, or an odd number of electrons.
        """
        checked = checked_numbers(numbers, self.supported_numbers, f"VASP {self.reference.model}")
        symbols = [chemical_symbols[number] for number in checked]
        potcars = require_potcars(self.settings, symbols)
        require_even_electrons(potcars, symbols)
        self.reference = reference(self.settings, "label", self.reference.package_version, potcar_sha256(potcars))
        return VaspSession(self, checked)

    def close(self) -> None:
        """There is nothing to let go of: every frame has a process of its own."""


class VaspSession:
    """One cell, a static calculation a frame, each from scratch."""

    def __init__(self, potential: Vasp, numbers: NDArray[np.int64]) -> None:
        self.potential = potential
        self.numbers = numbers

    def evaluate(self, positions_A: ArrayLike, cell_A: ArrayLike) -> Evaluation:
        """Energy (free energy, what the forces are the gradient of), forces and stress.

        Raises
        ------
        InputError
            Wrong shapes, a flat cell, or one too small for the mesh.
        PotentialError
            Positions that are not finite, no self-consistency, or a VASP that gave up.
        """
        from atomate2.vasp.jobs.core import StaticMaker

        from superionic.potentials.vasp.run import VASP_SPEED, run_vasp

        settings = self.potential.settings
        positions, cell = checked_geometry(self.numbers, positions_A, cell_A)
        require_dense_mesh(settings, "label", cell)
        structure = Structure(
            cell, [chemical_symbols[number] for number in self.numbers], positions, coords_are_cartesian=True
        )
        atoms, order = grouped(structure)
        maker = StaticMaker(input_set_generator=input_set(settings, "label"), run_vasp_kwargs=dict(VASP_SPEED))
        with tempfile.TemporaryDirectory(prefix="vasp-", dir=Path.cwd()) as folder:
            outcome = run_vasp(maker, atoms, Path(folder))
        update = {"package_version": outcome.version}
        self.potential.reference = self.potential.reference.model_copy(update=update)
        return last_step(outcome.task, order).require_finite("VASP")


def last_step(task: TaskDoc, order: NDArray[np.int64]) -> Evaluation:
    """What VASP says of the last ionic step, in the order of the atoms before they were grouped for POSCAR.

    Parameters
    ----------
    task
        What emmet read.
    order : (n_atoms,) int
        Index of each atom of POSCAR.

    Raises
    ------
    PotentialError
        If it has no forces or stress, or used as many steps of self-consistency as it was allowed.
    """
    calculation = task.calcs_reversed[0]
    step = calculation.output.ionic_steps[-1]
    allowed = int(calculation.input.parameters.get("NELM", 60))
    if len(step.electronic_steps or []) >= allowed:
        raise PotentialError(f"VASP did not reach self-consistency in NELM = {allowed} steps")
    if step.forces is None or step.stress is None:
        raise PotentialError("VASP gave no forces or no stress: its vasprun.xml lacks them")
    forces = np.empty((len(order), 3))
    forces[order] = np.asarray(step.forces, dtype=np.float64)
    return Evaluation(float(step.e_fr_energy), forces, np.asarray(step.stress, dtype=np.float64) * KB_IN_ASES_SIGN)
