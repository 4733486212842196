"""The smallest supercell of any shape that is thick enough and fits."""

import numpy as np
import pytest
from pymatgen.core import Lattice

from superionic.errors import InputError
from superionic.structures.supercell_search import SupercellRequest, chosen_cell, thickest


def thickness(lattice, matrix):
    return 1 / np.linalg.norm(np.linalg.inv(np.array(matrix) @ lattice.matrix), axis=0).max()


def test_repeats_are_taken_where_they_do():
    assert thickest(Lattice.orthorhombic(3, 5, 9), 6, 8.9) == ((3, 0, 0), (0, 2, 0), (0, 0, 1))


def test_other_shapes_where_no_repeats_do():
    long = Lattice.monoclinic(4, 4, 12, 60)  # the a and c of which lean on each other
    stacked = [np.diag(r) for r in ((4, 1, 1), (2, 2, 1), (1, 4, 1), (1, 1, 4), (2, 1, 2), (1, 2, 2))]
    best = max(thickness(long, matrix) for matrix in stacked)
    found = thickest(long, 4, best + 0.1)
    assert found is not None
    assert round(np.linalg.det(found)) == 4
    assert thickness(long, found) >= best + 0.1


def test_the_smallest_cell_is_chosen_and_what_is_too_small_said(host):
    cell = chosen_cell(host, SupercellRequest(min_length_A=10))
    assert cell.n_cells == 4
    assert thickness(host.structure.lattice, cell.matrix) >= 10
    assert chosen_cell(host, {"min_length_A": 10, "max_atoms": 1000}).matrix == cell.matrix  # as it comes through JSON
    with pytest.raises(InputError, match="max_atoms"):
        chosen_cell(host, SupercellRequest(min_length_A=10, max_atoms=40))


def test_occupancies_decide_too(host):
    def whole(cell):
        if cell.n_cells % 3:
            raise InputError("not a third")

    assert chosen_cell(host, SupercellRequest(min_length_A=5), whole).n_cells == 3
