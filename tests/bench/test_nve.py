"""Single precision conserves energy as double precision does: over a time in which both run the same trajectory."""

from dataclasses import replace

import pytest

from superionic.bench.cells import ordered_cell
from superionic.bench.nve import _drift_and_work, _equilibrated, double_precision
from superionic.potentials import load_chgnet

LENGTH_PS = 0.1
RESOLUTION = 1e-3  # meV/atom/ps; the integrator's own energy wanders by a thousand times as much in that time


class Weaker:
    """A potential whose forces are 0.1 % too weak for its energy."""

    def __init__(self, potential):
        self.potential = potential

    def session(self, numbers):
        session = self.potential.session(numbers)
        evaluate = session.evaluate

        def weaker(positions, cell):
            result = evaluate(positions, cell)
            return replace(result, forces_eV_per_A=0.999 * result.forces_eV_per_A)

        session.evaluate = weaker
        return session


@pytest.mark.slow
def test_float32_conserves_energy_as_float64_does():
    structure, single, double = ordered_cell(20), load_chgnet(kernels="fused"), double_precision()
    start = _equilibrated(structure, single, seed=1)
    true, work = _drift_and_work(structure, start, double, single, LENGTH_PS)
    ours, _ = _drift_and_work(structure, start, single, None, LENGTH_PS)
    assert abs(ours - true) < RESOLUTION
    assert abs(work) < RESOLUTION
    theirs, work = _drift_and_work(structure, start, single, Weaker(single), LENGTH_PS)
    assert theirs == ours
    assert abs(work) > RESOLUTION
    assert abs(_drift_and_work(structure, start, Weaker(single), None, LENGTH_PS)[0] - true) > RESOLUTION
