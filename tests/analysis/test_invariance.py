"""No number may depend on how the same motion is written down."""

from itertools import pairwise

import numpy as np
import pytest
from pymatgen.core import Lattice
from scipy.spatial.transform import Rotation

from same_documents import assert_same
from stored_walk import stored_segment
from superionic.analysis import Density, diffusivity
from superionic.analysis.frames import reduced_cell
from superionic.trajectories import stitch
from superionic.trajectories.trajectory import from_arrays


@pytest.fixture
def run(make_run):
    return make_run(n_frames=1500, pair_factor=15.0)[0]  # jumps that remember each other, so that sites count in D


def rewritten(run, positions=None, cell=None, species=None):
    return from_arrays(
        run.positions_A if positions is None else positions,
        run.cell_A if cell is None else cell,
        run.species if species is None else species,
        run.frame_interval_ps,
        run.temperature_K,
        "Li",
        temperatures_K=run.temperatures_K,
    )


def rotated(run, rng):
    turn = Rotation.random(rng=rng).as_matrix()
    return rewritten(run, run.positions_A @ turn, run.cell_A @ turn)


def reordered(run, rng):
    order = rng.permutation(run.n_atoms)
    return rewritten(run, run.positions_A[:, order], species=[run.species[k] for k in order])


def shifted(run, rng):
    return rewritten(run, run.positions_A + rng.uniform(-20, 20, size=3))


def wrapped_once_and_unwrapped(run, rng):
    frac = run.positions_A @ np.linalg.inv(run.cell_A)
    wrapped = frac % 1.0
    steps = np.diff(wrapped, axis=0)
    steps -= np.rint(steps)
    unwrapped = np.concatenate([wrapped[:1], wrapped[:1] + np.cumsum(steps, axis=0)])
    return rewritten(run, unwrapped @ run.cell_A)


def other_cell(run, rng):
    return rewritten(run, cell=np.array([[1, 0, 1], [0, 1, 0], [0, 0, 1]]) @ run.cell_A)


FRAME_DEPENDENT = {
    rotated: ("tensor", "principal_axes", "density.cell_A", "density.origin_A"),  # they turn with the cell
    shifted: ("density.origin_A",),
    other_cell: ("along_cell_cm2_per_s.a", "percolation_barrier_eV.c"),  # the new a is a + c
}


@pytest.mark.parametrize("change", [rotated, reordered, shifted, wrapped_once_and_unwrapped, other_cell])
def test_every_number_of_the_document_is_the_same(run, layered_host, rng, change):
    before = diffusivity(run, layered_host)
    after = diffusivity(change(run, rng), layered_host)
    assert before.percolation_barrier_eV.keys() == {"a", "b", "c"}
    assert_same(before, after, FRAME_DEPENDENT.get(change, ()))


@pytest.mark.parametrize("change", [rotated, reordered, shifted, wrapped_once_and_unwrapped, other_cell])
def test_every_number_is_the_same_in_a_cell_that_changes(run, layered_host, rng, change):
    cells = run.cell_A @ (np.eye(3) + 0.01 * rng.normal(size=(run.n_frames, 3, 3)))
    breathing = rewritten(run, run.positions_A @ np.linalg.inv(run.cell_A) @ cells, cells)
    before = diffusivity(breathing, layered_host)
    assert before.sites is not None
    assert_same(before, diffusivity(change(breathing, rng), layered_host), FRAME_DEPENDENT.get(change, ()))


def test_the_tensor_turns_with_the_cell(run, rng):
    turn = Rotation.random(rng=rng).as_matrix()
    before = np.array(diffusivity(run).diffusivity_tensor_cm2_per_s)
    turned = rewritten(run, run.positions_A @ turn, run.cell_A @ turn)
    after = np.array(diffusivity(turned).diffusivity_tensor_cm2_per_s)
    np.testing.assert_allclose(after, turn.T @ before @ turn, rtol=1e-6, atol=1e-6 * before.max())


@pytest.mark.parametrize("change", [rotated, reordered, shifted, wrapped_once_and_unwrapped, other_cell])
def test_percolation_barriers_are_the_same(make_run, rng, change):
    """The grid hangs on the run; with another c, only what leads along it may differ."""
    run = make_run(scale=0.6, n_frames=6000)[0]
    before = diffusivity(run).percolation_barrier_eV
    after = diffusivity(change(run, rng)).percolation_barrier_eV
    assert None not in before.values()
    for axis in "ab" if change is other_cell else "abc":
        assert after[axis] == pytest.approx(before[axis], rel=1e-6)


@pytest.mark.parametrize("parameters", [(5, 5, 8, 90, 90, 120), (7, 7, 7, 90, 90, 90), (12.8, 11.1, 12.8, 90, 110, 90)])
def test_the_reduced_cell_turns_with_the_cell(parameters, rng):
    """Where symmetry leaves a choice, it must not be made by rounding: the grid of the density hangs on it."""
    cell = Lattice.from_parameters(*parameters).matrix
    for turn in Rotation.random(50, rng=rng).as_matrix():
        np.testing.assert_allclose(reduced_cell(cell @ turn), reduced_cell(cell) @ turn, atol=1e-9)


def at(density, points):
    """Density at Cartesian points."""
    shape = np.array(density.ions_per_A3.shape)
    voxel = np.floor(((points - density.origin_A) @ np.linalg.inv(density.cell_A) % 1.0) * shape).astype(int)
    return density.ions_per_A3[tuple(voxel.T)]


@pytest.mark.parametrize("change", [rotated, reordered, wrapped_once_and_unwrapped, other_cell])
def test_the_density_at_a_point_of_the_crystal_is_the_same(run, change):
    before = Density.from_document(diffusivity(run).density)
    after = Density.from_document(diffusivity(change(run, np.random.default_rng(5))).density)
    turn = np.linalg.inv(run.cell_A) @ rotated(run, np.random.default_rng(5)).cell_A if change is rotated else np.eye(3)
    points = np.random.default_rng(6).uniform(-30, 30, size=(20_000, 3))
    found = at(before, points)
    assert (found > 0).mean() > 0.05
    np.testing.assert_allclose(at(after, points @ turn), found)


def test_splitting_into_stored_segments_changes_nothing(run, layered_host, tmp_path):
    """Exactly the same however it is split, and within the codec's 1e-4 Å of the run before it was stored."""
    whole = stitch([stored_segment(run, tmp_path, 0, 0, 1500)])
    borders = (0, 400, 1100, 1500)
    (tmp_path / "split").mkdir()
    parts = [stored_segment(run, tmp_path / "split", n, a, b) for n, (a, b) in enumerate(pairwise(borders))]
    assert_same(diffusivity(stitch(parts[::-1]), layered_host), diffusivity(whole, layered_host), rel=0.0)
    before, after = diffusivity(run).diffusivity_cm2_per_s, diffusivity(whole).diffusivity_cm2_per_s
    assert after.value == pytest.approx(before.value, rel=1e-4)
    assert after.standard_error == pytest.approx(before.standard_error, rel=1e-4)
