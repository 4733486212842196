"""The supercell holds every named site once, whatever its shape."""

import numpy as np
import pytest

from superionic.errors import InputError
from superionic.structures.supercell import HostSupercell, lattice_points, supercell_matrix


@pytest.mark.parametrize(
    "supercell", [(0, 1, 1), (1, 1, -1), [[1, 0, 0], [1, 0, 0], [0, 0, 1]], (1, 1), (1, 1, 1.5), "abc"]
)
def test_singular_or_malformed_supercells_are_refused(supercell):
    with pytest.raises(InputError, match="supercell"):
        supercell_matrix(supercell)


@pytest.mark.parametrize(
    ("supercell", "n_cells", "order"),
    [((1, 1, 1), 1, 8), ((2, 1, 2), 4, 32), ((2, 2, 2), 8, 64), ([[1, 1, 0], [-1, 1, 0], [0, 0, 1]], 2, 16)],
)
def test_sites_and_operations_scale_with_the_cell(host, supercell, n_cells, order):
    cell = HostSupercell(host, supercell_matrix(supercell))
    assert len(cell.labels) == 32 * n_cells
    assert len(np.unique(np.round(cell.frac_coords, 6), axis=0)) == len(cell.labels)
    if len(np.shape(supercell)) == 1:
        assert len(cell.permutations) == order
    assert (cell.permutations[0] == np.arange(len(cell.labels))).all()


def test_rock_salt_group(rock_salt):
    primitive_to_cubic = HostSupercell(rock_salt, supercell_matrix((1, 1, 1)))
    assert len(primitive_to_cubic.permutations) == 192  # 48 point operations x 4 centrings
    tetragonal = HostSupercell(rock_salt, supercell_matrix((1, 1, 2)))
    assert len(tetragonal.permutations) == 16 * 8  # only those of 4/mmm keep the cell; 8 lattice points


def test_structure_carries_names_layers_and_charges(host, cell_212):
    species = ["In" if label == "2b" else "Li" if label in {"2c", "4h"} else "" for label in cell_212.labels]
    structure = cell_212.structure(species)
    reference = host.ordered(host.fillings["O"], (2, 1, 2))
    assert structure.composition == reference.composition
    assert structure.charge == 0
    assert set(structure.site_properties) == {"site_label", "wyckoff", "layer"}
    for site in structure:
        nearest = min(reference, key=site.distance)
        assert site.distance(nearest) < 1e-6
        assert site.properties["site_label"] == nearest.properties["site_label"]
        assert site.specie == nearest.specie


def test_species_without_charge_are_refused(cell_212):
    with pytest.raises(InputError, match="'U' has no oxidation state"):
        cell_212.structure(["U" if label == "2b" else "" for label in cell_212.labels])


def test_unknown_labels_are_refused(cell_212):
    with pytest.raises(InputError, match="9z"):
        cell_212.sites_of(["9z"])


def test_lattice_points_fill_the_supercell():
    skewed, centred = [[2, 1, 0], [-1, 1, 0], [0, 1, 2]], [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    for matrix in (np.diag([2, 1, 3]), skewed, centred):
        assert len(lattice_points(matrix)) == round(abs(np.linalg.det(matrix)))
