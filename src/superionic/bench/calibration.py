"""`superionic bench calibration`: bias, scatter and coverage of D over many walks whose tensor is known exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from pymatgen.core import Lattice

from superionic.analysis.diffusion import estimate_diffusion
from superionic.analysis.synthetic import HoppingModel, hopping_model, simulate
from superionic.bench.rows import row

SIZES = {"24 ions x 200 ps": (24, 2000, 0.1), "48 ions x 1 ns": (48, 5000, 0.2)}
"""Ions, frames and ps between frames."""
WALKS = {"slow": (0.03, 1.0, 1.0), "usual": (0.1, 1.0, 1.0), "fast": (0.3, 1.0, 1.0), "traps": (0.3, 1.0, 12.0),
         "back and forth": (0.1, 15.0, 1.0), "slowly back and forth": (0.03, 15.0, 1.0)}  # fmt: skip
"""Scale of all rates, factor on the hop across one pair of sites, weight of one kind of site."""
SEEDS = 200


def run(seeds: int = SEEDS) -> list[dict[str, Any]]:
    """Estimate D of every kind and size of walk, each with its own seeds 0, 1, ...

    Parameters
    ----------
    seeds
        Walks of each kind and size.

    Returns
    -------
    Rows with ``name``, ``value``, ``unit``, ``target`` and ``met``. The scatter is against that of a count of the true
    hops, the best that can be known of an uncorrelated walk; where hops go back, that count knows what no trajectory
    shows and there is no target.
    """
    return [
        measured
        for walk, (scale, pair_factor, trap) in WALKS.items()
        for size in SIZES
        for measured in _rows(f"{walk}, {size}", _model(scale, pair_factor, trap), *SIZES[size], seeds)
    ]


def _rows(
    name: str, model: HoppingModel, n_ions: int, n_frames: int, frame_interval_ps: float, seeds: int
) -> list[dict[str, Any]]:
    truth = float(np.trace(model.diffusion_tensor())) / 3
    squares = np.sum(model.displacement_A**2, axis=1)
    found, counted = [], []
    for seed in range(seeds):
        walk = simulate(model, n_ions, n_frames, frame_interval_ps, np.random.default_rng(seed), supercell=(2, 1, 2))
        found.append(estimate_diffusion(walk.positions_A, frame_interval_ps).isotropic())
        counted.append(float(squares[walk.hop_edge].sum()))
    values = np.array([estimate.value for estimate in found])
    scatter = float(values.std() / values.mean() / (np.std(counted) / np.mean(counted)))
    covered_68 = float(np.mean([e.interval_68[0] <= truth <= e.interval_68[1] for e in found]))
    covered_95 = float(np.mean([e.interval_95[0] <= truth <= e.interval_95[1] for e in found]))
    uncorrelated = truth > 0.99 * model.jump_diffusivity()
    return [
        row(f"{name}: bias / scatter", float((values.mean() - truth) / values.std()), ""),
        row(f"{name}: scatter / that of the hops", scatter, "x", at_most=1.3 if uncorrelated else None),
        row(f"{name}: |68 % coverage - 0.68|", abs(covered_68 - 0.68), "", at_most=0.07),
        row(f"{name}: |95 % coverage - 0.95|", abs(covered_95 - 0.95), "", at_most=0.03),
    ]


def _model(scale: float, pair_factor: float, trap: float) -> HoppingModel:
    """Octahedral sites of two kinds of layers in a C-centred monoclinic cell."""
    cell = Lattice.from_parameters(6.4, 11.1, 6.4, 90, 110, 90, vesta=True).matrix
    frac = [(0.0, y, z) for z in (0.0, 0.5) for y in (0.0, 1 / 3, 2 / 3)]
    frac += [(0.5, (y + 0.5) % 1, z) for _, y, z in frac]
    labels = [("P" if y in (0.0, 0.5) else "Q") if z == 0 else ("R" if y in (0.0, 0.5) else "S") for _, y, z in frac]
    rates = {("P", "Q"): 0.03, ("Q", "Q"): 0.05, ("R", "S"): 0.12, ("S", "S"): 0.08,
             ("P", "S"): 0.02, ("Q", "R"): 0.02, ("Q", "S"): 0.015, ("P", "R"): 0.01}  # fmt: skip
    rates = {pair: rate * scale for pair, rate in rates.items()}
    model = hopping_model(cell, frac, labels, 4.3, rates, {"P": 0.2, "Q": 0.5, "R": trap, "S": 1.0})
    named = np.array(labels)
    pair = (named[model.source] == "S") & (named[model.target] == "S")
    pair &= np.abs(model.displacement_A[:, [0, 2]]).max(axis=1) < 0.1
    return HoppingModel(**{**model.__dict__, "rate_per_ps": model.rate_per_ps * np.where(pair, pair_factor, 1.0)})
