"""Atoms that are closer than any bond are refused wherever a cell comes from; the shortest real bonds are not."""

import pytest
from ase.build import molecule
from pymatgen.core import Lattice, Structure

from cif_files import CUBIC, cif
from superionic.errors import InputError
from superionic.makers.disorder import DisorderMaker
from superionic.makers.ordering import OrderingMaker
from superionic.structures.distances import require_distances
from superionic.structures.host import load_host


def host_of(tmp_path, rows):
    file = tmp_path / "crystal.cif"
    file.write_text(cif(CUBIC, rows))
    return load_host(file)


def test_two_full_sites_on_top_of_each_other_are_refused_by_name(tmp_path):
    rows = [("Li1", "Li", 0, 0, 0, 1), ("Li2", "Li", 0.15, 0, 0, 1), ("O1", "O", 0.5, 0.5, 0.5, 1)]
    with pytest.raises(InputError, match=r"Li\+ at .* are 0\.\d\d Å apart, closer than any bond"):
        host_of(tmp_path, rows)


def test_partly_occupied_sites_may_be_close(tmp_path):
    rows = [("Li1", "Li", 0, 0, 0, 0.5), ("Li2", "Li", 0.15, 0, 0, 0.5), ("Cl1", "Cl", 0.5, 0.5, 0.5, 1)]
    host = host_of(tmp_path, rows)
    DisorderMaker(supercell=(2, 2, 2), occupancy_tolerance=0.1, n_samples=1).frameworks(host)


@pytest.mark.parametrize("name", ["N2", "CO", "O2", "H2O", "CH4", "C2H2", "HCN", "NO", "LiH", "H2", "F2", "PH3", "SO2"])
def test_the_shortest_bonds_of_real_molecules_are_let_through(name):
    atoms = molecule(name)
    atoms.center(vacuum=5)
    require_distances(
        Structure(atoms.cell[:], atoms.get_chemical_symbols(), atoms.positions, coords_are_cartesian=True)
    )


def test_an_ordered_cell_of_a_file_is_held_to_the_same(tmp_path):
    host = host_of(tmp_path, [("Li1", "Li", 0, 0, 0, 1), ("Cl1", "Cl", 0.5, 0.5, 0.5, 1)])
    squeezed = Structure(Lattice.cubic(0.8), ["Li", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    with pytest.raises(InputError, match="closer than any bond"):
        require_distances(squeezed)
    OrderingMaker(filling={site.label: site.allowed_species[0] for site in host.sites}).ordered(host)


def test_a_poscar_without_elements_is_refused(tmp_path):
    file = tmp_path / "POSCAR"
    file.write_text("LiCl\n1.0\n5 0 0\n0 5 0\n0 0 5\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n")
    with pytest.raises(InputError, match="names no elements"):
        load_host(file)


def test_a_coordinate_that_is_no_number_is_refused(tmp_path):
    with pytest.raises(InputError, match="'nan' is no number"):
        host_of(tmp_path, [("Li1", "Li", "nan", 0, 0, 1), ("Cl1", "Cl", 0.5, 0.5, 0.5, 1)])
