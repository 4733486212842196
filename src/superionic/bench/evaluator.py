"""`superionic bench evaluator`: one MD step with each evaluator, as ratios against stock chgnet within one run."""

from __future__ import annotations

import argparse
import contextlib
import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from ase import Atoms, units
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary

from superionic.potentials import Potential, load_chgnet

SUPERCELLS = {20: (1, 1, 1), 80: (2, 1, 2), 160: (2, 2, 2), 320: (4, 2, 2), 640: (4, 4, 2), 1280: (4, 4, 4)}
TARGETS = {"fused": {80: 12.0, 160: 10.0, 320: 10.0}, "torch": {80: 4.0, 160: 4.0, 320: 4.0}}
"""Times faster than stock MD, on one thread."""
TIME_STEP_FS, TEMPERATURE_K = 2.0, 700.0


def run(sizes: tuple[int, ...] = (80, 160, 320), n_steps: int = 10) -> list[dict[str, Any]]:
    """Measure a step of molecular dynamics of Li3InCl6 at 700 K on one thread.

    Stock is `chgnet.MolecularDynamics` (NVT); ours are velocity Verlet over a session. The two take turns, so that
    both see the machine in the same state, and each counts with its fastest turn.

    Parameters
    ----------
    sizes
        Atoms; of 20, 80, 160, 320, 640, 1280.
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
        rows += [_row(f"{size} atoms, {name}, a step", 1e3 * value, "ms") for name, value in seconds.items()]
        for kernels in potentials:
            ratio = seconds["stock MD"] / seconds[kernels]
            rows.append(_row(f"{size} atoms, {kernels} against stock MD", ratio, "x", TARGETS[kernels].get(size)))
        hours = seconds["fused"] * 200e3 / TIME_STEP_FS / 3600
        rows.append(_row(f"{size} atoms, fused, 200 ps", hours, "CPU h"))
    return rows


def _row(name: str, value: float, unit: str, target: float | None = None) -> dict[str, Any]:
    bound = None if target is None else f">= {target:g}"
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "target": bound,
        "met": None if target is None else value >= target,
    }


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
    """Ordered Li3InCl6 with velocities; upper triangular, as chgnet's Nose-Hoover wants it."""
    from ase.spacegroup import crystal

    atoms = crystal(
        ["Li", "Li", "In", "Cl", "Cl"],
        [(0, 0.3438, 0.5), (0, 0, 0.5), (0, 0.5, 0), (0.2385, 0.3467, 0.2694), (0.2284, 0.5, 0.7562)],
        spacegroup=12,
        cellpar=[6.594, 11.366, 6.475, 90, 111.09, 90],
    ).repeat(SUPERCELLS[size])
    atoms = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell.array, pbc=True)
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


def main(argv: list[str] | None = None) -> None:
    """Print the rows of `run`; sizes as arguments."""
    parser = argparse.ArgumentParser(prog="superionic bench evaluator", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[80, 160, 320], help="numbers of atoms")
    parser.add_argument("--steps", type=int, default=10, help="steps of a turn of stock chgnet")
    options = parser.parse_args(argv)
    for row in run(tuple(options.sizes), options.steps):
        verdict = "" if row["met"] is None else f"  (target {row['target']}: {'met' if row['met'] else 'MISSED'})"
        print(f"{row['name']:42s} {row['value']:9.2f} {row['unit']}{verdict}")


if __name__ == "__main__":
    main()
