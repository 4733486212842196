"""Search for placements of low energy: the batched random protocol, and annealing by swaps."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from superionic.errors import InputError
from superionic.structures.electrostatics import QuadraticForm
from superionic.structures.random_bits import index_pair, next_bits, unit_float

TIE_eV = 1e-6
"""Placements whose energies differ by less are ties: mostly symmetry images of each other."""

_CHUNK = 5000  # random placements drawn from one stream; fixes the result whatever the number of threads
_TEMPERATURE_STEPS = 500
_SAMPLED_SWAPS = 1000
_HOT, _COLD = 0.3, 0.01  # temperatures over the mean energy change of a swap; of nine schedules the best on 2x2x2


@dataclass(frozen=True)
class Placements:
    """Placements found by a search, lowest energy first, no two tied.

    Attributes
    ----------
    energies_eV
        Energies, shape (placements,).
    occupied
        Occupied positions of the quadratic form, shape (placements, ions), ascending.
    n_evaluated
        Number of energies evaluated to find them.
    """

    energies_eV: NDArray[np.float64]
    occupied: NDArray[np.int64]
    n_evaluated: int


def random_search(
    form: QuadraticForm, n_ions: int, n_candidates: int, keep: int, seed: int, n_threads: int = 2
) -> Placements:
    """Draw placements uniformly at random and keep the lowest distinct ones.

    Parameters
    ----------
    form
        The energy.
    n_ions
        Number of ions to place.
    n_candidates
        Number of placements to draw.
    keep
        Number of distinct placements to return (fewer if fewer came up).
    seed
        Seed; the result does not depend on `n_threads`.
    n_threads
        Number of threads.

    Raises
    ------
    InputError
        If there are more ions than sites or a number is below 1.
    """
    _check(form, n_ions, n_candidates=n_candidates, keep=keep, n_threads=n_threads)
    sizes = np.diff([*range(0, n_candidates, _CHUNK), n_candidates])
    streams = _streams(seed, len(sizes))

    def draw(chunk: int) -> Any:
        return _random_placements(form.field, form.interaction, n_ions, int(sizes[chunk]), streams[chunk])

    chunks = _in_threads(draw, len(sizes), n_threads)
    energies = np.concatenate([chunk[0] for chunk in chunks])
    occupied = np.concatenate([chunk[1] for chunk in chunks])
    return _lowest_distinct(form, energies, occupied, keep, n_candidates)


def anneal(
    form: QuadraticForm,
    n_ions: int,
    n_swaps: int,
    keep: int,
    seed: int,
    n_chains: int = 24,
    n_threads: int = 2,
) -> Placements:
    """Find the placements of lowest energy by simulated annealing of swaps.

    Every chain starts at random and is cooled geometrically; a step swaps an ion and an empty site and is accepted by
    Metropolis' rule (S. Kirkpatrick, C. D. Gelatt, M. P. Vecchi, Science 220, 671 (1983)). Temperatures are
    fractions of the mean energy change of a swap in a random placement. The field at every site is kept up to date, so
    a proposed swap costs three look-ups.

    Parameters
    ----------
    form
        The energy.
    n_ions
        Number of ions to place.
    n_swaps
        Number of swaps proposed in each chain.
    keep
        Number of distinct placements to return, among all that the chains visited.
    seed
        Seed; the result does not depend on `n_threads`.
    n_chains
        Number of independent chains.
    n_threads
        Number of threads.

    Raises
    ------
    InputError
        If there are more ions than sites or a number is below 1.
    """
    _check(form, n_ions, n_swaps=n_swaps, keep=keep, n_chains=n_chains, n_threads=n_threads)
    if n_ions in {0, len(form.field)}:  # nothing to swap
        return random_search(form, n_ions, 1, 1, seed, 1)
    streams = _streams(seed, n_chains)

    def cool(chain: int) -> Any:
        return _anneal_chain(form.field, form.interaction, n_ions, n_swaps, keep, streams[chain])

    chains = _in_threads(cool, n_chains, n_threads)
    energies = np.concatenate([chain[0] for chain in chains])
    occupied = np.concatenate([chain[1] for chain in chains])
    return _lowest_distinct(form, energies, occupied, keep, n_chains * n_swaps)


def _check(form: QuadraticForm, n_ions: int, **at_least_one: int) -> None:
    if not 0 <= n_ions <= len(form.field):
        raise InputError(f"{n_ions} mobile ions do not fit on {len(form.field)} sites; allow more site labels")
    for name, value in at_least_one.items():
        if value < 1:
            raise InputError(f"{name} is {value}; it must be at least 1")


def _streams(seed: int, count: int) -> NDArray[np.uint64]:
    """One random state for every chunk or chain, independent of each other."""
    return np.array([s.generate_state(1, np.uint64) for s in np.random.SeedSequence(seed).spawn(count)])


def _in_threads(work: Callable[[int], Any], count: int, n_threads: int) -> list[Any]:
    with ThreadPoolExecutor(n_threads) as pool:  # the kernels release the interpreter lock
        return list(pool.map(work, range(count)))


def _lowest_distinct(
    form: QuadraticForm, energies: NDArray[np.float64], occupied: NDArray[np.integer], keep: int, n_evaluated: int
) -> Placements:
    order = np.argsort(energies, kind="stable")
    order = order[np.isfinite(energies[order])]
    chosen: list[int] = []
    for index in order:
        if not chosen or energies[index] - energies[chosen[-1]] > TIE_eV:
            chosen.append(int(index))
            if len(chosen) == keep:
                break
    ions = np.sort(occupied[chosen].astype(np.int64), axis=1)
    x = np.zeros((len(ions), len(form.field)), dtype=bool)
    np.put_along_axis(x, ions, values=True, axis=1)
    return Placements(form.energies(x), ions, n_evaluated)


@numba.njit(cache=True, nogil=True)
def _random_placements(field, interaction, n_ions, n_candidates, state):  # type: ignore[no-untyped-def]
    """Energies (without the constant) and sites of placements drawn by partial Fisher-Yates shuffles."""
    sites = np.arange(len(field)).astype(np.int16)
    energies = np.empty(n_candidates)
    occupied = np.empty((n_candidates, n_ions), dtype=np.int16)
    for candidate in range(n_candidates):
        _shuffle(sites, n_ions, state)
        energy = 0.0
        for i in range(n_ions):
            row = interaction[sites[i]]
            energy += field[sites[i]]
            for j in range(i):
                energy += row[sites[j]]
        energies[candidate] = energy
        occupied[candidate] = sites[:n_ions]
    return energies, occupied


@numba.njit(cache=True, nogil=True)
def _anneal_chain(field, interaction, n_ions, n_swaps, keep, state):  # type: ignore[no-untyped-def]
    """One chain: energies (without the constant, infinite where unused) and sites of the lowest placements visited."""
    n_sites = len(field)
    n_empty = n_sites - n_ions
    sites = np.arange(n_sites)  # ions on the first n_ions, the others empty
    _shuffle(sites, n_ions, state)
    local = field.copy()  # energy of one more ion on each site
    energy = 0.0
    for i in range(n_ions):
        energy += local[sites[i]]
        local += interaction[sites[i]]

    scale = 0.0
    for _ in range(_SAMPLED_SWAPS):
        a, b = index_pair(next_bits(state), n_ions, n_empty)
        ion, hole = sites[a], sites[n_ions + b]
        scale += abs(local[hole] - local[ion] - interaction[hole, ion]) / _SAMPLED_SWAPS

    best_energies = np.full(keep, np.inf)
    best_sites = np.zeros((keep, n_ions), dtype=np.int16)
    steps_each = max(1, n_swaps // _TEMPERATURE_STEPS)
    temperature = scale
    for step in range(n_swaps):
        if step % steps_each == 0:
            temperature = max(_HOT * scale * (_COLD / _HOT) ** (step / n_swaps), 1e-12)
        a, b = index_pair(next_bits(state), n_ions, n_empty)
        ion, hole = sites[a], sites[n_ions + b]
        change = local[hole] - local[ion] - interaction[hole, ion]
        if change > 40 * temperature or (change > 0 and unit_float(next_bits(state)) >= np.exp(-change / temperature)):
            continue
        sites[a], sites[n_ions + b] = hole, ion
        added, removed = interaction[hole], interaction[ion]
        for i in range(n_sites):
            local[i] += added[i] - removed[i]
        energy += change
        if energy < best_energies[keep - 1] - TIE_eV:
            _record(best_energies, best_sites, energy, sites)
    return best_energies, best_sites


@numba.njit(cache=True, nogil=True)
def _shuffle(sites, n_chosen, state):  # type: ignore[no-untyped-def]
    """Bring a random choice of the sites, in random order, to the first places."""
    for i in range(n_chosen):
        j = i + index_pair(next_bits(state), len(sites) - i, 1)[0]
        sites[i], sites[j] = sites[j], sites[i]


@numba.njit(cache=True, nogil=True)
def _record(best_energies, best_sites, energy, sites):  # type: ignore[no-untyped-def]
    """Insert a placement into the sorted list of the lowest, unless it ties with one that is there."""
    rank = 0
    while best_energies[rank] < energy - TIE_eV:
        rank += 1
    if best_energies[rank] > energy + TIE_eV:
        for i in range(len(best_energies) - 1, rank, -1):
            best_energies[i] = best_energies[i - 1]
            best_sites[i] = best_sites[i - 1]
        best_energies[rank] = energy
        best_sites[rank] = sites[: best_sites.shape[1]]
