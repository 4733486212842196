"""`superionic bench nve`: how well single precision conserves energy, against the same CHGNet in double precision.

At 2 fs and 1000 K the total energy wanders by a meV/atom, since the integrator conserves a slightly different energy,
and trajectories of different precision part after a ps. So drifts are means over several runs, with the standard
error of their scatter, and the share of precision is measured by itself: the work that the difference of the forces
does along the double-precision trajectory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from pymatgen.core import Structure

from superionic.bench.cells import ordered_cell
from superionic.bench.rows import row
from superionic.documents import MDProtocol, MDState
from superionic.dynamics.integrator import Integrator
from superionic.dynamics.md import initial_state
from superionic.potentials import Potential, load_chgnet
from superionic.potentials.network_torch import TorchNetwork
from superionic.potentials.weights import ChgnetWeights

TEMPERATURE_K, TIME_STEP_FS, EQUILIBRATION_PS = 1000.0, 2.0, 1.0


def run(size: int = 20, length_ps: float = 10.0, seeds: int = 4) -> list[dict[str, Any]]:
    """Run NVE from the same equilibrated states with each precision and compare the drifts of the total energy.

    Parameters
    ----------
    size
        Atoms of the cell; of 20, 80, 160.
    length_ps
        Length of each run in ps.
    seeds
        Runs of each precision.

    Returns
    -------
    list[dict[str, Any]]
        Rows with ``name``, ``value``, ``unit``, ``target`` and ``met``. The drift of single precision meets its target
        if it is no larger than double precision's, within two standard errors of their difference.
    """
    torch.set_num_threads(1)
    structure, single, double = ordered_cell(size), load_chgnet(kernels="fused"), double_precision()
    starts = [_equilibrated(structure, single, seed) for seed in range(seeds)]
    true, works = zip(*(_drift_and_work(structure, start, double, single, length_ps) for start in starts), strict=True)
    ours = [_drift_and_work(structure, start, single, None, length_ps)[0] for start in starts]
    (mean, error), (our_mean, our_error) = _mean_and_error(true), _mean_and_error(ours)
    what, unit = f"{size} atoms, {seeds} x {length_ps:g} ps NVE", "meV/atom/ps"
    limit = abs(mean) + 2 * float(np.hypot(error, our_error))
    return [
        row(f"{what}, float64, mean drift", mean, unit),
        row(f"{what}, float64, its standard error", error, unit),
        row(f"{what}, fused float32, mean drift", our_mean, unit),
        row(f"{what}, fused float32, its standard error", our_error, unit),
        row(f"{what}, fused float32, size of the drift", abs(our_mean), unit, at_most=limit),
        row(f"{what}, work of float32's force errors", float(np.max(np.abs(works))), unit),
    ]


def double_precision() -> Potential:
    """CHGNet with weights, activations and sums in float64."""
    potential = load_chgnet(kernels="torch")
    potential._network = TorchNetwork(ChgnetWeights.from_model(potential._model.double(), torch.float64))
    return potential


def _drift_and_work(
    structure: Structure, start: MDState, potential: Potential, other: Potential | None, length_ps: float
) -> tuple[float, float]:
    """Slope of the total energy, and work that the forces of another potential would do in excess (meV/atom/ps)."""
    protocol, numbers = _protocol("nve", length_ps), np.array(structure.atomic_numbers)
    run = Integrator(start, numbers, protocol, potential.session(numbers).evaluate)
    session = None if other is None else other.session(numbers)
    energies, work = [run.frame().conserved_energy_eV], 0.0
    for _ in range(protocol.n_steps):
        before = run.positions.copy()
        run.advance()
        energies.append(run.frame().conserved_energy_eV)
        if session is not None:
            excess = session.evaluate(run.positions, run.cell).forces_eV_per_A - run.now.forces_eV_per_A
            work += float(np.sum(excess * (run.positions - before)))
    time_ps = np.arange(len(energies)) * TIME_STEP_FS * 1e-3
    slope = float(np.polyfit(time_ps, np.array(energies) - energies[0], 1)[0])
    return 1e3 * slope / len(numbers), 1e3 * work / len(numbers) / length_ps


def _mean_and_error(values: tuple[float, ...] | list[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))


def _equilibrated(structure: Structure, potential: Potential, seed: int) -> MDState:
    """State after NVT."""
    protocol, numbers = _protocol("nvt", EQUILIBRATION_PS, seed), np.array(structure.atomic_numbers)
    run = Integrator(initial_state(structure, protocol), numbers, protocol, potential.session(numbers).evaluate)
    for _ in range(protocol.n_steps):
        run.advance()
    return run.state("{}")


def _protocol(ensemble: str, length_ps: float, seed: int = 0) -> MDProtocol:
    return MDProtocol(
        ensemble=ensemble, temperature_K=TEMPERATURE_K, time_step_fs=TIME_STEP_FS, length_ps=length_ps, seed=seed,
        segment_length_ps=length_ps, equilibration_ps=0, stride=1,
    )  # fmt: skip
