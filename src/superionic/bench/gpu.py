"""`superionic bench gpu`: ns/day of NVT runs on a CUDA device, one and many, against stock chgnet on the same card."""

from __future__ import annotations

import contextlib
import io
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from threading import Barrier
from typing import Any

import numpy as np
import torch
from ase import Atoms
from pymatgen.core import Structure

from superionic.bench.cells import ordered_cell
from superionic.bench.rows import row
from superionic.documents import MDProtocol
from superionic.dynamics.builtin.integrator import Integrator
from superionic.dynamics.builtin.start import initial_state
from superionic.errors import InputError
from superionic.potentials import Potential
from superionic.potentials.chgnet import ChgnetPotential, SharedPotential, System, load_chgnet

TIME_STEP_FS, TEMPERATURE_K = 2.0, 700.0
_WARM_UP = 50
"""Steps in which a run loads and compiles, and the device records."""


def run(sizes: tuple[int, ...] = (80, 160), n_runs: tuple[int, ...] = (8, 32, 128)) -> list[dict[str, Any]]:
    """Time molecular dynamics at 700 K on a GPU.

    Parameters
    ----------
    sizes
        Atoms of the cells; of 20, 80, 160, 320, 640, 1280, 2000.
    n_runs
        Runs at a time: evaluated by one call, and as processes of their own that share the device as jobs do.

    Returns
    -------
    list[dict[str, Any]]
        Rows with ``name``, ``value``, ``unit``, ``target`` and ``met``; ns/day are those of all runs together.

    Raises
    ------
    InputError
        If torch sees no CUDA device.
    """
    if not torch.cuda.is_available():
        raise InputError("bench gpu needs a CUDA device, and torch sees none: run it where there is one")
    warnings.filterwarnings("ignore")
    potential, rows = load_chgnet(device="cuda"), []
    for size in sizes:
        structure = ordered_cell(size)
        stock = _seconds_a_step(_stock(structure), 20)
        rows.append(row(f"{size} atoms, stock chgnet MD", _ns_per_day(stock), "ns/day"))
        alone = _seconds_a_step(_advance(_integrator(size, 0, potential)), 200)
        rows.append(row(f"{size} atoms, one run", _ns_per_day(alone), "ns/day"))
        rows.append(row(f"{size} atoms, one run against stock", stock / alone, "x"))
        for n in n_runs:
            torch.cuda.reset_peak_memory_stats()
            batch = _seconds_a_step(_batch(structure, n, potential), 20) / n
            rows.append(row(f"{size} atoms, {n} in one call", _ns_per_day(batch), "ns/day"))
            rows.append(row(f"{size} atoms, {n} in one call, memory", torch.cuda.max_memory_reserved() / 1e6, "MB"))
            shared = _side_by_side(size, n) / n
            rows.append(row(f"{size} atoms, {n} processes", _ns_per_day(shared), "ns/day"))
            rows.append(row(f"{size} atoms, {n} processes against stock", stock / shared, "x"))
    return rows


def _seconds_a_step(step: Callable[[int], object], n_steps: int) -> float:
    step(_WARM_UP if n_steps > _WARM_UP else 5)
    start = time.perf_counter()
    step(n_steps)
    return (time.perf_counter() - start) / n_steps


def _stock(structure: Structure) -> Callable[[int], object]:
    from chgnet.model.dynamics import MolecularDynamics

    numbers = list(structure.atomic_numbers)
    atoms = Atoms(numbers, positions=structure.cart_coords, cell=structure.lattice.matrix, pbc=True)
    atoms.set_cell(atoms.cell.standard_form("upper")[0], scale_atoms=True)  # what its Nose-Hoover needs
    with contextlib.redirect_stdout(io.StringIO()):
        dynamics = MolecularDynamics(
            atoms, ensemble="nvt", thermostat="Nose-Hoover", temperature=TEMPERATURE_K, timestep=TIME_STEP_FS,
            use_device="cuda",
        )  # fmt: skip
    run: Callable[[int], object] = dynamics.run
    return run


def _integrator(size: int, seed: int, potential: Potential) -> Integrator:
    structure = ordered_cell(size)
    protocol = MDProtocol(temperature_K=TEMPERATURE_K, time_step_fs=TIME_STEP_FS, length_ps=10, seed=seed)
    numbers = np.array(structure.atomic_numbers)
    return Integrator(initial_state(structure, protocol), numbers, protocol, potential.session(numbers).evaluate)


def _advance(run: Integrator) -> Callable[[int], None]:
    def steps(n: int) -> None:
        for _ in range(n):
            run.advance()

    return steps


def _batch(structure: Structure, n: int, potential: ChgnetPotential) -> Callable[[int], None]:
    """Evaluations of cells whose atoms move about as far as in a step."""
    generator, numbers = np.random.default_rng(0), np.array(structure.atomic_numbers)
    sessions = [potential.session(numbers) for _ in range(n)]
    positions = structure.cart_coords + generator.normal(scale=0.1, size=(n, len(structure), 3))

    def steps(n_steps: int) -> None:
        for _ in range(n_steps):
            positions[:] += generator.normal(scale=0.003, size=positions.shape)
            potential.evaluate_batch([System(numbers, x, structure.lattice.matrix) for x in positions], sessions)

    return steps


def _side_by_side(size: int, n: int, n_steps: int = 100) -> float:
    """Seconds in which each of `n` processes does a step."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(n, context, _meet_at, (context.Barrier(n, timeout=300),)) as pool:
        spans = list(pool.map(_timed_run, [size] * n, range(n), [n_steps] * n))
    return (max(end for _, end in spans) - min(start for start, _ in spans)) / n_steps


_all_are_there: Barrier


def _meet_at(barrier: Barrier) -> None:
    global _all_are_there  # noqa: PLW0603 - one in each process
    _all_are_there = barrier


def _timed_run(size: int, seed: int, n_steps: int) -> tuple[float, float]:
    torch.set_num_threads(1)
    with SharedPotential() as shared:
        steps = _advance(_integrator(size, seed, shared))
        steps(_WARM_UP)
        _all_are_there.wait()
        start = time.monotonic()
        steps(n_steps)
        return start, time.monotonic()


def _ns_per_day(seconds_per_step: float) -> float:
    return TIME_STEP_FS * 1e-6 * 86400 / seconds_per_step
