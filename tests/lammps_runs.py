"""Runs inside LAMMPS with forces from a function."""

import contextlib
import tempfile
from pathlib import Path

import numpy as np

from superionic.dynamics.lammps.engine import create
from superionic.dynamics.lammps.forces import External, unpacked_evaluation
from superionic.dynamics.lammps.run import LammpsRun, read_restart
from superionic.potentials.lammps.library import Axes, start_lammps


@contextlib.contextmanager
def in_lammps(structure, protocol, evaluate, state=None):
    """As the engine does it, but with a function instead of a potential."""
    axes, numbers = Axes(structure.lattice.matrix), np.array(structure.atomic_numbers)
    with contextlib.closing(start_lammps()) as library, tempfile.TemporaryDirectory() as folder:
        remembered = None
        if state is None:
            create(library, axes, structure, protocol, sorted(set(numbers.tolist())))
        else:
            read_restart(library, state, Path(folder))
            remembered = state.step, unpacked_evaluation(state.evaluation)
        cell = None if protocol.ensemble == "npt" else structure.lattice.matrix
        forces = External(library, axes, evaluate, cell, remembered)
        yield LammpsRun(library, axes, protocol, numbers, forces, Path(folder), state)


def snapshots(run, protocol, n_steps):
    """One every stride, and that at the start."""
    found = [run.snapshot()]
    for _ in range(n_steps // protocol.stride):
        run.advance(protocol.stride)
        found.append(run.snapshot())
    return found
