"""`superionic bench gpu`: ns/day on a CUDA device, alone and in batches, against stock chgnet on the same card."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
import torch
from pymatgen.core import Structure

from superionic.bench.cells import ordered_cell
from superionic.bench.rows import row
from superionic.errors import InputError
from superionic.potentials import System, load_chgnet

TIME_STEP_FS = 2.0
BATCHES = (1, 6, 24)


def run(sizes: tuple[int, ...] = (80, 160, 640), n_steps: int = 20) -> list[dict[str, Any]]:
    """Time evaluations of moving atoms on a GPU.

    Parameters
    ----------
    sizes
        Atoms of the cells; of 80, 160, 640.
    n_steps
        Evaluations of a measurement.

    Raises
    ------
    InputError
        If torch sees no CUDA device.
    """
    if not torch.cuda.is_available():
        raise InputError("bench gpu needs a CUDA device, and torch sees none: run it where there is one")
    warnings.filterwarnings("ignore")
    rows = []
    for size in sizes:
        structure = ordered_cell(size)
        stock = _stock_seconds(structure, n_steps)
        rows.append(row(f"{size} atoms, stock chgnet", _ns_per_day(stock), "ns/day"))
        for n_runs in BATCHES:
            seconds = _batch_seconds(structure, n_runs, n_steps)
            name = f"{size} atoms, {n_runs} runs in a batch"
            rows.append(row(f"{name}, all together", _ns_per_day(seconds / n_runs), "ns/day"))
            rows.append(row(f"{name}, against stock", stock * n_runs / seconds, "x"))
    return rows


def _batch_seconds(structure: Structure, n_runs: int, n_steps: int) -> float:
    """Seconds a step of `n_runs` systems evaluated together."""
    potential = load_chgnet(device="cuda")
    generator = np.random.default_rng(0)
    numbers = np.array(structure.atomic_numbers)
    sessions = [potential.session(numbers) for _ in range(n_runs)]
    positions = structure.cart_coords + generator.normal(scale=0.05, size=(n_runs, len(structure), 3))
    steps = generator.normal(scale=0.005, size=(n_steps + 3, *positions.shape))
    for number, step in enumerate(steps):
        if number == 3:  # the first ones load and compile
            torch.cuda.synchronize()
            start = time.perf_counter()
        positions = positions + step
        potential.evaluate_batch([System(numbers, x, structure.lattice.matrix) for x in positions], sessions)
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / n_steps


def _stock_seconds(structure: Structure, n_steps: int) -> float:
    from chgnet.model import CHGNet

    model = CHGNet.load(use_device="cuda", verbose=False)
    generator = np.random.default_rng(0)
    moving = structure.copy()
    for number in range(n_steps + 3):
        if number == 3:
            start = time.perf_counter()
        moving.perturb(0.005, seed=int(generator.integers(2**31)))
        model.predict_structure(moving, task="efs")
    return (time.perf_counter() - start) / n_steps


def _ns_per_day(seconds_per_step: float) -> float:
    return TIME_STEP_FS * 1e-6 * 86400 / seconds_per_step
