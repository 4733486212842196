"""Shortest images in the true metric of any cell, and the step up to which they are the true ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superionic.trajectories.unwrap import SAFE_SHARE, Lattice

ALL = np.stack(np.meshgrid(*[np.arange(-6, 7)] * 3, indexing="ij"), -1).reshape(-1, 3)
numbers = st.floats(-1.0, 1.0)


def random_cell(seed):
    """A cell of any shape, and the same lattice described by badly chosen, very oblique vectors."""
    rng = np.random.default_rng(seed)
    cell = np.diag(rng.uniform(4, 12, 3)) + rng.uniform(-2, 2, (3, 3))
    return np.array([[1, 0, 0], [rng.integers(-2, 3), 1, 0], [rng.integers(-2, 3), rng.integers(-2, 3), 1]]) @ cell


@pytest.mark.parametrize("seed", range(30))
def test_the_shortest_vector_is_that_of_brute_force(seed):
    cell = random_cell(seed)
    lengths = np.linalg.norm(ALL[np.any(ALL != 0, axis=1)] @ cell, axis=1)
    assert Lattice(cell).shortest_vectors_A(cell[None])[0] == pytest.approx(lengths.min())


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6), st.tuples(numbers, numbers, numbers), st.floats(0, 0.999))
def test_a_step_shorter_than_the_limit_is_found_whatever_was_added_to_it(seed, direction, share):
    cell = random_cell(seed)
    lattice = Lattice(cell)
    length = np.linalg.norm(direction)
    if length < 1e-3:
        return
    step = np.array(direction) / length * share * SAFE_SHARE * lattice.shortest_vectors_A(cell[None])[0]
    image = np.random.default_rng(seed).integers(-3, 4, 3)
    images, lengths = lattice.shortest_images((step @ np.linalg.inv(cell) + image)[None, None], cell[None])
    assert np.array_equal(images[0, 0], image)
    assert lengths[0, 0] == pytest.approx(np.linalg.norm(step), abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_the_image_of_any_step_is_the_shortest_of_brute_force(seed):
    cell = random_cell(seed)
    steps = np.random.default_rng(seed).uniform(-1, 1, (40, 1, 3))
    images, lengths = Lattice(cell).shortest_images(steps, np.broadcast_to(cell, (40, 3, 3)))
    every = np.linalg.norm((steps - ALL) @ cell, axis=2).min(axis=1)
    assert lengths[:, 0] == pytest.approx(every)
    assert np.linalg.norm((steps - images) @ cell, axis=2)[:, 0] == pytest.approx(every)


def test_rounding_fractions_alone_would_be_wrong_in_an_oblique_cell():
    cell = np.array([[10.0, 0, 0], [9.0, 3.0, 0], [0, 0, 10.0]])
    step = np.array([0.9, -0.9, 0])  # 0.9 (a - b) is 0.3 Å short of a - b, the shortest vector
    images, _ = Lattice(cell).shortest_images(step[None, None], cell[None])
    assert np.array_equal(images[0, 0], [1, -1, 0])
    step = np.array([0.4, -0.6, 0.0])
    rounded = np.linalg.norm((step - np.rint(step)) @ cell)
    assert Lattice(cell).shortest_images(step[None, None], cell[None])[1][0, 0] < rounded
