"""Walks of known truth in a monoclinic, layered host."""

import numpy as np
import pytest

from superionic.analysis.synthetic import HoppingModel, hopping_model

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


@pytest.fixture
def layered_model():
    return _layered_model


@pytest.fixture
def rng():
    return np.random.default_rng(20)
