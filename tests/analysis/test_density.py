"""Density, and passes that can be counted by hand."""

import numpy as np
import pytest
from pymatgen.core import Lattice
from scipy.spatial.transform import Rotation

from superionic.analysis.density import Density, density_of, mobile_density
from superionic.errors import InputError

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


def test_resolution_must_be_positive(rng):
    with pytest.raises(InputError, match="resolution_A = 0"):
        density_of(rng.uniform(size=(2, 1, 3)), np.eye(3), 300.0, 0.0)
