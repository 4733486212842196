"""`superionic bench analysis`: speed and memory of the analysis, as ratios against GEMDAT and numpy."""

from __future__ import annotations

import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Element, Lattice, Structure
from scipy.spatial import cKDTree

from superionic.analysis import diffusivity
from superionic.analysis.assignment import assign, distance_statistics, voxel_index
from superionic.analysis.density import density_of
from superionic.analysis.displacement import mean_squared_displacement
from superionic.analysis.frames import thinned
from superionic.analysis.sites import Sites
from superionic.analysis.synthetic import HoppingModel, hopping_model, simulate
from superionic.bench.rows import row
from superionic.structures.host import Host, NamedSite
from superionic.trajectories import Trajectory, from_arrays
from superionic.trajectories.codec import FrameReader, FrameWriter, pack
from superionic.trajectories.stored import StoredPositions

Floats = NDArray[np.float64]

RADIUS_A = 0.9
RESOLUTION_A = 0.25
CASES = {"small": (24, 56, 100_000, (2, 1, 2)), "large": (48, 112, 500_000, (2, 2, 2))}
"""Mobile ions, framework ions, frames and supercell: 80 atoms x 100,000 and 160 x 500,000."""
_CELL_A = Lattice.from_parameters(6.4, 11.1, 6.4, 90, 110, 90, vesta=True).matrix
_AMPLE_GB = 100.0


def run(cases: tuple[str, ...] = ("small",), *, peers: bool = True) -> list[dict[str, Any]]:
    """Measure each step of the analysis on a synthetic walk in a monoclinic cell (a along x, as GEMDAT needs).

    Parameters
    ----------
    cases
        'small' and 'large'; GEMDAT takes minutes and 13 GB for the large one, so it runs on the small one only.
    peers
        Whether to run GEMDAT and the plain references at all.

    Returns
    -------
    Rows with ``name``, ``value``, ``unit``, ``target`` and ``met``; kernels are compiled before the clock starts.
    """
    rows = []
    for case in cases:
        run_, sites = _case(*CASES[case])
        mobile = np.ascontiguousarray(np.asarray(run_.positions_A)[:, run_.mobile])
        _sites_and_jumps(mobile[:100], sites)
        ours = {
            "MSD": _seconds(partial(mean_squared_displacement, mobile)),
            "sites and jumps": _seconds(partial(_sites_and_jumps, mobile, sites)),
            "density": _seconds(partial(density_of, mobile, run_.cell_A, 700.0, RESOLUTION_A)),
        }
        rows += [row(f"{case}: {name}", seconds, "s") for name, seconds in ours.items()]
        if peers:
            rows += _against_plain(case, mobile, sites, ours)
            if case == "small":
                rows += _against_gemdat(case, run_, sites, ours)
        with tempfile.TemporaryDirectory(prefix="superionic-bench-") as folder:
            stored, mobile_bytes = _stored(run_, Path(folder)), mobile.nbytes
            del run_, mobile
            rows += _whole_document(case, stored, mobile_bytes)
    return rows


def _whole_document(case: str, stored: Trajectory, mobile_bytes: int) -> list[dict[str, Any]]:
    """Time of one document from a stored run with its host, and memory it takes over what the mobile ions take."""
    host = _host()
    diffusivity(thinned(stored, 500), host)
    in_parts = 0.5 * mobile_bytes / 1e9
    seconds = _seconds(partial(diffusivity, stored, host, memory_GB=_AMPLE_GB))
    return [
        row(f"{case}: whole document", seconds, "s", at_most=3.0 if case == "small" else None),
        row(
            f"{case}: peak memory / mobile ions",
            _peak_bytes(partial(diffusivity, stored, host, memory_GB=_AMPLE_GB)) / mobile_bytes,
            "x",
            at_most=1.5,
        ),
        row(
            f"{case}: the same, allowed half of the mobile ions",
            _peak_bytes(partial(diffusivity, stored, host, memory_GB=in_parts)) / mobile_bytes,
            "x",
            at_most=1.0,
        ),
    ]


def _peak_bytes(work: Callable[[], object]) -> int:
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def _stored(run_: Trajectory, folder: Path) -> Trajectory:
    """The run as a builder finds it: packed in a file."""
    writer = FrameWriter(folder / "frames", run_.n_atoms, chunks_at_once=8)
    for step, positions in enumerate(np.asarray(run_.positions_A)):
        writer.append(
            step, positions, run_.cell_A, potential_energy_eV=0.0, conserved_energy_eV=0.0, temperature_K=700.0
        )
    writer.close()
    file = folder / "frames.zip"
    file.write_bytes(pack(folder / "frames"))
    return replace(run_, positions_A=StoredPositions([FrameReader(file)]))


def _sites_and_jumps(mobile: Floats, sites: Sites) -> object:
    index = voxel_index(sites)
    distance_statistics(mobile, sites, index)
    return assign(mobile, sites, np.full(len(sites.names), RADIUS_A), index)


def _case(n_mobile: int, n_framework: int, n_frames: int, supercell: tuple[int, int, int]) -> tuple[Trajectory, Sites]:
    rng = np.random.default_rng(0)
    model, crystal = _model(), _host().structure.copy()
    cell = np.diag(supercell) @ model.cell_A
    crystal.make_supercell(supercell)
    species = ["Li"] * n_mobile + [site.specie.symbol for site in crystal]
    positions = np.empty((n_frames, n_mobile + n_framework, 3))
    positions[:, :n_mobile] = simulate(model, n_mobile, n_frames, 0.02, rng, supercell=supercell).positions_A
    for start in range(0, n_frames, 10_000):
        part = positions[start : start + 10_000, n_mobile:]
        part[:] = crystal.cart_coords + 0.15 * rng.standard_normal(part.shape)
    shifts = np.stack(np.meshgrid(*[np.arange(n) for n in supercell], indexing="ij"), axis=-1).reshape(-1, 3)
    frac = (model.frac_coords[:, None] + shifts).reshape(-1, 3) / np.array(supercell)
    labels = [label for label in model.labels for _ in shifts]
    sites = Sites(cell, frac, labels, [None] * len(labels), np.zeros(len(labels), dtype=bool))
    return from_arrays(positions, cell, species, 0.02, 700.0, "Li", temperatures_K=np.full(n_frames, 700.0)), sites


