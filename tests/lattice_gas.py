"""Ions that cannot share a site: what most crystals do to jumps, and what no walk of independent ions has."""

# ruff: noqa: NPY002 - numba has no Generator that it can be given

import numba
import numpy as np

from superionic.analysis.synthetic import _add_hops, _add_vibration

TRANSIT_PS, VIBRATION_A = 0.3, 0.25


class LatticeGas:
    """A model's hops in a periodic supercell, each allowed only onto an empty site."""

    def __init__(self, model, supercell):
        self.model = model
        cells = np.stack(np.meshgrid(*map(np.arange, supercell), indexing="ij"), axis=-1).reshape(-1, 3)
        self.start_frac = (model.frac_coords + cells[:, None]).reshape(-1, 3)
        n_sites, n_all = len(model.labels), len(self.start_frac)
        width = np.bincount(model.source).max()
        self.cumulative = np.full((n_all, width), np.inf)
        self.target, self.hop = np.zeros((2, n_all, width), dtype=np.int64)
        into = np.rint(
            model.displacement_A @ np.linalg.inv(model.cell_A)
            + model.frac_coords[model.source]
            - model.frac_coords[model.target]
        ).astype(int)
        for site in range(n_sites):
            hops = np.flatnonzero(model.source == site)
            own = np.arange(len(cells)) * n_sites + site
            self.cumulative[own, : len(hops)] = np.cumsum(model.rate_per_ps[hops])
            self.hop[own, : len(hops)] = hops
            reached = (cells[:, None] + into[hops]) % supercell
            home = np.ravel_multi_index(tuple(np.moveaxis(reached, -1, 0)), supercell)
            self.target[own, : len(hops)] = home * n_sites + model.target[hops]

    def run(self, n_ions, n_frames, interval_ps, seed, vibrate=True):
        """Unwrapped positions in Å after 300 ps in which the ions spread."""
        rng = np.random.default_rng(seed)
        sites = rng.permutation(len(self.start_frac))[:n_ions]
        occupied = np.isin(np.arange(len(self.start_frac)), sites)
        _run(sites, occupied, self.cumulative, self.target, self.hop, 300.0, rng.integers(2**31))
        start = self.start_frac[sites] @ self.model.cell_A
        length = (n_frames - 1) * interval_ps
        ion, hop, time = _run(sites, occupied, self.cumulative, self.target, self.hop, length, rng.integers(2**31))
        positions = np.zeros((n_frames, n_ions, 3))
        positions[0] = start
        _add_hops(positions, ion, self.model.displacement_A[hop], time, interval_ps, TRANSIT_PS)
        if vibrate:
            turn = np.exp((-4.0 + 6j * np.pi) * interval_ps)
            noise = VIBRATION_A * rng.standard_normal((n_frames, n_ions, 3, 2))
            _add_vibration(positions, noise, turn.real, turn.imag)
        return positions


@numba.njit
def _run(sites, occupied, cumulative, target, hop, length, seed):
    """Every ion tries at the same rate; what is above its own, or leads onto another ion, does not happen."""
    np.random.seed(seed)
    total = np.array([row[np.isfinite(row)].max() for row in cumulative])
    ions, hops, times = [0 for _ in range(0)], [0 for _ in range(0)], [0.0 for _ in range(0)]
    time = 0.0
    while True:
        time += np.random.exponential(1 / (total.max() * len(sites)))
        if time >= length:
            return np.array(ions), np.array(hops), np.array(times)
        ion = np.random.randint(len(sites))
        site, chance = sites[ion], np.random.random() * total.max()
        if chance >= total[site]:
            continue
        choice = np.searchsorted(cumulative[site], chance, side="right")
        if occupied[target[site, choice]]:
            continue
        occupied[site], sites[ion] = False, target[site, choice]
        occupied[sites[ion]] = True
        ions.append(ion)
        hops.append(hop[site, choice])
        times.append(time)
