"""CP2K behind the door that all potentials share."""

from __future__ import annotations

import re
import subprocess
import weakref
from functools import cache
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import ArrayLike, NDArray

from superionic.documents import PotentialReference
from superionic.documents.cp2k import Cp2kSettings
from superionic.potentials.checks import checked_geometry, checked_numbers
from superionic.potentials.cp2k.elements import (
    kinds_of,
    require_even_electrons,
    require_installed,
    supported_numbers,
)
from superionic.potentials.cp2k.input import cp2k_input, require_large_enough
from superionic.potentials.cp2k.process import Cp2kProcess, data_folder, shell_program
from superionic.potentials.interface import Evaluation

__all__ = ["Cp2k", "Cp2kSession", "load"]


def load(settings: Cp2kSettings) -> Cp2k:
    """CP2K, found and named; nothing is started before the first evaluation.

    Raises
    ------
    InputError
        The code, its data files, or a basis set or pseudopotential that the settings name is not there.
    """
    require_installed(settings.kinds, data_folder())
    return Cp2k(settings, _version(shell_program()))


class Cp2k:
    """CP2K at one level; made by `load`."""

    def __init__(self, settings: Cp2kSettings, version: str | None) -> None:
        self.settings = settings
        self.reference = PotentialReference(
            family="CP2K",
            model=_named(settings),
            origin="first principles" if settings.level == "pbesol" else "semi-empirical",
            package_version=version,
        )
        self.supported_numbers = supported_numbers(settings)
        self.cutoff_A = None
        self.gives_stress = True
        self._sessions: weakref.WeakSet[Cp2kSession] = weakref.WeakSet()

    def session(self, numbers: ArrayLike) -> Cp2kSession:
        """Start on one system.

        Raises
        ------
        InputError
            No atoms, an element without basis set or one that is not installed, or an odd number of electrons.
        """
        checked = checked_numbers(numbers, self.supported_numbers, f"CP2K {self.reference.model}")
        if self.settings.level == "pbesol":
            symbols = {chemical_symbols[number] for number in checked}
            require_installed(kinds_of(self.settings, symbols), data_folder())
        require_even_electrons(self.settings, checked)
        session = Cp2kSession(self.settings, checked)
        self._sessions.add(session)
        return session

    def close(self) -> None:
        """End all processes and remove their files."""
        for session in list(self._sessions):
            session.close()


class Cp2kSession:
    """One cell on its way; one process of CP2K.

    PBEsol starts every evaluation from the atoms' own densities: with a k-mesh, the density of the step before would
    save two steps of self-consistency in twelve. GFN1-xTB at Gamma goes on from the orbitals of the steps before, so
    its results depend on them within the threshold of self-consistency. A segment of a run has a session of its own:
    one that was killed and is run again gives the same numbers, and so does the rest of the chain; one that was ended
    before its time goes on within the threshold, not bit for bit.
    """

    def __init__(self, settings: Cp2kSettings, numbers: NDArray[np.int64]) -> None:
        self.settings = settings
        self.numbers = numbers
        self._process: Cp2kProcess | None = None

    def evaluate(self, positions_A: ArrayLike, cell_A: ArrayLike) -> Evaluation:
        """Energy, forces and stress.

        Raises
        ------
        InputError
            Wrong shapes, a flat cell, or one too small for the mesh.
        PotentialError
            Positions that are not finite, no self-consistency, or a CP2K that gave up; the next call starts a new one.
        Cp2kEndedError
            If CP2K was ended from outside.
        """
        positions, cell = checked_geometry(self.numbers, positions_A, cell_A)
        require_large_enough(self.settings, cell)
        if self._process is None:
            text = cp2k_input(self.settings, self.numbers, positions, cell)
            self._process = Cp2kProcess(text, self.settings.n_ranks)
        try:
            return self._process.evaluate(positions, cell).require_finite("CP2K")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the process and remove its files."""
        process, self._process = self._process, None
        if process is not None:
            process.close()


def _named(settings: Cp2kSettings) -> str:
    mesh = "x".join(str(n) for n in settings.mesh)
    if settings.level == "gfn1-xtb":
        return f"GFN1-xTB, k {mesh}"
    own = "".join(f", {element}: {kind.basis} {kind.pseudopotential}" for element, kind in settings.kinds.items())
    return (
        f"PBEsol, DZVP-MOLOPT-SR-GTH, GTH-PBE{own}, {settings.cutoff_Ry:g} Ry, k {mesh}, SCF {settings.scf_threshold:g}"
    )


@cache
def _version(program: Path) -> str | None:
    """Version and revision of the program."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"CP2K version (\S+)", said)
    return found[1] if found else None
