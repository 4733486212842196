"""Walks of known truth in a monoclinic, layered host."""

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from superionic.analysis.synthetic import HoppingModel, hopping_model, simulate
from superionic.structures.host import Host, NamedSite
from superionic.trajectories.trajectory import from_arrays

BETA = np.radians(110.0)
CELL = np.array([[6.4, 0, 0], [0, 11.1, 0], [6.4 * np.cos(BETA), 0, 6.4 * np.sin(BETA)]])
SITES = {
    "P": [(0, 1 / 2, 0), (1 / 2, 0, 0)],
    "Q": [(0, 1 / 6, 0), (0, 5 / 6, 0), (1 / 2, 2 / 3, 0), (1 / 2, 1 / 3, 0)],
    "R": [(0, 0, 1 / 2), (1 / 2, 1 / 2, 1 / 2)],
    "S": [(0, 1 / 3, 1 / 2), (0, 2 / 3, 1 / 2), (1 / 2, 5 / 6, 1 / 2), (1 / 2, 1 / 6, 1 / 2)],
}
RATES = {
    ("P", "Q"): 0.03,
    ("Q", "Q"): 0.05,
    ("R", "S"): 0.12,
    ("S", "S"): 0.08,
    ("P", "S"): 0.02,
    ("Q", "R"): 0.02,
    ("Q", "S"): 0.015,
    ("P", "R"): 0.01,
}
WEIGHTS = {"P": 0.2, "Q": 0.5, "R": 1.0, "S": 1.0}
SUPERCELL = (2, 1, 2)


def _layered_model(scale: float = 1.0, pair_factor: float = 1.0) -> HoppingModel:
    """Hops between the octahedral sites of two kinds of layers.

    `pair_factor` speeds up the hop across one S-S pair, which makes jumps correlated (back and forth).
    """
    labels = [label for label, coords in SITES.items() for _ in coords]
    coords = [coord for group in SITES.values() for coord in group]
    model = hopping_model(CELL, coords, labels, 4.3, {pair: rate * scale for pair, rate in RATES.items()}, WEIGHTS)
    step = model.displacement_A
    named = np.array(labels)
    pair = (named[model.source] == "S") & (named[model.target] == "S") & (np.abs(step[:, [0, 2]]).max(axis=1) < 0.1)
    rates = model.rate_per_ps * np.where(pair, pair_factor, 1.0)
    return HoppingModel(**{**model.__dict__, "rate_per_ps": rates})


ANIONS = {"X": [(0.745, 0, 0.761)], "Y": [(0.236, 0.34, 0.231)]}
TETRAHEDRON = [(0.123, 0.168, 0.379)]
LAYERS = {"P": "lower", "Q": "lower", "R": "upper", "S": "upper", "T": "between"}


def _orbit(coords):
    structure = Structure.from_spacegroup("C2/m", Lattice(CELL), ["H"], coords)
    return structure.frac_coords % 1.0


def _layered_host() -> Host:
    """Cations in octahedra of two layers, a tetrahedral passage, and the anions around them."""
    coords = {**{k: np.array(v, dtype=float) for k, v in SITES.items()}, "T": _orbit(TETRAHEDRON)}
    anions = {label: _orbit(c) for label, c in ANIONS.items()}
    species = [*["In"] * 2, *["Cl"] * 12]
    structure = Structure(Lattice(CELL), species, np.concatenate([coords["P"], *anions.values()]))
    sites = [
        NamedSite(
            label,
            "",
            LAYERS[label],
            "tetrahedral" if label == "T" else "octahedral",
            ("Li",) if label == "T" else ("In", "Li"),
            c,
        )
        for label, c in coords.items()
    ]
    sites += [NamedSite(label, "", None, "anion", ("Cl",), c) for label, c in anions.items()]
    return Host("layered", structure, tuple(sites), "Li", ("Cl",), {"Li": 1.0, "In": 3.0, "Cl": -1.0}, "c*", {}, {})


@pytest.fixture
def layered_host():
    return _layered_host()


@pytest.fixture
def layered_model():
    return _layered_model


@pytest.fixture
def make_run():
    """A run of 24 walkers on the host's sites, among 8 vibrating cations and 48 anions; returns it with the walk."""

    def make(
        scale=0.1,
        pair_factor=1.0,
        temperature_K=700.0,
        seed=0,
        n_frames=2000,
        framework=None,
        matrix=None,
        interval_ps=0.1,
        **walk,
    ):
        rng = np.random.default_rng(seed)
        matrix = np.diag(SUPERCELL) if matrix is None else np.asarray(matrix)
        cell = matrix @ CELL
        run = simulate(_layered_model(scale, pair_factor), 24, n_frames, interval_ps, rng, supercell=SUPERCELL, **walk)
        host = _layered_host()
        ordered = host.structure.copy()
        ordered.make_supercell(matrix)
        frame = ordered.cart_coords + 0.12 * rng.normal(size=(n_frames, len(ordered), 3))
        if framework is not None:
            frame = framework(frame, rng)
        species = ["Li"] * 24 + [site.specie.symbol for site in ordered]
        temperatures = rng.normal(temperature_K, 30, n_frames)
        positions = np.concatenate([run.positions_A, frame], axis=1)
        made = from_arrays(positions, cell, species, interval_ps, temperature_K, "Li", temperatures_K=temperatures)
        return made, run

    return make


@pytest.fixture
def rng():
    return np.random.default_rng(20)
