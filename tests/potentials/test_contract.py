"""Every family that runs here holds the contract of potentials."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from superionic.documents import AseSettings, ChgnetSettings, PresetSettings
from superionic.potentials.load import load
from superionic.testing.potentials import Crystal, Tolerances, check_potential

EXACT = Tolerances(1e-9, 1e-8, 1e-9, derivative=1e-5, displacement_A=1e-3, strain=1e-4)
"""In float64 what is left is the fourth power of the step."""
SMOOTH_TO_3RD_ORDER = Tolerances(1e-9, 1e-8, 1e-9, derivative=1e-3, displacement_A=1e-3, strain=1e-4)
"""EMT's cutoff is a Fermi function that is cut off at 1e-4: pairs that cross it move the slope."""


def crystal_of(structure: Structure, amplitude_A: float) -> Crystal:
    numbers = np.array(structure.atomic_numbers)
    noise = np.random.default_rng(5).normal(scale=amplitude_A, size=(len(numbers), 3))
    return Crystal(numbers, structure.cart_coords + noise, np.array(structure.lattice.matrix))


@pytest.fixture(scope="module")
def chloride():
    """Li3InCl6, 20 atoms, as hot as it gets before it melts."""
    return crystal_of(
        Structure.from_spacegroup(
            "C2/m",
            Lattice.monoclinic(6.594, 11.366, 6.475, 111.09),
            ["Li", "Li", "In", "Cl", "Cl"],
            [[0, 0.3438, 0.5], [0, 0, 0.5], [0, 0.5, 0], [0.2385, 0.3467, 0.2694], [0.2284, 0.5, 0.7562]],
        ),
        0.15,
    )


@pytest.fixture(scope="module")
def alloy():
    """Copper and gold in a sheared cell."""
    lattice = Lattice([[3.9, 0.1, 0.2], [-0.1, 3.8, 0.3], [0.2, 0.1, 4.0]])
    faces = [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    return crystal_of(Structure(lattice, ["Au", "Cu", "Cu", "Cu"], faces), 0.1)


@pytest.mark.parametrize("kernels", ["fused", "torch"])
def test_chgnet(chloride, kernels):
    check_potential(load(ChgnetSettings(kernels=kernels)), chloride)


def test_lennard_jones(chloride):
    kwargs = {"sigma": 2.2, "epsilon": 0.3, "rc": 6.0, "smooth": True}
    settings = AseSettings(calculator="ase.calculators.lj:LennardJones", kwargs=kwargs, cutoff_A=6.0)
    check_potential(load(settings), chloride, EXACT)


def test_emt(alloy):
    check_potential(load(AseSettings(calculator="ase.calculators.emt:EMT")), alloy, SMOOTH_TO_3RD_ORDER)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("sevenn") is None, reason="sevenn is not installed: pip install 'superionic[sevennet]'")
def test_sevennet(chloride):
    check_potential(load(PresetSettings(family="sevennet")), chloride)
