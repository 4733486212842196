"""`superionic bench sensitivity`: what each tuned constant of the analysis is worth in D and in its coverage.

One constant after another is given another value, and the walks of known tensor of `bench calibration` (its short ones,
where constants count most) are analysed anew, the same walks each time. Seeds are none that anything was tuned on.
"""

from __future__ import annotations

import importlib
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from superionic.analysis.spectral import diffusion
from superionic.analysis.spectral.hop_memory import HopNetwork
from superionic.analysis.synthetic import SyntheticRun
from superionic.bench.calibration import SIZES, WALKS, Crystal, walk_model, walk_of
from superionic.documents import Estimate

FIRST_SEED, SEEDS = 10_000, 60
_N_IONS, _N_FRAMES, _INTERVAL_PS = SIZES["24 ions x 200 ps"]
_ANALYSIS = "superionic.analysis"
SITES, ALONE = "sites known", "displacements alone"


@dataclass(frozen=True)
class Change:
    """A constant with another value.

    Attributes
    ----------
    module, name
        Where it stands, below `superionic.analysis`.
    value
        What it is changed to.
    """

    module: str
    name: str
    value: float

    @property
    def usual(self) -> float:
        """The value that it has."""
        return float(getattr(importlib.import_module(f"{_ANALYSIS}.{self.module}"), self.name))

    @contextmanager
    def made(self) -> Iterator[None]:
        """The analysis with it, in every module that imported the constant."""
        home = importlib.import_module(f"{_ANALYSIS}.{self.module}")
        usual = getattr(home, self.name)
        public = not self.name.startswith("_")
        importing = [module for name, module in sys.modules.items() if public and name.startswith(_ANALYSIS)]
        holding = [home, *(module for module in importing if getattr(module, self.name, None) is usual)]
        try:
            for module in holding:
                setattr(module, self.name, type(usual)(self.value))
            yield
        finally:
            for module in holding:
                setattr(module, self.name, usual)


def _changes(module: str, values: dict[str, tuple[float, float]]) -> list[Change]:
    return [Change(module, name, value) for name, both in values.items() for value in both]


SPECTRAL = [
    *_changes(
        "spectral.spectrum",
        {"MIN_MODES": (3, 10), "MAX_FREQUENCY_THZ": (1, 4), "_FLOOR": (0.025, 0.1), "_BIN_WIDTH": (0.025, 0.1),
         "_SCATTER_MODES": (150, 600)},
    ),
    *_changes(
        "spectral.plateau",
        {"_MISFIT_Z": (1.25, 3.5), "_DECISIVE_Z": (2.5, 8), "_GROWTH": (1.12, 1.6), "_BACK_OFF": (1, 3.5),
         "_SLOWEST_MODE": (1.25, 5), "_FASTEST_MODE_SHARE": (0.125, 0.5), "_TIME_RATIO": (1.2, 2),
         "_COARSE_TIME_RATIO": (1.4, 4), "_DOUBT": (1, 4), "_MEAN_AMPLITUDE": (0.25, 1),
         "_LEAST_PLATEAU": (0.025, 0.1), "_WIDEST_PER_PRIOR": (10, 40)},
    ),
    *_changes("spectral.counts", {"_SIGNIFICANT": (0.01, 0.04), "_IMPROBABLE": (1e-4, 1e-2)}),
    *_changes("spectral.diffusion", {"HOP_LENGTH_A": (1.5, 6), "MAX_BLOCKS": (5, 20), "_MODES_PER_BLOCK": (5, 20)}),
]  # fmt: skip
"""Of every estimate: half and twice the value, less far where that makes no sense."""
NETWORK = [
    *_changes("spectral.plateau", {"_CONTRADICTION": (3.5, 14), "_ODDS_WHERE_KNOWN": (0.25, 1)}),
    *_changes("spectral.diffusion", {"_LEAST_SEEN": (1 / 3, 0.9), "_MOST_COUNT_BIAS": (0.25, 1)}),
]
"""Of what a given network of hops does in the estimate."""
HOPS = [
    *_changes("sites.on_sites", {"RADIUS_PER_AMPLITUDE": (1, 4)}),
    *_changes("sites.assignment", {"_HARDLY_OCCUPIED": (0.025, 0.1)}),
    *_changes("sites.jumps", {"_DEAD_TIME_STEPS": (10, 40), "_LEAST_SEEN": (0.1, 0.4)}),
    *_changes("sites.hop_network", {"_MOST_UNSEEN": (1.05, 1.2), "_AT_LEAST_RIGHT": (1.005, 1.02)}),
]
"""Of how the network is found."""


