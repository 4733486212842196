"""`superionic bench nve`: how well single precision conserves energy, against the same CHGNet in double precision.

At 2 fs and 1000 K the total energy wanders by a meV/atom, since the integrator conserves a slightly different energy,
and trajectories of different precision part after a ps; two runs of 40 ps, even of the same precision, differ by 0.05
meV/atom/ps in their drift. So both precisions are followed along one path: every tenth of a ps single precision sets
out again from where double precision is. What they change the energy by in that time differs by what precision does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pymatgen.core import Structure

from superionic.bench.cells import ordered_cell
from superionic.bench.rows import row
from superionic.documents import BuiltinState, MDProtocol
from superionic.dynamics.builtin.integrator import Integrator
from superionic.dynamics.builtin.start import initial_state
from superionic.potentials import Potential
from superionic.potentials.chgnet import ChgnetPotential, load_chgnet
from superionic.potentials.chgnet.network_torch import TorchNetwork
from superionic.potentials.chgnet.weights import ChgnetWeights

Floats = NDArray[np.float64]

TEMPERATURE_K, TIME_STEP_FS, EQUILIBRATION_PS = 1000.0, 2.0, 1.0
WINDOW_PS = 0.1


def run(size: int = 20, length_ps: float = 10.0, seeds: int = 2) -> list[dict[str, Any]]:
    """Follow NVE runs of double precision with single precision and compare the drifts of the total energy.

    Parameters
    ----------
    size
        Atoms of the cell; of 20, 80, 160.
    length_ps
        Length of each run in ps.
    seeds
        Runs.

    Returns
    -------
    list[dict[str, Any]]
        Rows with ``name``, ``value``, ``unit``, ``target`` and ``met``. The drift of single precision meets its target
        if it is no larger than double precision's, within two standard errors of their difference.
    """
    torch.set_num_threads(1)
    structure, single, double = ordered_cell(size), load_chgnet(kernels="fused"), double_precision()
    followed = [
        drifts(structure, _equilibrated(structure, single, seed), double, single, length_ps) for seed in range(seeds)
    ]
    true, ours = (np.concatenate(parts) for parts in zip(*followed, strict=True))
    difference = ours - true
    error = float(difference.std(ddof=1) / np.sqrt(len(difference)))
    what, unit = f"{size} atoms, {seeds} x {length_ps:g} ps NVE", "meV/atom/ps"
    return [
        row(f"{what}, float64, drift", float(true.mean()), unit),
        row(f"{what}, fused float32, drift on the same path", float(ours.mean()), unit),
        row(f"{what}, difference", float(difference.mean()), unit),
        row(f"{what}, its standard error", error, unit),
        row(f"{what}, fused, size of the drift", abs(float(ours.mean())), unit,
            at_most=abs(float(true.mean())) + 2 * error),
    ]  # fmt: skip


def double_precision() -> ChgnetPotential:
    """CHGNet with weights, activations and sums in float64."""
    potential = load_chgnet(kernels="torch")
    potential._network = TorchNetwork(ChgnetWeights.from_model(potential._model.double(), torch.float64))
    return potential


def drifts(
    structure: Structure, start: BuiltinState, leading: Potential, following: Potential, length_ps: float
) -> tuple[Floats, Floats]:
    """Change of the total energy in every window of time, in meV/atom/ps, shape (n_windows,).

    Parameters
    ----------
    structure, start
        What runs, and from where.
    leading
        Potential of the run.
    following
        Potential that sets out anew with each window from where the run is.
    length_ps
        Length of the run in ps.

    Returns
    -------
    What the run changes its energy by, and what the following potential does.
    """
    protocol, numbers = _protocol("nve", length_ps), np.array(structure.atomic_numbers)
    lead, follow = (potential.session(numbers).evaluate for potential in (leading, following))
    n_steps = round(WINDOW_PS * 1e3 / TIME_STEP_FS)
    run = Integrator(start, numbers, protocol, lead)
    changes = []
    for _ in range(protocol.n_steps // n_steps):
        both = run, Integrator(run.state(), numbers, protocol, follow)
        changes.append([_change_eV(each, n_steps) for each in both])
    leads, follows = 1e3 * np.array(changes).T / len(numbers) / WINDOW_PS
    return leads, follows


def _change_eV(run: Integrator, n_steps: int) -> float:
    before = run.frame().conserved_energy_eV
    for _ in range(n_steps):
        run.advance()
    return run.frame().conserved_energy_eV - before


def _equilibrated(structure: Structure, potential: Potential, seed: int) -> BuiltinState:
    """State after NVT."""
    protocol, numbers = _protocol("nvt", EQUILIBRATION_PS, seed), np.array(structure.atomic_numbers)
    run = Integrator(initial_state(structure, protocol), numbers, protocol, potential.session(numbers).evaluate)
    for _ in range(protocol.n_steps):
        run.advance()
    return run.state()


def _protocol(ensemble: str, length_ps: float, seed: int = 0) -> MDProtocol:
    return MDProtocol(
        ensemble=ensemble, temperature_K=TEMPERATURE_K, time_step_fs=TIME_STEP_FS, length_ps=length_ps, seed=seed,
        segment_length_ps=length_ps, equilibration_ps=0, stride=1,
    )  # fmt: skip