def _octahedra() -> dict[str, Floats]:
    """Two layers of octahedral sites in a C-centred monoclinic cell of the size of a layered halide."""
    columns = {"lower": (0.0, (1 / 6, 1 / 2, 5 / 6)), "upper": (0.5, (0.0, 1 / 3, 2 / 3))}
    return {
        label: np.array([(x, (y + x) % 1, z) for x in (0.0, 0.5) for y in ys]) for label, (z, ys) in columns.items()
    }


def _model() -> HoppingModel:
    sites = _octahedra()
    labels = [label for label, frac in sites.items() for _ in frac]
    rates = {("lower", "lower"): 0.01, ("upper", "upper"): 0.01, ("lower", "upper"): 0.004}
    return hopping_model(_CELL_A, np.concatenate(list(sites.values())), labels, 4.3, rates)


def _host() -> Host:
    """The octahedra, tetrahedra between the layers, two cations on octahedra and the anions around them."""
    orbits = {
        label: Structure.from_spacegroup("C2/m", Lattice(_CELL_A), ["Cl"], [frac]).frac_coords % 1.0
        for label, frac in {"X": (0.745, 0, 0.761), "Y": (0.236, 0.34, 0.231), "T": (0.123, 0.168, 0.379)}.items()
    }
    anions = {label: orbits[label] for label in "XY"}
    cations = np.array([(0, 1 / 2, 0), (1 / 2, 0, 0)])
    structure = Structure(Lattice(_CELL_A), ["In"] * 2 + ["Cl"] * 12, np.concatenate([cations, *anions.values()]))
    sites = [NamedSite(name, "", name, "octahedral", ("In", "Li"), frac) for name, frac in _octahedra().items()]
    sites += [NamedSite("T", "", None, "tetrahedral", ("Li",), orbits["T"])]
    sites += [NamedSite(name, "", None, "anion", ("Cl",), frac) for name, frac in anions.items()]
    return Host("bench", structure, tuple(sites), "Li", ("Cl",), {"Li": 1.0, "In": 3.0, "Cl": -1.0}, "c*", {}, {})


def _against_plain(case: str, mobile: Floats, sites: Sites, ours: dict[str, float]) -> list[dict[str, Any]]:
    positions, _, _ = sites.with_images
    inverse = np.linalg.inv(sites.cell_A)

    def kd_tree() -> object:
        wrapped = ((mobile.reshape(-1, 3) @ inverse) % 1.0) @ sites.cell_A
        return cKDTree(positions).query(wrapped)

    return [
        row(f"{case}: MSD, ours / plain numpy FFT", ours["MSD"] / _once(partial(_plain_msd, mobile)), "x", at_most=2.0),
        row(f"{case}: sites, ours / KD-tree", ours["sites and jumps"] / _once(kd_tree), "x", at_most=2.0),
    ]


def _plain_msd(positions: Floats) -> Floats:
    """The usual Fourier form, scalar, one ion after the other."""
    n = len(positions)
    lags = np.arange(n)
    total = np.zeros(n)
    for ion in positions.transpose(1, 0, 2):
        transform = np.fft.rfft(ion, 2 * n, axis=0)
        correlation = np.fft.irfft(np.abs(transform) ** 2, axis=0)[:n].sum(axis=1)
        squares = np.concatenate([[0.0], np.cumsum(np.sum(ion**2, axis=1))])
        total += ((squares[n] - squares[lags]) + squares[n - lags] - 2 * correlation) / (n - lags)
    return total / positions.shape[1]


def _against_gemdat(case: str, trajectory: Trajectory, sites: Sites, ours: dict[str, float]) -> list[dict[str, Any]]:
    from gemdat.trajectory import Trajectory as GemdatTrajectory
    from gemdat.transitions import Transitions

    lattice = Lattice(trajectory.cell_A)
    mobile = trajectory.mobile
    peer = GemdatTrajectory(
        species=[Element("Li")] * len(mobile),
        coords=(np.asarray(trajectory.positions_A)[:, mobile] @ np.linalg.inv(trajectory.cell_A)) % 1.0,
        lattice=lattice.matrix,
        time_step=trajectory.frame_interval_ps * 1e-12,
        constant_lattice=True,
        metadata={"temperature": 700.0},
    )
    crystal = Structure(lattice, ["Li"] * len(sites.labels), sites.frac_coords, labels=sites.labels)
    theirs = {
        "MSD": _once(peer.mean_squared_displacement),
        "sites and jumps": _once(
            lambda: Transitions.from_trajectory(
                trajectory=peer, sites=crystal, floating_specie="Li", site_radius=RADIUS_A
            ).jumps()
        ),
        "density": _once(lambda: peer.to_volume(resolution=RESOLUTION_A)),
    }
    targets = {"MSD": 7.0, "sites and jumps": 30.0, "density": 50.0}
    return [
        row(f"{case}: {name}, GEMDAT / ours", theirs[name] / ours[name], "x", at_least=target)
        for name, target in targets.items()
    ]


def _once(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _seconds(work: Callable[[], object], repeats: int = 3) -> float:
    return min(_once(work) for _ in range(repeats))
