"""`superionic bench structures`: enumeration and placement, as ratios against pymatgen within one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import yaml

from superionic.bench.rows import row
from superionic.makers.disorder import DisorderMaker
from superionic.structures.composition import n_mobile_ions
from superionic.structures.host import Host, load_host
from superionic.structures.placement import MobileSites, PlacementSearch
from superionic.structures.search import anneal, random_search
from superionic.structures.supercell import HostSupercell, supercell_matrix

_N_PEER = 20  # configurations that a peer's time per configuration is measured on


def run() -> list[dict[str, Any]]:
    """Measure enumeration, random placement and annealing on two threads, as data/bench/structures.yaml says.

    Returns
    -------
    list[dict[str, Any]]
        Rows with ``name``, ``value``, ``unit``, ``target`` and ``met``; kernels are compiled before the clock starts.
    """
    wanted = yaml.safe_load((files("superionic") / "data" / "bench" / "structures.yaml").read_text())
    host = load_host(wanted["host"])
    maker = DisorderMaker(supercell=wanted["frameworks"]["supercell"], moves=[wanted["frameworks"]["move"]])
    n_frameworks = maker.frameworks(host).n_distinct
    rows = [
        row(
            f"{n_frameworks} frameworks, symmetry and descriptors included",
            _seconds(lambda: maker.frameworks(host)),
            "s",
            at_most=wanted["frameworks"]["at_most_s"],
        )
    ]
    for case in wanted["random"]:
        rows += _random(host, case["supercell"], case["candidates"], case["at_most_s"])
    for case in wanted["annealing"]:
        rows += _annealing(host, case["supercell"], case["at_least_million_swaps_per_s"], case["at_most_s"])
    return rows


def _seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Shortest of several runs, after one that compiles and fills caches."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def _ordered(host: Host, repeats: Sequence[int], energy: str) -> tuple[MobileSites, tuple[str, ...]]:
    cell = HostSupercell(host, supercell_matrix(repeats))
    filling = cell.framework_filling()
    search = PlacementSearch(energy=energy)  # type: ignore[arg-type]
    return MobileSites(cell, search), tuple(filling.get(str(label), "") for label in cell.labels)


def _random(host: Host, repeats: Sequence[int], n_candidates: int, target: float) -> list[dict[str, Any]]:
    from pymatgen.analysis.ewald import EwaldSummation
    from pymatgen.core import Structure

    mobile, framework = _ordered(host, repeats, "shifted-force")
    sites, n_ions = mobile.free([framework]), n_mobile_ions(mobile.cell, framework)
    form = mobile.form(framework, sites)
    ours = _seconds(lambda: random_search(form, n_ions, n_candidates, 10, seed=0))

    rng = np.random.default_rng(0)
    draws = [rng.permutation(sites)[:n_ions] for _ in range(_N_PEER)]
    lattice, coords = mobile.cell.lattice, mobile.cell.frac_coords
    cells = [mobile.cell.structure(mobile.with_mobile(framework, draw)) for draw in draws]
    distances = _seconds(
        lambda: [Structure(lattice, [host.mobile_species] * n_ions, coords[d]).distance_matrix for d in draws], 1
    )
    ewald = _seconds(lambda: [EwaldSummation(cell).total_energy for cell in cells], 1)
    per_configuration = ours / n_candidates
    name = f"{n_candidates} shifted-force configurations of {'x'.join(map(str, repeats))}"
    return [
        row(name, ours, "s", at_most=target),
        row(f"{name}: pymatgen distances / ours", distances / _N_PEER / per_configuration, "x", at_least=100),
        row(f"{name}: pymatgen Ewald / ours", ewald / _N_PEER / per_configuration, "x", at_least=3000),
    ]


def _annealing(host: Host, repeats: Sequence[int], rate: float, seconds: float) -> list[dict[str, Any]]:
    mobile, framework = _ordered(host, repeats, "ewald")
    n_ions = n_mobile_ions(mobile.cell, framework)
    form = mobile.form(framework, mobile.free([framework]))
    n_swaps, n_chains = mobile.search.n_swaps, mobile.search.n_chains
    taken = _seconds(lambda: anneal(form, n_ions, n_swaps, 10, seed=0, n_chains=n_chains), 1)
    name = f"annealing of {'x'.join(map(str, repeats))} on two threads"
    return [
        row(name, n_swaps * n_chains / taken / 1e6, "million swaps/s", at_least=rate),
        row(f"{name}, to the end", taken, "s", at_most=seconds),
    ]
