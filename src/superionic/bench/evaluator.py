"""`superionic bench evaluator`: one MD step with each evaluator, as ratios against stock chgnet within one run."""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from ase import Atoms, units
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary

from superionic.bench.cells import ordered_cell
from superionic.bench.rows import row
from superionic.potentials import Potential
from superionic.potentials.chgnet import load_chgnet

TARGETS = {"fused": {80: 12.0, 160: 10.0, 320: 10.0}, "torch": {80: 4.0, 160: 4.0, 320: 4.0}}
"""Times faster than stock MD, on one thread."""
CPU_HOURS = {80: 1.0, 160: 2.0}
"""At most, for 200 ps."""
TIME_STEP_FS, TEMPERATURE_K = 2.0, 700.0
LINEAR_SIZES = (80, 320, 1280, 2000)
"""Atoms over which a step's cost an atom is to stay the same."""


def run(sizes: tuple[int, ...] = (80, 160, 320), n_steps: int = 10) -> list[dict[str, Any]]:
    """Measure a step of molecular dynamics at 700 K on one thread.

    Stock is `chgnet.MolecularDynamics` (NVT); ours are velocity Verlet over a session. The two take turns, so that
    both see the machine in the same state, and each counts with its fastest turn.

    Parameters
    ----------
    sizes
        Atoms; of 20, 80, 160, 320, 640, 1280, 2000.
    n_steps
        Steps of a turn of stock chgnet; ours take four times as many.

    Returns
    -------
    list[dict[str, Any]]
        Rows with ``name``, ``value``, ``unit``, ``target`` and ``met``; kernels are compiled before the clock starts.
    """
    torch.set_num_threads(1)
    potentials = {kernels: load_chgnet(kernels=kernels) for kernels in ("fused", "torch")}
    rows = []
    for size in sizes:
        atoms = _atoms(size)
        steps: dict[str, tuple[Callable[[int], object], int]] = {"stock MD": (_stock(atoms), n_steps)}
        for kernels, potential in potentials.items():
            steps[kernels] = (_verlet(atoms, potential), 4 * n_steps)
        seconds = _taking_turns(steps)
        rows += [row(f"{size} atoms, {name}, a step", 1e3 * value, "ms") for name, value in seconds.items()]
        for kernels in potentials:
            ratio = seconds["stock MD"] / seconds[kernels]
            target = TARGETS[kernels].get(size)
            rows.append(row(f"{size} atoms, {kernels} against stock MD", ratio, "x", at_least=target))
        hours = seconds["fused"] * 200e3 / TIME_STEP_FS / 3600
        rows.append(row(f"{size} atoms, fused, 200 ps", hours, "CPU h", at_most=CPU_HOURS.get(size)))
    return rows + _linearity(potentials["fused"])


def _linearity(potential: Potential) -> list[dict[str, Any]]:
    """Cost of a step an atom, against that of the smallest cell; the first step of a turn finds another's cache."""
    turns = {str(size): (_verlet(_atoms(size), potential), max(4, 1600 // size)) for size in LINEAR_SIZES}
    per_atom = {int(size): 1e6 * seconds / int(size) for size, seconds in _taking_turns(turns, n_turns=8).items()}
    smallest = per_atom[LINEAR_SIZES[0]]
    rows = [row(f"{size} atoms, fused, a step and atom", value, "us") for size, value in per_atom.items()]
    for size in LINEAR_SIZES[1:]:
        name = f"{size} atoms, fused, a step and atom against {LINEAR_SIZES[0]} atoms"
        rows.append(row(name, per_atom[size] / smallest, "x", at_most=1.15))
    return rows


def _taking_turns(steps: dict[str, tuple[Callable[[int], object], int]], n_turns: int = 4) -> dict[str, float]:
    """CPU seconds a step: the least of several turns each."""
    best = dict.fromkeys(steps, np.inf)
    for step, _ in steps.values():
        step(2)
    for _ in range(n_turns):
        for name, (step, n) in steps.items():
            start = time.process_time()
            step(n)
            best[name] = min(best[name], (time.process_time() - start) / n)
    return best


def _atoms(size: int) -> Atoms:
    """The ordered cell with velocities; upper triangular, as chgnet's Nose-Hoover wants it."""
    cell = ordered_cell(size)
    atoms = Atoms(list(cell.atomic_numbers), positions=cell.cart_coords, cell=cell.lattice.matrix, pbc=True)
    atoms.set_cell(atoms.cell.standard_form("upper")[0], scale_atoms=True)
    MaxwellBoltzmannDistribution(atoms, temperature_K=TEMPERATURE_K, rng=np.random.default_rng(0))
    Stationary(atoms)
    return atoms


def _stock(atoms: Atoms) -> Callable[[int], object]:
    from chgnet.model.dynamics import MolecularDynamics

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        dynamics = MolecularDynamics(
            atoms.copy(),
            ensemble="nvt",
            thermostat="Nose-Hoover",
            temperature=TEMPERATURE_K,
            timestep=TIME_STEP_FS,
            use_device="cpu",
        )
    run: Callable[[int], object] = dynamics.run
    return run


def _verlet(atoms: Atoms, potential: Potential) -> Callable[[int], object]:
    session = potential.session(atoms.numbers)
    cell, positions, velocities = atoms.cell.array, atoms.positions.copy(), atoms.get_velocities()
    per_mass = 1.0 / atoms.get_masses()[:, None]
    time_step = TIME_STEP_FS * units.fs
    forces = session.evaluate(positions, cell).forces_eV_per_A

    def step(n: int) -> None:
        nonlocal positions, velocities, forces
        for _ in range(n):
            velocities = velocities + 0.5 * time_step * forces * per_mass
            positions = positions + time_step * velocities
            forces = session.evaluate(positions, cell).forces_eV_per_A
            velocities = velocities + 0.5 * time_step * forces * per_mass

    return step
