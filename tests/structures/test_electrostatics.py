"""Ewald against Madelung constants and pymatgen, shifted force against its closed form."""

import numpy as np
import pytest
from pymatgen.analysis.ewald import EwaldSummation

from superionic.errors import InputError
from superionic.structures.electrostatics import COULOMB_eV_A, ewald_matrix, mobile_form, shifted_force_matrix


def test_madelung_constant_of_rock_salt(rock_salt):
    crystal = rock_salt.structure
    charges = np.array([1.0] * 4 + [-1.0] * 4)
    energy = 0.5 * charges @ ewald_matrix(crystal.lattice.matrix, crystal.frac_coords) @ charges / 4
    assert energy == pytest.approx(-1.7475645946 * COULOMB_eV_A / 2.82, abs=1e-9)


@pytest.mark.parametrize("charged", [False, True])
def test_ewald_is_that_of_pymatgen(cell_212, charged):
    matrix = ewald_matrix(cell_212.lattice.matrix, cell_212.frac_coords)
    rng = np.random.default_rng(1)
    free = cell_212.sites_of(["4g", "2c", "4h"])
    for _ in range(3):
        species = np.where(cell_212.labels == "2b", "In", "").astype(object)
        species[rng.permutation(free)[: 20 if charged else 24]] = "Li"
        q = np.array(
            [cell_212.charge(s) if s else 0.0 for s in np.where(cell_212.anions != "", cell_212.anions, species)]
        )
        reference = EwaldSummation(cell_212.structure(list(species))).total_energy
        assert 0.5 * q @ matrix @ q == pytest.approx(reference, abs=1e-6)


def test_ewald_does_not_depend_on_origin_or_orientation(cell_212):
    rng = np.random.default_rng(0)
    coords = rng.random((12, 3))
    lattice = cell_212.lattice.matrix
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    reference = ewald_matrix(lattice, coords)
    assert np.allclose(ewald_matrix(lattice @ rotation, coords), reference, atol=1e-9)
    assert np.allclose(ewald_matrix(lattice, coords + np.array([0.3, 1.7, -0.2])), reference, atol=1e-9)


def test_shifted_force_of_two_ions():
    box = 40 * np.eye(3)
    r, cutoff = 3.0, 10.0
    matrix = shifted_force_matrix(box, np.array([[0, 0, 0], [0, 0, r / 40]]), cutoff)
    assert matrix[0, 1] == pytest.approx(COULOMB_eV_A * (1 / r - 1 / cutoff + (r - cutoff) / cutoff**2))
    assert matrix[0, 0] == 0


def test_shifted_force_vanishes_smoothly_at_the_cutoff():
    box = 40 * np.eye(3)

    def energy(r):
        return shifted_force_matrix(box, np.array([[0, 0, 0], [0, 0, r / 40]]), 10.0)[0, 1]

    assert energy(10.001) == 0
    assert 0 < energy(9.99) < 1e-4  # quadratic in the distance to the cutoff: the force vanishes too


def test_images_count_as_neighbours_do(cell_212):
    """A site alone in a small cell sees its images as sites of a larger cell see each other."""
    small = shifted_force_matrix(4 * np.eye(3), np.zeros((1, 3)), 10.0)
    corners = np.stack(np.meshgrid(*[[0, 0.5]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    large = shifted_force_matrix(8 * np.eye(3), corners, 10.0)
    assert large.sum(axis=1) == pytest.approx(np.full(8, small[0, 0]))


def test_the_quadratic_form_is_the_pair_sum(cell_212):
    matrix = ewald_matrix(cell_212.lattice.matrix, cell_212.frac_coords)
    mobile = cell_212.sites_of(["4g", "2c"])
    fixed = np.where(cell_212.labels == "2b", 3.0, 0.0) - (cell_212.anions != "")
    form = mobile_form(matrix, mobile, 1.0, fixed)
    x = np.random.default_rng(2).random((4, len(mobile))) < 0.5
    for row, energy in zip(x, form.energies(x), strict=True):
        q = fixed.copy()
        q[mobile[row]] += 1
        assert energy == pytest.approx(0.5 * q @ matrix @ q, abs=1e-9)


def test_bad_input_is_named():
    with pytest.raises(InputError, match="cutoff_A"):
        shifted_force_matrix(np.eye(3) * 5, np.zeros((1, 3)), 0.0)
    with pytest.raises(InputError, match="coincide"):
        ewald_matrix(np.eye(3) * 5, np.array([[0, 0, 0], [1.0, 0, 0]]))