def run(seeds: int = SEEDS, first_seed: int = FIRST_SEED) -> Iterator[dict[str, Any]]:
    """Estimate D of every walk with every constant as it is and changed, with and without its sites.

    Parameters
    ----------
    seeds
        Walks of each kind.
    first_seed
        Seed of the first of them.

    Yields
    ------
    Rows with the constant, its `usual` value and what it was changed to; the mean and root mean square `change` of D in
    stated errors; the `bias` in stated errors, the coverage of both intervals over all kinds of walk, the `least`
    coverage of one kind, and the standard errors of a coverage over all kinds and over one.
    """
    found: dict[tuple[str, Change | None], list[list[Estimate]]] = defaultdict(list)
    truths = []
    for scale, pair_factor, trap in WALKS.values():
        model = walk_model(scale, pair_factor, trap)
        crystal = Crystal.of(model)
        truths.append(float(np.trace(model.diffusion_tensor())) / 3)
        of_walk: dict[tuple[str, Change | None], list[Estimate]] = defaultdict(list)
        for seed in range(first_seed, first_seed + seeds):
            walk = walk_of(model, _N_IONS, _N_FRAMES, _INTERVAL_PS, np.random.default_rng(seed))
            for case, estimate in _estimates(crystal, walk):
                of_walk[case].append(estimate)
        for case, of_seeds in of_walk.items():
            found[case].append(of_seeds)
    for known in (SITES, ALONE):
        usual = found[known, None]
        for (how, change), estimates in found.items():
            if how == known:
                yield _row(how, change, estimates, usual, truths)


def _estimates(crystal: Crystal, walk: SyntheticRun) -> Iterator[tuple[tuple[str, Change | None], Estimate]]:
    """D of one walk under every change."""
    network = crystal.network(walk.positions_A, _INTERVAL_PS)
    for change in (None, *SPECTRAL, *NETWORK):
        yield (SITES, change), _estimate(walk, network, change)
    for change in HOPS:
        with change.made():
            other = crystal.network(walk.positions_A, _INTERVAL_PS)
        yield (SITES, change), _estimate(walk, other, change)
    for change in (None, *SPECTRAL):
        yield (ALONE, change), _estimate(walk, None, change)


def _estimate(walk: SyntheticRun, network: HopNetwork | None, change: Change | None) -> Estimate:
    if change is not None:
        with change.made():
            return _estimate(walk, network, None)
    hop_length_A = diffusion.HOP_LENGTH_A  # the default was bound when the module was read
    return diffusion.estimate_diffusion(
        walk.positions_A, _INTERVAL_PS, hop_length_A=hop_length_A, hop_network=network
    ).isotropic()


def _row(
    known: str, change: Change | None, found: list[list[Estimate]], usual: list[list[Estimate]], truths: list[float]
) -> dict[str, Any]:
    value = np.array([[estimate.value for estimate in walk] for walk in found])
    before = np.array([[estimate.value for estimate in walk] for walk in usual])
    stated = np.array([[estimate.standard_error for estimate in walk] for walk in usual])
    changes = (value - before) / stated
    truth = np.array(truths)[:, None]
    bias = (value.mean(axis=1, keepdims=True) - truth) / np.median(stated, axis=1, keepdims=True)
    ends = np.array([[[*e.interval_68, *e.interval_95] for e in walk] for walk in found])
    covered = [(ends[..., n] <= truth) & (truth <= ends[..., n + 1]) for n in (0, 2)]
    return {
        "sites": known,
        "constant": f"{change.module}.{change.name}" if change else "as they are",
        "usual": change.usual if change else None,
        "changed_to": change.value if change else None,
        "mean_change": float(changes.mean()),
        "rms_change": float(np.sqrt(np.mean(changes**2))),
        "bias": float(bias.mean()),
        "largest_bias": float(bias[np.abs(bias).argmax()][0]),
        "covered_68": float(covered[0].mean()),
        "covered_95": float(covered[1].mean()),
        "least_68": float(covered[0].mean(axis=1).min()),
        "least_95": float(covered[1].mean(axis=1).min()),
        "runs": int(value.size),
        "standard_error_of_68": float(np.sqrt(0.68 * 0.32 / value.size)),
        "standard_error_of_95": float(np.sqrt(0.95 * 0.05 / value.size)),
    }


def in_words(row: dict[str, Any]) -> str:
    """One row as a line."""
    changed = "" if row["usual"] is None else f" {row['usual']:.4g} -> {row['changed_to']:.4g}"
    return (
        f"{row['sites']:19s} {row['constant'] + changed:52s} "
        f"D {row['mean_change']:+.3f} (rms {row['rms_change']:.3f})  "
        f"bias {row['bias']:+.3f} (most {row['largest_bias']:+.3f})  "
        f"68 %: {row['covered_68']:.3f} ± {row['standard_error_of_68']:.3f} (least {row['least_68']:.3f})  "
        f"95 %: {row['covered_95']:.3f} ± {row['standard_error_of_95']:.3f} (least {row['least_95']:.3f})  "
        f"{row['runs']} runs"
    )
