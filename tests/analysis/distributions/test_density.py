"""Density, and passes that can be counted by hand."""

import json

import numpy as np
import pytest
from pymatgen.core import Lattice
from scipy.spatial.transform import Rotation

from superionic.analysis import diffusivity
from superionic.analysis.distributions.density import Density, density_of, mobile_density
from superionic.documents import DensityVolume, DiffusivityDocument
from superionic.errors import InputError, StoreError

KT = 8.617333262e-5 * 1000.0


def channel(energies, shape=(6, 5, 4)):
    """A channel along a at j = k = 2 with given free energies in kT; nothing elsewhere."""
    density = np.zeros(shape)
    density[:, 2, 2] = np.exp(-np.asarray(energies, dtype=float))
    return Density(density, np.diag([6.0, 5.0, 4.0]), 1000.0)


def test_barrier_is_the_highest_point_of_the_channel():
    barriers = channel([0, 1, 2, 5, 2, 1]).percolation_barriers_eV()
    assert barriers["a"] == pytest.approx(5 * KT)
    assert barriers["b"] is None
    assert barriers["c"] is None


def test_a_detour_round_the_high_point_is_taken():
    density = channel([0, 1, 2, 9, 2, 1])
    density.ions_per_A3[2:5, 3, 2] = np.exp(-3.0)
    assert density.percolation_barriers_eV()["a"] == pytest.approx(3 * KT)


def test_a_channel_that_winds_through_two_cells_counts_for_both_axes():
    grid = np.zeros((4, 4, 4))
    for k in range(4):
        grid[k, k, 0] = 1.0
    barriers = Density(grid, np.eye(3) * 4, 1000.0).percolation_barriers_eV()
    assert (barriers["a"], barriers["b"], barriers["c"]) == (0.0, 0.0, None)


def test_a_closed_pocket_does_not_percolate():
    grid = np.zeros((6, 6, 6))
    grid[1:4, 1:4, 1:4] = 1.0
    assert set(Density(grid, np.eye(3) * 6, 1000.0).percolation_barriers_eV().values()) == {None}


def test_density_integrates_to_the_number_of_ions_in_any_frame(rng):
    cell = np.array([[7.0, 0, 0], [-2, 6.0, 0], [1, 2, 8.0]])
    positions = rng.uniform(-3, 3, size=(500, 9, 3)) @ cell
    density = density_of(positions, cell, 300.0, 0.5)
    assert density.ions_per_A3.mean() * np.linalg.det(cell) == pytest.approx(9)
    turn = Rotation.random(rng=rng).as_matrix()
    turned = density_of(positions @ turn, cell @ turn, 300.0, 0.5)
    assert np.abs(turned.ions_per_A3 - density.ions_per_A3).sum() < 1e-3 * density.ions_per_A3.sum()


def test_walkers_percolate_along_all_axes_and_gemdat_takes_the_volume(make_run):
    density = mobile_density(make_run(scale=0.3, n_frames=8000)[0], 0.5)
    barriers = density.percolation_barriers_eV()
    assert all(0.1 < barrier < 1.0 for barrier in barriers.values())
    volume = density.to_gemdat()
    assert volume.lattice.matrix[0, 1] == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(volume.lattice.parameters, Lattice(density.cell_A).parameters)
    assert np.nanmax(volume.get_free_energy(temperature=700.0).data) > 0


def blob(origin=(0.0, 0.0, 0.0)):
    """A few counts on a skewed grid that begins anywhere."""
    counts = np.random.default_rng(1).integers(0, 70_000, size=(6, 5, 4))
    counts[2:, :2] = 0
    cell = np.array([[6.0, 0, 0], [-1, 5.0, 0], [1, 0.5, 4.0]])
    return counts, Density(counts / (1000 * np.linalg.det(cell) / 120), cell, 700.0, origin)


