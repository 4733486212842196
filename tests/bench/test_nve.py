"""Single precision conserves energy as double precision does: over a time in which both run the same trajectory."""

from dataclasses import replace

import numpy as np
import pytest

from superionic.bench.cells import ordered_cell
from superionic.bench.nve import _equilibrated, double_precision, drifts
from superionic.potentials.chgnet import load_chgnet

LENGTH_PS = 0.2
RESOLUTION = 5e-3  # meV/atom/ps; the integrator's own energy wanders by a thousand times as much in that time


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
    true, ours = drifts(structure, start, double, single, LENGTH_PS)
    assert true.shape == ours.shape == (2,)
    assert np.abs(true).max() > 100 * RESOLUTION  # a window is long enough for the energy to wander
    assert np.abs(ours - true).max() < RESOLUTION
    ours, theirs = drifts(structure, start, single, Weaker(single), LENGTH_PS)
    assert np.abs(theirs - ours).max() > 10 * RESOLUTION
