"""One CP2K process kept alive, spoken to through ASE's shell."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import weakref
from pathlib import Path

import numpy as np
from ase.calculators.cp2k import Cp2kShell
from numpy.typing import NDArray

from superionic.errors import InputError
from superionic.potentials.interface import Evaluation, PotentialError

__all__ = ["Cp2kEndedError", "Cp2kProcess", "data_folder", "shell_program"]

_INSTALL = "apt-get install cp2k cp2k-data"
_FAILED, _ABORTED = "SCF run NOT converged", "[ABORT]"
_SINGLE_THREADED = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


class Cp2kEndedError(RuntimeError):
    """The process is gone for a reason that the atoms have no part in; the same may be asked again."""


def shell_program() -> Path:
    """The installed `cp2k_shell`.

    Raises
    ------
    InputError
        If there is none.
    """
    for name in ("cp2k_shell.psmp", "cp2k_shell.popt", "cp2k_shell.ssmp", "cp2k_shell"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise InputError(f"CP2K's cp2k_shell is not in PATH: {_INSTALL}")


def data_folder() -> Path:
    """Where basis sets and pseudopotentials are.

    Raises
    ------
    InputError
        If they are not installed.
    """
    folder = Path(os.environ.get("CP2K_DATA_DIR", "/usr/share/cp2k"))
    if (folder / "GTH_POTENTIALS").is_file():
        return folder
    raise InputError(f"CP2K's data files are not in {folder}: {_INSTALL}, or set CP2K_DATA_DIR")


class Cp2kProcess:
    """CP2K with one cell loaded, which it is sent the next positions of.

    Parameters
    ----------
    text
        Input with the first cell and positions.
    n_ranks
        MPI processes.
    """

    def __init__(self, text: str, n_ranks: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="superionic-cp2k-"))
        self._end = weakref.finalize(self, _end, None, self.folder)
        (self.folder / "cell.inp").write_text(text)
        self._output = self.folder / "cell.out"
        self._read = 0
        self._shell: Cp2kShell | None = None
        try:
            self._shell = Cp2kShell(_command(n_ranks, self.folder), debug=False)
            self._end.detach()
            self._end = weakref.finalize(self, _end, self._shell, self.folder)
            self._environment = self._load()
            self._require_ranks(n_ranks)
            self._ask("UNITS_EV_A")
        except (AssertionError, OSError, RuntimeError, ValueError) as error:
            raise self._failure() from error

    def evaluate(self, positions_A: NDArray[np.float64], cell_A: NDArray[np.float64]) -> Evaluation:
        """Energy, forces and stress.

        Raises
        ------
        PotentialError
            If self-consistency was not reached, or CP2K gave up; the process is then gone.
        Cp2kEndedError
            If it was ended from outside.
        """
        try:
            self._ask(f"SET_CELL {self._environment}", *_rows(cell_A))
            self._ask(f"SET_POS {self._environment}", str(positions_A.size), *_rows(positions_A), "*END", answers=1)
            self._ask(f"EVAL_EF {self._environment}")
            unconverged = _FAILED in self._new_output()
            (energy,) = self._ask(f"GET_E {self._environment}", answers=1)
            _, *forces, _ = self._ask(f"GET_F {self._environment}", answers=len(positions_A) + 2)
            (stress,) = self._ask(f"GET_STRESS {self._environment}", answers=1)
        except (AssertionError, OSError, ValueError) as error:
            raise self._failure() from error
        if unconverged:
            raise self._failure()
        return Evaluation(
            energy_eV=float(energy),
            forces_eV_per_A=np.array([[float(word) for word in line.split()] for line in forces]),
            stress_eV_per_A3=-np.array([float(word) for word in stress.split()]).reshape(3, 3),
        )

    def close(self) -> None:
        """End the process and remove its files."""
        self._shell = None
        self._end()

    def _load(self) -> int:
        (environment,) = self._ask(f"LOAD {self.folder / 'cell.inp'} {self._output}", answers=1)
        return int(environment)

    def _require_ranks(self, n_ranks: int) -> None:
        """Another MPI's mpirun starts so many separate processes."""
        lines = [
            line for line in self._new_output().splitlines() if "Total number of message passing processes" in line
        ]
        if lines and int(lines[0].split()[-1]) != n_ranks:
            raise InputError(f"mpirun is not the one of CP2K's MPI, n_ranks = {n_ranks} cannot be had: {_INSTALL}")

    def _ask(self, *lines: str, answers: int = 0) -> list[str]:
        """Send lines, take the answers and CP2K's readiness for more."""
        if self._shell is None:
            raise ValueError("closed")
        for line in lines:
            self._shell.send(line)
        received = [self._shell.recv() for _ in range(answers)]
        self._shell.expect("* READY")
        return received

    def _new_output(self) -> str:
        if not self._output.is_file():
            return ""
        with self._output.open(errors="replace") as file:
            file.seek(self._read)
            text = file.read()
            self._read = file.tell()
        return text

    def _failure(self) -> PotentialError | Cp2kEndedError:
        """Why there is no number, after the process has been ended."""
        text = self._output.read_text(errors="replace") if self._output.is_file() else ""
        self.close()
        if _FAILED in text:
            return PotentialError("CP2K: self-consistency was not reached: no energy, no forces")
        if _ABORTED in text:
            return PotentialError(f"CP2K stopped: {_complaint(text)}")
        return Cp2kEndedError("CP2K was ended from outside, by a signal or for want of memory: run it again")


def _command(n_ranks: int, folder: Path) -> str:
    """Shell command that becomes the process, in its own folder."""
    program = shell_program()
    data = data_folder()
    variables = {**_SINGLE_THREADED, **_AS_ROOT, "CP2K_DATA_DIR": str(data)}
    environment = " ".join(f"{name}={value}" for name, value in variables.items())
    run = str(program)
    if n_ranks > 1:  # the mpirun beside the program: a pip-installed one is of another MPI
        beside = program.parent / "mpirun"
        mpirun = str(beside) if beside.exists() else shutil.which("mpirun")
        if mpirun is None:
            raise InputError(f"n_ranks = {n_ranks} needs mpirun, which is not in PATH: {_INSTALL}")
        run = f"{mpirun} --bind-to none -np {n_ranks} {program}"
    return f"cd '{folder}' && exec env {environment} {run} 2>'{folder / 'stderr'}'"


def _end(shell: Cp2kShell | None, folder: Path) -> None:
    """End the process, then remove its files; what ASE would do at its own end is done."""
    if shell is not None:
        child = shell._child
        if child is not None:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
            child.communicate()
        shell.isready, shell._child = False, None
    shutil.rmtree(folder, ignore_errors=True)


def _rows(values: NDArray[np.float64]) -> list[str]:
    return [" ".join(f"{value:.17e}" for value in row) for row in values]


def _complaint(text: str) -> str:
    """What CP2K wrote in the box of its last abort, without the drawing."""
    box = text.rpartition(_ABORTED)[2].partition("****")[0]
    return " ".join(
        word for word in box.replace("*", " ").replace("O/|", " ").split() if any(letter.isalnum() for letter in word)
    )
