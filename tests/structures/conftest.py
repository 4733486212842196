"""Hosts small enough to count by hand, and the packaged one."""

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from superionic.structures.host import Host, NamedSite, load_host
from superionic.structures.supercell import HostSupercell, supercell_matrix


@pytest.fixture(scope="session")
def host():
    return load_host("Li3InCl6")


@pytest.fixture(scope="session")
def cell_212(host):
    return HostSupercell(host, supercell_matrix((2, 1, 2)))


@pytest.fixture(scope="session")
def cell_222(host):
    return HostSupercell(host, supercell_matrix((2, 2, 2)))


@pytest.fixture(scope="session")
def rock_salt():
    """NaCl, sites A (octahedral) and X, and tetrahedral T; every number about it is in the textbooks."""
    lattice = Lattice.cubic(5.64)
    fcc = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    tetrahedral = np.concatenate([fcc + 0.25, fcc + 0.75]) % 1.0
    crystal = Structure(lattice, ["Na+"] * 4 + ["Cl-"] * 4, np.concatenate([fcc, (fcc + 0.5) % 1.0]))
    sites = (
        NamedSite("A", "4a", None, "octahedral", ("Na", "Mg", "Li"), fcc),
        NamedSite("X", "4b", None, "anion", ("Cl",), (fcc + 0.5) % 1.0),
        NamedSite("T", "8c", None, "tetrahedral", ("Li", "Mg"), tetrahedral),
    )
    charges = {"Li": 1, "Na": 1, "Mg": 2, "Cl": -1}
    return Host("NaCl", crystal, sites, "Li", ("Cl",), charges, "c", {"full": {"A": "Na", "X": "Cl"}}, {})
