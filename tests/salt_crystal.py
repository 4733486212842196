"""Rock salt for the tests of VASP: its atoms as a POSCAR groups them, and by turns, as a run may have them."""

from pymatgen.core import Lattice, Structure

SALT = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.1), ["Cl-", "Li+"], [[0, 0, 0], [0.5, 0.5, 0.5]])
MIXED = Structure.from_sites([SALT[index] for index in (4, 0, 1, 5, 2, 6, 7, 3)])
