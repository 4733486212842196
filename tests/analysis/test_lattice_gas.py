"""Ions that block each other: memory that no rate between sites tells, and only the displacements show."""

import numpy as np
import pytest

from lattice_gas import LatticeGas
from superionic.analysis.spectral.spectrum import displacement_modes
from superionic.bench.calibration import Crystal

SUPERCELL = (2, 1, 2)


def true_diffusivity(gas, n_ions, interval_ps, n_runs=30):
    """From the slowest modes of runs that are a hundred times as long as any memory, and the error of it."""
    slowest = []
    for seed in range(n_runs):
        positions = gas.run(n_ions, 20000, interval_ps, 10**6 + seed, vibrate=False)
        slowest.append(np.mean(displacement_modes(positions, interval_ps, 60) ** 2) / 2)
    return np.mean(slowest), np.std(slowest) / np.sqrt(n_runs)


def test_an_empty_lattice_blocks_nobody(layered_model):
    model = layered_model(0.3)
    found, error = true_diffusivity(LatticeGas(model, SUPERCELL), 1, 1.0, n_runs=60)
    assert found == pytest.approx(np.trace(model.diffusion_tensor()) / 3, abs=4 * error)


@pytest.mark.parametrize(("n_ions", "n_frames", "interval_ps"), [(24, 2000, 0.1), (36, 2000, 0.1), (36, 5000, 0.2)])
def test_intervals_cover_the_truth_where_ions_block_each_other(layered_model, n_ions, n_frames, interval_ps):
    """Half or three quarters of the sites taken: D / D_J 0.88 and 0.85, and a short run sees some of it."""
    model = layered_model(0.1)
    gas, crystal = LatticeGas(model, SUPERCELL), Crystal.of(model)
    truth, error = true_diffusivity(gas, n_ions, 1.0)
    assert error < 0.006 * truth
    runs = (gas.run(n_ions, n_frames, interval_ps, seed) for seed in range(100))
    found = [crystal.estimate(positions, interval_ps).isotropic() for positions in runs]
    shares = [
        np.mean([low <= truth <= high for low, high in intervals])
        for intervals in ([e.interval_68 for e in found], [e.interval_95 for e in found])
    ]
    assert shares[0] > 0.61 - 2 * np.sqrt(0.68 * 0.32 / 100)
    assert shares[1] > 0.92 - 2 * np.sqrt(0.95 * 0.05 / 100)
    bias = np.mean([estimate.value for estimate in found]) - truth
    assert abs(bias) < np.median([estimate.standard_error for estimate in found])