def test_the_document_gives_back_every_count_through_a_store():
    counts, density = blob((1.0, 2.0, 3.0))
    stored = json.loads(json.dumps(density.to_document(1000).model_dump(mode="json")))
    assert len(stored["counts"]) < 4 * counts.size
    volume = DensityVolume.from_stored(stored)
    np.testing.assert_array_equal(volume.to_array(), counts)
    back = Density.from_document(volume)
    np.testing.assert_allclose(back.ions_per_A3, density.ions_per_A3, rtol=1e-14)
    np.testing.assert_allclose(back.origin_A, (1.0, 2.0, 3.0))
    assert back.free_energy_eV().min() == 0
    assert np.isinf(back.free_energy_eV()[3, 1, 0])
    assert back.temperature_K == 700


def test_the_document_says_where_the_grid_begins_within_the_cell():
    _, density = blob((1.0 - 12 + 1, 2.0 - 5, 3.0))  # two a and one b before
    np.testing.assert_allclose(density.to_document(1000).origin_A, (1.0, 2.0, 3.0))


def test_corrupt_counts_are_said_to_be(rng):
    stored = blob()[1].to_document(1000)
    for wrong in ({"counts": stored.counts[:-8]}, {"counts": "?"}, {"shape": (6, 5, 5)}):
        with pytest.raises(StoreError, match="density volume is corrupt"):
            stored.model_copy(update=wrong).to_array()


def test_the_document_of_a_run_holds_the_density_of_its_barriers(make_run):
    run = make_run(scale=0.6, n_frames=6000)[0]
    document = diffusivity(run)
    density = Density.from_document(document.density)
    assert density.ions_per_A3.mean() * document.volume_A3 == pytest.approx(24)
    assert density.percolation_barriers_eV(run.cell_A) == document.percolation_barrier_eV
    assert None not in document.percolation_barrier_eV.values()
    assert np.linalg.norm(density.cell_A, axis=1).max() / max(density.ions_per_A3.shape) <= 0.3
    assert len(document.density.counts) < 100_000
    of_an_older_version = document.model_dump(mode="json", exclude={"density"})
    assert DiffusivityDocument.from_stored(of_an_older_version).density is None


@pytest.mark.parametrize("start", [0.0, 0.5])
def test_from_another_origin_every_voxel_is_where_it_was(start):
    counts, density = blob((1.1, 2.3, -0.7))
    rolled, off_A = density.from_origin((start,) * 3)
    assert np.all(np.abs(off_A @ np.linalg.inv(density.cell_A) * counts.shape) <= 0.5 + 1e-9)
    voxels = np.argwhere(np.ones_like(counts))
    true = np.array(density.origin_A) + (voxels + start) / counts.shape @ density.cell_A
    nearest = (true - off_A) @ np.linalg.inv(density.cell_A) * counts.shape
    np.testing.assert_allclose(nearest, np.rint(nearest), atol=1e-9)
    there = tuple(np.rint(nearest).astype(int).T % np.array(counts.shape)[:, None])
    np.testing.assert_array_equal(rolled[there], density.ions_per_A3[tuple(voxels.T)])


def test_gemdat_finds_an_ion_where_it_is_whatever_the_origin():
    cell = np.array([[12.0, 0, 0], [0, 11.0, 0], [-4.0, 0, 12.0]])
    ion = np.array([3.3, 4.4, 5.5])
    for origin in ((0.0, 0.0, 0.0), (5.1, -3.3, 20.7)):
        density = density_of(np.broadcast_to(ion, (3, 1, 3)), cell, 300.0, 0.3, origin)
        volume = density.to_gemdat()
        voxel = np.array(np.unravel_index(volume.data.argmax(), volume.data.shape))
        off = (volume.voxel_to_frac_coords(voxel) - ion @ np.linalg.inv(cell)) * volume.data.shape
        assert np.abs(off).max() < 1.0  # half a voxel for the grid, and half for the ion in it


def test_resolution_must_be_positive(rng):
    with pytest.raises(InputError, match="resolution_A = 0"):
        density_of(rng.uniform(size=(2, 1, 3)), np.eye(3), 300.0, 0.0)
