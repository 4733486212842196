"""Hopping walks whose diffusion tensor is known exactly: the ruler that the analysis is measured with.

Independent ions hop between named sites of a crystal with given rates, take a finite time to cross, and vibrate. The
tensor follows from the rates alone (crossing and vibration add nothing at long times), so every estimate can be
compared with the truth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class HoppingModel:
    """Sites of one unit cell and the hops between them.

    Attributes
    ----------
    cell_A
        Cell vectors as rows in Å, shape (3, 3).
    frac_coords
        Fractional coordinates of the sites, shape (n_sites, 3).
    labels
        Name of each site.
    occupation
        Equilibrium probability of each site, shape (n_sites,), sums to 1.
    source, target
        Site indices of each directed hop, shape (n_hops,).
    displacement_A
        Cartesian displacement of each hop in Å, shape (n_hops, 3).
    rate_per_ps
        Rate of each hop in 1/ps for an ion on its source, shape (n_hops,).
    """

    cell_A: Floats
    frac_coords: Floats
    labels: list[str]
    occupation: Floats
    source: Ints
    target: Ints
    displacement_A: Floats
    rate_per_ps: Floats

    def diffusion_tensor(self) -> Floats:
        """Return the exact tracer diffusion tensor in Å^2/ps, shape (3, 3).

        The uncorrelated part is half the mean of l l per time; what an ion is expected to move after a hop (it may
        sit on a site from which it mostly goes back) is added through the group inverse of the rate matrix
        (Okamura and Allnatt, J. Phys. C 16, 1841 (1983); Trinkle, Phil. Mag. 97, 2514 (2017)).
        """
        flux = self.occupation[self.source] * self.rate_per_ps
        bare = 0.5 * np.einsum("h,ha,hb->ab", flux, self.displacement_A, self.displacement_A)
        n_sites = len(self.occupation)
        generator = np.zeros((n_sites, n_sites))
        np.add.at(generator, (self.source, self.target), self.rate_per_ps)
        np.fill_diagonal(generator, generator.diagonal() - np.bincount(self.source, self.rate_per_ps, n_sites))
        drift = np.zeros((n_sites, 3))
        np.add.at(drift, self.source, self.rate_per_ps[:, None] * self.displacement_A)
        future = -np.linalg.pinv(generator) @ (drift - self.occupation @ drift)
        future -= self.occupation @ future
        correlated = np.einsum("h,ha,hb->ab", flux, self.displacement_A, future[self.target])
        return bare + 0.5 * (correlated + correlated.T)

    def hop_rate_per_ps(self) -> float:
        """Return the mean hop rate of one ion in 1/ps."""
        return float(self.occupation[self.source] @ self.rate_per_ps)

    def jump_diffusivity(self, chosen: NDArray[np.bool_] | None = None) -> float:
        """Return sum of rate x l^2 / 6 over the chosen hops (all of them by default) in Å^2/ps."""
        chosen = np.ones(len(self.source), dtype=bool) if chosen is None else chosen
        squares = np.einsum("ha,ha->h", self.displacement_A, self.displacement_A)
        return float((self.occupation[self.source] * self.rate_per_ps * squares)[chosen].sum() / 6)

    def scaled(self, factor: float) -> HoppingModel:
        """Return the same walk with all rates multiplied by `factor`."""
        return HoppingModel(**{**self.__dict__, "rate_per_ps": self.rate_per_ps * factor})


@dataclass(frozen=True)
class SyntheticRun:
    """A walk, and what truly happened in it."""

    positions_A: Floats
    """Unwrapped Cartesian positions in Å, shape (n_frames, n_ions, 3)."""
    n_hops: int
    """Hops that began within the run."""
    hop_ion: Ints
    """Ion of each hop, shape (n_hops,)."""
    hop_edge: Ints
    """Index of each hop into the hops of the model, shape (n_hops,)."""
    hop_time_ps: Floats
    """Start of each hop in ps, shape (n_hops,)."""


def hopping_model(
    cell_A: Any,
    frac_coords: Any,
    labels: list[str],
    cutoff_A: float,
    symmetric_rate_per_ps: dict[tuple[str, str], float],
    weights: dict[str, float] | None = None,
) -> HoppingModel:
    """Connect all sites closer than a cutoff, with rates that obey detailed balance.

    Parameters
    ----------
    cell_A, frac_coords, labels
        The crystal's cell (rows, Å), its sites and their names.
    cutoff_A
        Longest hop in Å.
    symmetric_rate_per_ps
        Rate in 1/ps for each unordered pair of labels (sorted tuple); pairs that are missing do not hop. The rate
        from site s is this divided by the weight of s.
    weights
        Relative equilibrium occupation of a site of each label; 1 by default.
    """
    cell = np.asarray(cell_A, dtype=float)
    frac = np.asarray(frac_coords, dtype=float)
    weight = np.array([(weights or {}).get(label, 1.0) for label in labels])
    reach = np.ceil(cutoff_A * np.linalg.norm(np.linalg.inv(cell), axis=0)).astype(int)
    images = np.stack(np.meshgrid(*[np.arange(-n, n + 1) for n in reach], indexing="ij"), axis=-1).reshape(-1, 3)
    vectors = (frac[None, :, None] + images[None, None] - frac[:, None, None]) @ cell
    lengths = np.linalg.norm(vectors, axis=-1)
    source, target, image = np.nonzero((lengths > 1e-6) & (lengths < cutoff_A))
    rate = np.array(
        [
            symmetric_rate_per_ps.get((min(labels[s], labels[t]), max(labels[s], labels[t])), 0.0) / weight[s]
            for s, t in zip(source, target, strict=True)
        ]
    )
    used = rate > 0
    return HoppingModel(
        cell_A=cell,
        frac_coords=frac,
        labels=list(labels),
        occupation=weight / weight.sum(),
        source=source[used],
        target=target[used],
        displacement_A=vectors[source, target, image][used],
        rate_per_ps=rate[used],
    )


def simulate(
    model: HoppingModel,
    n_ions: int,
    n_frames: int,
    frame_interval_ps: float,
    rng: np.random.Generator,
    *,
    supercell: tuple[int, int, int] = (1, 1, 1),
    transit_ps: float = 0.3,
    vibration_A: float = 0.25,
    vibration_THz: float = 3.0,
    damping_per_ps: float = 4.0,
) -> SyntheticRun:
    """Simulate independent ions on the model's lattice.

    Parameters
    ----------
    model
        Sites and rates.
    n_ions, n_frames, frame_interval_ps
        Size and sampling of the run.
    rng
        Source of all randomness.
    supercell
        The cell over which the ions are spread at the start.
    transit_ps
        Time that a hop takes, in ps.
    vibration_A, vibration_THz, damping_per_ps
        Amplitude per axis in Å, frequency in THz and damping in 1/ps of a damped oscillator on each coordinate.
    """
    edges_by_site = [np.flatnonzero(model.source == s) for s in range(len(model.labels))]
    width = max(len(edges) for edges in edges_by_site)
    edges = np.full((len(edges_by_site), width), -1)
    cumulative = np.full((len(edges_by_site), width), np.inf)
    total = np.zeros(len(edges_by_site))
    for s, own in enumerate(edges_by_site):
        edges[s, : len(own)] = own
        cumulative[s, : len(own)] = np.cumsum(model.rate_per_ps[own])
        total[s] = model.rate_per_ps[own].sum()
    start_site = rng.choice(len(model.labels), size=n_ions, p=model.occupation)
    start = (model.frac_coords[start_site] + rng.integers(0, supercell, size=(n_ions, 3))) @ model.cell_A
    length_ps = (n_frames - 1) * frame_interval_ps
    capacity = int(10 + 2 * n_ions * length_ps * total.max() + 10 * np.sqrt(n_ions * length_ps * total.max() + 1))
    seed = int(rng.integers(2**31))
    ion, edge, time = _walk(
        start_site, edges, cumulative, total, model.target, length_ps + transit_ps, transit_ps, capacity, seed
    )
    positions = np.zeros((n_frames, n_ions, 3))
    positions[0] = start
    _add_hops(positions, ion, model.displacement_A[edge], time, frame_interval_ps, transit_ps)
    if vibration_A > 0:
        rotation = np.exp((-damping_per_ps + 2j * np.pi * vibration_THz) * frame_interval_ps)
        noise = rng.standard_normal((n_frames, n_ions, 3, 2)) * vibration_A
        _add_vibration(positions, noise, rotation.real, rotation.imag)
    inside = (time >= 0) & (time < length_ps)
    return SyntheticRun(positions, int(inside.sum()), ion[inside], edge[inside], time[inside])


@numba.njit(cache=True)
def _walk(start_site, edges, cumulative, total, target, length, before, capacity, seed):  # type: ignore[no-untyped-def]
    """Kinetic Monte Carlo of every ion from -before to length; hops in flight at the start count as begun."""
    np.random.seed(seed)  # noqa: NPY002 - numba has no Generator passing across a cache
    ion = np.empty(capacity, dtype=np.int64)
    edge = np.empty(capacity, dtype=np.int64)
    time = np.empty(capacity, dtype=np.float64)
    n = 0
    for i in range(len(start_site)):
        site = start_site[i]
        t = -before
        while total[site] > 0:
            t += np.random.exponential(1.0 / total[site])  # noqa: NPY002
            if t >= length or n == capacity:
                break
            chosen = np.searchsorted(cumulative[site], np.random.random() * total[site], side="right")  # noqa: NPY002
            ion[n], edge[n], time[n] = i, edges[site, chosen], t
            site = target[edges[site, chosen]]
            n += 1
    return ion[:n], edge[:n], time[:n]


@numba.njit(cache=True)
def _add_hops(positions, ion, displacement, time, interval, transit):  # type: ignore[no-untyped-def]
    """Add each hop as a smooth step, first as increments and then summed over the frames."""
    n_frames, n_ions, _ = positions.shape
    for h in range(len(ion)):
        done = 0.0
        frame = max(0, int(np.ceil(time[h] / interval)))
        while frame < n_frames and done < 1.0:
            s = 1.0 if transit <= 0 else min(1.0, (frame * interval - time[h]) / transit)
            s = s * s * (3 - 2 * s)
            for a in range(3):
                positions[frame, ion[h], a] += (s - done) * displacement[h, a]
            done = s
            frame += 1
    for frame in range(1, n_frames):
        for i in range(n_ions):
            for a in range(3):
                positions[frame, i, a] += positions[frame - 1, i, a]


@numba.njit(cache=True)
def _add_vibration(positions, noise, real, imag):  # type: ignore[no-untyped-def]
    """Add the real part of an exactly sampled damped complex oscillator to every coordinate."""
    n_frames, n_ions, _ = positions.shape
    kick = np.sqrt(1 - real * real - imag * imag)
    for i in range(n_ions):
        for a in range(3):
            u, v = noise[0, i, a]
            positions[0, i, a] += u
            for frame in range(1, n_frames):
                u, v = (
                    real * u - imag * v + kick * noise[frame, i, a, 0],
                    imag * u + real * v + kick * noise[frame, i, a, 1],
                )
                positions[frame, i, a] += u
