"""Isotopes: the mass that a protocol gives to an element is the one that moves."""

import json

import numpy as np
import pytest
from ase import units
from pymatgen.core import Lattice, Structure

from superionic.documents import MDProtocol
from superionic.dynamics.builtin.integrator import Integrator
from superionic.dynamics.builtin.start import initial_state
from superionic.dynamics.masses import masses_u
from superionic.dynamics.segment import engine_named
from superionic.errors import InputError
from superionic.managers.identity import _canonical
from superionic.potentials import Evaluation

DEUTERIUM = {"H": 2.014}
STRUCTURE = Structure(Lattice.cubic(8), ["Li", "H"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def protocol(**settings):
    return MDProtocol(temperature_K=300, length_ps=0.1, equilibration_ps=0, ensemble="nve", stride=1, **settings)


def first_displacement(settings):
    """Of both atoms under a constant force from rest: F t^2 / 2 m."""
    start = initial_state(STRUCTURE, settings)
    start = start.model_copy(update={"momenta": [[0.0] * 3] * 2})
    force = np.array([[0.1, 0, 0], [-0.1, 0, 0]])
    run = Integrator(start, np.array([3, 1]), settings, lambda *_: Evaluation(0.0, force, np.zeros((3, 3))))
    run.advance(1)
    return np.array(run.positions - STRUCTURE.cart_coords)[:, 0]


def test_deuterium_moves_with_its_own_mass():
    heavy = first_displacement(protocol(masses_u=DEUTERIUM))
    np.testing.assert_allclose(heavy[1], -0.5 * 0.1 / 2.014 * (2 * units.fs) ** 2, rtol=1e-9)
    light = first_displacement(protocol())
    np.testing.assert_allclose(heavy / light, [1, 1.008 / 2.014], rtol=1e-9)


def test_momenta_start_at_the_temperature_with_these_masses():
    momenta = np.array(initial_state(STRUCTURE * (4, 4, 4), protocol(masses_u=DEUTERIUM)).momenta)
    masses = masses_u((STRUCTURE * (4, 4, 4)).atomic_numbers, protocol(masses_u=DEUTERIUM))
    assert set(masses) == {6.94, 2.014}
    kinetic = np.sum(momenta**2 / masses[:, None]) / 2
    assert kinetic == pytest.approx(1.5 * units.kB * 300 * (len(masses) - 1))


def test_masses_of_what_is_not_there_or_is_not_done_are_refused():
    built_in, lammps = engine_named("built-in"), engine_named("lammps")
    with pytest.raises(InputError, match="masses_u: 'D' is none of the elements"):
        built_in.check(STRUCTURE, protocol(masses_u={"D": 2.014}), None)
    with pytest.raises(InputError, match="masses_u: engine = 'lammps' runs with standard masses"):
        lammps.check(STRUCTURE, protocol(masses_u=DEUTERIUM), None)


def test_a_job_without_isotopes_stays_the_job_it_was():
    plain, heavy = (_canonical(json.loads(p.model_dump_json())) for p in (protocol(), protocol(masses_u=DEUTERIUM)))
    assert "masses_u" not in plain
    assert heavy["masses_u"] == DEUTERIUM
